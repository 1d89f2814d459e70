// Draws the tokens of one process on a canvas. Only rows in view are drawn, so that a step costs the same for any length.

import { Colours, colours, pixel } from "./colours";
import { Changes } from "./decode";
import { Layout, Row, Scale } from "./layout";
import { tokenText } from "./words";

/** Tokens narrower than this have no texts; narrower than SMALL they are single pixels, enlarged. */
export const READABLE = 13;
const SMALL = 9;
const TOP = 16; // room for the names of columns
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

export type Mark = "unmasked" | "rewritten" | "remasked" | "inserted" | "appended";
const MARKS: Mark[] = ["unmasked", "rewritten", "remasked", "inserted", "appended"];

/** The token that is selected, the positions that its heads found, and those that are wrong. */
export interface Look {
  selected: number;
  arcs: { from: number; label: string }[];
  wrong: number[];
}

export class GridView {
  readonly canvas = document.createElement("canvas");
  scale!: Scale;
  private readonly inner = document.createElement("div");
  private readonly pen = this.canvas.getContext("2d")!;
  private readonly small = document.createElement("canvas");

  constructor(
    readonly box: HTMLElement,
    readonly layout: Layout,
    pick: (position: number) => void,
  ) {
    this.canvas.setAttribute("aria-hidden", "true"); // the box has the label
    this.inner.append(this.canvas);
    box.append(this.inner);
    this.canvas.addEventListener("click", (e) => {
      const position = this.at(e.offsetX, e.offsetY + box.scrollTop);
      if (position >= 0) pick(position);
    });
  }

  resize(scale: Scale): void {
    this.scale = scale;
    this.layout.arrange(scale);
    const { clientWidth: width, clientHeight: height } = this.box;
    this.inner.style.height = `${this.layout.rows.length * scale.h + TOP + 4}px`;
    this.canvas.width = width * devicePixelRatio;
    this.canvas.height = height * devicePixelRatio;
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
  }

  private at(x: number, y: number): number {
    const { w, h, gutter } = this.scale;
    return this.layout.position(Math.floor((y - TOP) / h), (x - gutter) / w);
  }
  /** The place of a position on the canvas, in pixels. */
  spot(position: number): [x: number, y: number] | null {
    const spot = this.layout.where(position), { w, h, gutter } = this.scale;
    return spot ? [gutter + spot[1] * w, TOP + spot[0] * h - this.box.scrollTop] : null;
  }
  /** Scroll so that a position is in view. */
  follow(position: number): void {
    const spot = this.layout.where(position);
    if (!spot) return;
    const y = spot[0] * this.scale.h, { scrollTop, clientHeight } = this.box, room = clientHeight - TOP - 3 * this.scale.h;
    if (y < scrollTop || y > scrollTop + room) this.box.scrollTop = Math.max(0, y - 0.6 * room);
  }

  draw(changes: Changes, look: Look, t: number): void {
    const { pen, layout } = this, { h, w } = this.scale, { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor((scrollTop - TOP) / h));
    const last = Math.min(layout.rows.length, Math.ceil((scrollTop + clientHeight) / h) + 1);
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.textBaseline = "middle";
    const marks = new Map(MARKS.flatMap((mark) => changes[mark].map((position) => [position, mark] as const)));
    if (w < SMALL) this.pixels(marks, first, last);
    else for (let r = first; r < last; r++) this.tokens(layout.rows[r], TOP + r * h - scrollTop, marks);
    for (let r = first; r < last; r++) this.label(layout.rows[r], r, TOP + r * h - scrollTop, t);
    pen.clearRect(0, 0, this.canvas.width, TOP - 2);
    this.heads();
    look.wrong.forEach((position, i) => this.wrong(position, !i));
    this.arcs(look);
  }

  private write(text: string, x: number, y: number, colour: string, align: CanvasTextAlign, font: string, most?: number): void {
    Object.assign(this.pen, { fillStyle: colour, textAlign: align, font: `${font} ${MONO}` });
    this.pen.fillText(text, x, y, most);
  }

