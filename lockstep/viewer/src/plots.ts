// Small plots over the film: context and masks, edits in a decoding step, active processors. A click goes there.

import { byId, el } from "./dom";
import { Film } from "./film";
import { MachineReplay } from "./machine";
import { ProcessPanel } from "./process";
import { grouped, processName } from "./words";

const WIDE = 300, HIGH = 74, MOST_POINTS = 1200;

/** A line of a plot. style: a class of style.css; lines also differ by dashes. */
interface Line {
  name: string;
  style: string;
  value: (frame: number) => number;
}

function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, `${value}`);
  return made;
}

export class Plots {
  private readonly cursors: SVGElement[] = [];

  constructor(
    private readonly film: Film,
    panels: ProcessPanel[],
    machine: MachineReplay,
    private readonly go: (frame: number) => void,
  ) {
    const steps = (frame: number, i: number) => film.at(frame).d[i];
    const context = panels.flatMap(({ replay }, i): Line[] => {
      const name = processName(replay.header), masks: Line = { name: `${name}, masked`, style: `p${i} masks`, value: (f) => replay.masks[steps(f, i)] };
      return [{ name, style: `p${i}`, value: (f) => replay.context[steps(f, i)] }, ...(replay.masks.some((n) => n) ? [masks] : [])];
    });
    const edits = panels.map(({ replay }, i): Line => ({
      name: processName(replay.header), style: `p${i}`, value: (f) => (steps(f, i) ? replay.edits[steps(f, i) - 1] : 0),
    }));
    const active: Line = { name: "do not pad", style: "all", value: (f) => machine.active(film.at(f).t) };
    const figures = [
      ...(panels.length ? [this.figure("context", context), this.figure("edits in a decoding step", edits)] : []),
      ...(machine.header.task ? [] : [this.figure("processors", [active])]),
    ];
    byId("plots").replaceChildren(...figures);
  }

  private figure(title: string, lines: Line[]): HTMLElement {
    const { length } = this.film, stride = Math.max(1, Math.floor(length / MOST_POINTS));
    const frames = Array.from({ length: Math.ceil(length / stride) }, (_, i) => i * stride);
    const values = lines.map((line) => frames.map(line.value)), top = Math.max(1, ...values.map((v) => v.reduce((a, b) => Math.max(a, b), 0)));
    const label = `${title} over time: ${lines.map((l, i) => `${l.name} up to ${values[i].reduce((a, b) => Math.max(a, b), 0)}`).join("; ")}`;
    const chart = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
    lines.forEach((line, i) => chart.append(svg("path", { d: path(values[i], top), class: line.style, fill: "none", "vector-effect": "non-scaling-stroke" })));
    const cursor = svg("line", { y1: 0, y2: HIGH, class: "cursor", "vector-effect": "non-scaling-stroke" });
    chart.append(cursor);
    this.cursors.push(cursor);
    chart.addEventListener("click", (e) => this.go(Math.round(((e as MouseEvent).offsetX / chart.clientWidth) * (length - 1))));
    const names = lines.map((line) => el("span", { class: line.style }, line.name));
    return el("figure", {}, el("figcaption", {}, el("b", {}, title), el("em", {}, `0 .. ${grouped(top)}`), ...names), chart);
  }

  show(frame: number): void {
    const x = (frame / Math.max(1, this.film.length - 1)) * WIDE;
    for (const cursor of this.cursors) for (const end of ["x1", "x2"]) cursor.setAttribute(end, `${x}`);
  }
}

function path(values: number[], top: number): string {
  const x = (i: number) => ((i / Math.max(1, values.length - 1)) * WIDE).toFixed(1);
  return values.map((v, i) => `${i ? "L" : "M"}${x(i)},${(HIGH - 2 - ((HIGH - 6) * v) / top).toFixed(1)}`).join("");
}
