// The panel of one process: what this decoding step edits, counters beside the closed forms, and the grid of tokens.

import { GridView, Look } from "./canvas";
import { Changes, DecodeReplay, NOTHING } from "./decode";
import { el, put } from "./dom";
import { ClosedForm, Header } from "./format";
import { Frame } from "./film";
import { Layout } from "./layout";
import { layOut } from "./layouts";
import { grouped, processName } from "./words";

const SIGNS: [key: keyof Changes, sign: string][] = [
  ["unmasked", "▣ unmasked"], ["appended", "▣ appended"], ["rewritten", "▣ rewritten"], ["remasked", "▨ remasked"],
  ["inserted", "⊞ inserted"], ["deleted", "⊟ deleted"], ["erased", "⌫ erased"],
];

export class ProcessPanel {
  readonly article: HTMLElement;
  readonly layout: Layout;
  readonly view: GridView;
  readonly box: HTMLElement;
  readonly heading = el("h2");
  private readonly edits = el("p", { class: "edits" });
  private readonly written = el("i");
  private readonly masked = el("i", { class: "masks" });
  private readonly amounts = el("small");
  private readonly steps = el("b");
  private readonly context = el("b");
  private changes = NOTHING;

  /** number: 0 for the left one, 1 for the right one. longest: the longest context of all panels, to which bars are drawn. */
  constructor(
    header: Header,
    readonly replay: DecodeReplay,
    readonly number: number,
    private readonly longest: number,
    pick: (position: number) => void,
    redraw: () => void,
  ) {
    this.layout = layOut(header, replay);
    this.box = el("div", { class: "grid", tabindex: "0", role: "group", "aria-label": `tokens of ${processName(replay.header)}` });
    this.view = new GridView(this.box, this.layout, pick);
    this.box.addEventListener("scroll", redraw);
    this.heading.append(el("b", {}, processName(replay.header)));
    const space = header.S + header.P * (header.k + 1);
    this.article = el("article", { class: `process p${number}` }, this.heading, this.counters(space), this.box);
  }

  private counters(space: number): HTMLElement {
    const { context, "decoding steps": steps } = this.replay.header.forms;
    const bar = el("div", { class: "bar", role: "img", "aria-label": "context; all bars have one scale" }, this.written, this.masked);
    const ratio = `${(this.replay.context.reduce((a, b) => Math.max(a, b), 0) / space).toFixed(1)} × space`;
    const row = (name: string, value: HTMLElement, unit: string, form?: ClosedForm) => [
      el("dt", {}, name),
      el("dd", {}, value, el("small", {}, unit)),
      ...(form ? [el("dd", { class: "form" }, said(form), el("b", {}, grouped(form.value)))] : []),
    ];
    const most = space ? ` tokens, at most ${ratio}` : " tokens";
    const list = el("dl", {}, ...row("context", this.context, most, context), ...row("decoding steps", this.steps, "", steps));
    return el("div", { class: "counts" }, bar, el("div", { class: "amounts" }, this.amounts, this.edits), list);
  }

  /** Go to a frame. fresh: whether the last decoding step belongs to it, so that its edits are marked. */
  show(d: number, frame: Frame, fresh: boolean, pid: number): void {
    this.replay.seek(d);
    this.changes = fresh ? this.replay.changes(d) : NOTHING;
    const context = this.replay.context[d], masks = this.replay.masks[d];
    put(this.steps, grouped(d));
    put(this.context, grouped(context));
    put(this.amounts, `${grouped(context - masks)} written${masks ? `, ${grouped(masks)} masked` : ""}`);
    this.written.style.width = `${((context - masks) / this.longest) * 100}%`;
    this.masked.style.width = `${(masks / this.longest) * 100}%`;
    const focus = this.layout.focus(frame.t, pid);
    if (focus >= 0) this.view.follow(focus);
    this.say();
  }

  private say(): void {
    const found = SIGNS.map(([key, sign]) => [sign, Number(Array.isArray(this.changes[key]) ? (this.changes[key] as number[]).length : this.changes[key])] as const);
    const some = found.filter(([, many]) => many).map(([sign, many]) => el("span", {}, `${sign} ${grouped(many)}`));
    this.edits.replaceChildren(...(some.length ? some : [el("span", { class: "zero" }, "no edit")]));
  }

  draw(look: Look, t: number): void {
    this.view.draw(this.changes, look, t);
  }
}

/** A closed form up to its value; of one without letters there is nothing to fill in. */
function said({ relation, text, filled, value }: ClosedForm): string {
  return `${relation === "<=" ? "≤ " : ""}${text} = ${filled === `${value}` ? "" : `${filled} = `}`;
}