  private heads(): void {
    const { w, gutter } = this.scale;
    this.pen.textAlign = "left";
    for (const { text, column, columns } of this.layout.heads(this.scale))
      this.write([text, text.split(" of ")[0], text[0]].find((said) => columns * w > 6.1 * said.length) ?? text[0], gutter + column * w, 7, colours.quiet, "left", "10px");
  }

  private label(row: Row, r: number, y: number, t: number): void {
    const { w, h, gutter } = this.scale, text = this.layout.label(row, this.layout.replay.at), now = row.step !== undefined && +text === t;
    const sparse = h < 11 && row.step !== undefined && (r % Math.ceil(14 / h) !== 0 || Math.abs(+text - t) * h < 11);
    if (text && (now || !sparse)) {
      const colour = now ? colours.ink : colours.quiet;
      this.write(now ? `▸${text}` : text, gutter - 5, y + h / 2, colour, "right", now ? "bold 10px" : "10px", gutter - 6);
    }
    if (row.names && w >= READABLE + 4)
      row.names.forEach((name, i) => this.write(name, gutter + (i + 0.5) * w, y - 5, colours.quiet, "center", "8px", w - 1));
  }

  private fill(kind: string, position: number): string {
    if (kind === "MASK" || kind === "WORK") return colours.mask;
    if (/^(NONE|HALT)/.test(kind)) return colours.still;
    return colours[this.layout.role(position)];
  }

  /** Many tokens: one pixel each, then enlarged without smoothing. */
  private pixels(marks: Map<number, Mark>, first: number, last: number): void {
    const { w, h, gutter } = this.scale, { rows, replay } = this.layout, columns = this.layout.most(this.scale) + 2;
    const image = new ImageData(columns, Math.max(1, last - first)), out = new Uint32Array(image.data.buffer);
    const codes = Object.fromEntries(Object.values(colours).map((c) => [c, pixel(c)]));
    for (let r = first; r < last; r++)
      for (const s of rows[r].segments)
        for (let i = 0, p = s.first; i < s.many && p < replay.length; i++, p++)
          out[(r - first) * columns + Math.floor(s.column) + i] = codes[this.pixelColour(p, marks.get(p))];
    this.small.width = columns;
    this.small.height = image.height;
    this.small.getContext("2d")!.putImageData(image, 0, 0);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(this.small, gutter, TOP + first * h - this.box.scrollTop, columns * w, image.height * h);
  }
  private pixelColour(position: number, mark: Mark | undefined): string {
    if (mark) return mark === "remasked" || mark === "inserted" ? colours.remask : colours.ink;
    const { replay } = this.layout;
    return this.fill(replay.kinds[replay.kindOf(this.layout.token(position).token)], position);
  }

  private tokens(row: Row, y: number, marks: Map<number, Mark>): void {
    const { w, gutter } = this.scale, { replay } = this.layout;
    for (const { first, many, column } of row.segments)
      for (let i = 0, x = gutter + column * w; i < many; i++, x += w)
        if (first + i < replay.length) this.token(first + i, x, y, marks.get(first + i));
        else this.absent(x, y);
  }
  /** A place that the sequence does not reach yet. */
  private absent(x: number, y: number): void {
    Object.assign(this.pen, { strokeStyle: colours.faint, lineWidth: 0.6 });
    this.pen.strokeRect(x + 0.5, y + 0.5, this.scale.w - 2, this.scale.h - 2);
  }
  private token(position: number, x: number, y: number, mark: Mark | undefined): void {
    const { pen, layout } = this, { w, h } = this.scale, [wide, high] = [w - 1, h - 1];
    const { token, pair } = layout.token(position), [kind, value] = layout.replay.split(token), empty = kind === "MASK" || kind === "WORK";
    pen.fillStyle = this.fill(kind, position);
    pen.globalAlpha = pair ? 0.45 : 1; // rebuilt by the model, not written there
    pen.fillRect(x, y, wide, high);
    pen.globalAlpha = 1;
    const text = tokenText(layout.header, kind, value), colour = empty ? colours.quiet : colours.text;
    if (w >= READABLE || empty) this.write(text, x + wide / 2, y + high / 2 + 0.5, colour, "center", `${Math.min(11, h - 5)}px`, wide - 1);
    if (mark) this.mark(mark, x, y, wide, high);
  }

