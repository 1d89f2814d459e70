// What was clicked, in words: a token with what its heads found, or a cell with its history.

import { DecodeReplay, Origin } from "./decode";
import { button, byId, el } from "./dom";
import { Header } from "./format";
import { Layout } from "./layout";
import { MachineReplay } from "./machine";
import { ProcessPanel } from "./process";
import { cellName, grouped, processName, tokenWords, wordText } from "./words";

const MOST_ENTRIES = 400;
const TOKENS = "Click a token: what it is, and what its heads read.";
const HINT = `${TOKENS} Click a cell: its history. Click a line: the next step on it.`;

/** A head of a token that asked. found: a position before the step, or what else came of it. */
export interface Source {
  name: string;
  layer: number;
  reads: string[];
  found: number | "nothing" | "several";
}

/** The heads that asked when a token was written. */
export function sourcesOf(replay: DecodeReplay, origin: Origin | null): Source[] {
  if (!origin || origin.edit < 0) return [];
  return replay.header.heads.flatMap((head, h) => {
    const found = replay.found(h, origin);
    return found === "does not ask" ? [] : [{ ...head, found }];
  });
}

export class Inspector {
  private readonly panel = byId("inspector");

  constructor(
    private readonly header: Header,
    private readonly machine: MachineReplay,
    private readonly close: () => void,
    private readonly goTo: (t: number) => void,
  ) {}

  hint(): void {
    this.panel.replaceChildren(el("p", { class: "hint" }, this.header.task ? TOKENS : HINT));
  }

  private title(...parts: (Node | string)[]): HTMLElement {
    return el("h2", {}, el("span", {}, ...parts), button("close", "×", this.close));
  }

  cell(cell: number, t: number): void {
    const all = this.machine.history(cell), word = (value: number) => wordText(this.header, value);
    const entries = all.slice(0, MOST_ENTRIES).map(({ step, pid, value, write, lost }) => {
      const label = `step ${step}: processor ${pid} ${write ? (lost ? "writes, and another wins" : "writes") : "reads"} ${word(value)}`;
      const text = `${step}: p${pid} ${write ? "▸" : "◂"} ${word(value)}${lost ? " (lost)" : ""}`;
      const entry = el("button", { type: "button", title: label, class: step === t ? "now" : "" }, text);
      entry.addEventListener("click", () => this.goTo(step));
      return el("li", {}, entry);
    });
    const title = this.title(el("b", {}, cellName(this.header, cell)), ` = ${word(this.machine.memory[cell])}`, all.length ? "" : ": never read or written");
    this.panel.replaceChildren(title, el("p", { class: "quiet" }, "step: processor ◂ reads, ▸ writes"), el("ol", { class: "history" }, ...entries));
  }

  token({ replay, layout }: ProcessPanel, position: number, d: number): void {
    const name = processName(replay.header);
    if (position >= replay.length) {
      this.panel.replaceChildren(this.title(el("b", {}, `${name}, position ${position}`)), el("p", {}, `It is not there: the context is ${grouped(replay.length)}.`));
      return;
    }
    const origin = replay.origin(position, d), sources = sourcesOf(replay, origin);
    const title = this.title(el("b", {}, `${name}, position ${position}`), `: ${layout.words(position, d)}`);
    const { token, pair } = layout.token(position), [kind, value] = replay.split(token);
    const what = el("p", {}, el("b", {}, sentence(tokenWords(this.header, kind, value))), pair ? ` (rebuilt by the first layer from pair ${grouped(pair)})` : "", born(kind, origin));
    const machine = replay.wrong(d).includes(position) ? tokenWords(this.header, ...replay.split(replay.expected[position])) : "";
    if (machine) what.append(el("mark", {}, ` The machine has ${machine}.`));
    const heads = sources.length ? [this.heads(layout, origin!, sources)] : [];
    this.panel.replaceChildren(title, what, ...heads);
  }

  /** Heads read the sequence before the step: their tokens are looked up there. */
  private heads(layout: Layout, origin: Origin, sources: Source[]): HTMLElement {
    const { replay } = layout, d = replay.at;
    replay.seek(origin.step - 1);
    const before = replay.tokensSeen(origin.step);
    replay.seek(d);
    const say = (found: Source["found"]): string => {
      if (found === "nothing") return "found nothing";
      if (found === "several") return "adds up all rows that match, with equal weights";
      return `${layout.words(found, origin.step)}: ${layout.says(found, before)}`;
    };
    const items = sources.map(({ name, layer, reads, found }) => {
      const weight = typeof found === "number" ? ", weight 1" : "";
      return el("li", {}, el("b", {}, name), el("small", {}, ` layer ${layer}${weight} `), say(found), el("small", {}, ` into ${reads.join(", ")}`));
    });
    const many = `${sources.length} of ${replay.header.heads.length} heads asked:`;
    return el("div", {}, el("p", { class: "quiet" }, many), el("ul", { class: "heads" }, ...items));
  }
}

function born(kind: string, origin: Origin | null): string {
  if (!origin) return ", as at the start.";
  const how = kind === "MASK" ? (origin.edit < 0 ? "inserted" : "remasked") : "written";
  return `, ${how} in decoding step ${grouped(origin.step)}.`;
}

function sentence(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