  /** Shapes as well as colours: a frame is new, a dashed frame with a stroke is remasked, a cross is inserted. */
  private mark(mark: Mark, x: number, y: number, wide: number, high: number): void {
    const { pen } = this, masked = mark === "remasked" || mark === "inserted";
    Object.assign(pen, { strokeStyle: masked ? colours.remask : colours.ink, lineWidth: 2 });
    pen.setLineDash(mark === "remasked" ? [3, 2] : []);
    pen.strokeRect(x + 0.5, y + 0.5, wide - 1, high - 1);
    pen.setLineDash([]);
    pen.lineWidth = 1.3;
    if (mark === "remasked") this.line(x + 2, y + high - 2, x + wide - 2, y + 2);
    if (mark !== "inserted") return;
    this.line(x + wide / 2, y + 3, x + wide / 2, y + high - 3);
    this.line(x + 3, y + high / 2, x + wide - 3, y + high / 2);
  }
  private line(x0: number, y0: number, x1: number, y1: number): void {
    this.pen.beginPath();
    this.pen.moveTo(x0, y0);
    this.pen.lineTo(x1, y1);
    this.pen.stroke();
  }

  private wrong(position: number, first: boolean): void {
    const spot = this.spot(position), { w, h } = this.scale;
    if (!spot) return;
    Object.assign(this.pen, { strokeStyle: colours.remask, lineWidth: 2 });
    this.pen.strokeRect(spot[0] - 2, spot[1] - 2, w + 3, h + 3);
    if (first) this.tag("✕ wrong", spot[0] + w + 2, spot[1] - 10, colours.remask);
  }

  private arcs({ selected, arcs }: Look): void {
    const { pen } = this, { w, h } = this.scale, to = selected >= 0 ? this.spot(selected) : null;
    if (!to) return;
    Object.assign(pen, { strokeStyle: colours.accent, lineWidth: 3 });
    pen.strokeRect(to[0] - 1, to[1] - 1, w + 1, h + 1);
    const spots = arcs.map(({ from }) => this.spot(from));
    pen.lineWidth = 1.4;
    const labels = new Map<string, [string, number, number]>(); // heads that found the same row share a label
    spots.forEach((spot, i) => {
      if (!spot) return;
      const old = labels.get(`${spot}`);
      labels.set(`${spot}`, [old ? `${old[0]}, ${arcs[i].label}` : arcs[i].label, ...spot]);
    });
    spots.forEach((spot, i) => spot && this.arc([spot[0] + w / 2, spot[1] + h / 2], [to[0] + w / 2, to[1] + h / 2], 16 + 9 * i));
    for (const [label, x, y] of labels.values()) this.tag(label, x + 5, y - 9, colours.accent);
  }
  private arc([x0, y0]: [number, number], [x1, y1]: [number, number], bend: number): void {
    const { pen } = this;
    Object.assign(pen, { strokeStyle: colours.accent, fillStyle: colours.accent });
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.quadraticCurveTo((x0 + x1) / 2 + bend, (y0 + y1) / 2 - bend / 2, x1, y1);
    pen.stroke();
    pen.beginPath();
    pen.arc(x0, y0, 3, 0, 7);
    pen.fill();
  }
  /** A short text on a ground of its own. The names of heads stand at their sources, where arcs are apart. */
  private tag(label: string, x: number, y: number, colour: string): void {
    const { pen } = this;
    pen.font = `bold 10px ${MONO}`;
    const wide = pen.measureText(label).width + 6, left = Math.min(x, this.box.clientWidth - wide - 2);
    Object.assign(pen, { fillStyle: colours.page, globalAlpha: 0.9 });
    pen.fillRect(left, y - 7, wide, 14);
    pen.globalAlpha = 1;
    this.write(label, left + 3, y, colour, "left", "bold 10px");
  }
}

export type { Colours };
