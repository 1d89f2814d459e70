// The program text with the lines that run now, and on demand the instructions of each line.

import { byId, el } from "./dom";
import { Header } from "./format";

/** The reserved words of the language; a test compares them with the parser's. */
const WORDS =
  "CRCW CREW CROW ERCW EREW and arbitrary assert atmost barrier break claim combine common const do downto elif else end " +
  "ensures exists for forall halt if in inf inout input invariant library local mode not on or output parallel param pid print " +
  "priority proc procs program repeat requires return shared signed single step then until use while word wrap";
const TOKEN = new RegExp(`(#.*$)|\\b(${WORDS.split(" ").join("|")})\\b|\\b(\\d+)\\b`, "g");

export class SourcePanel {
  private readonly list = byId("lines");
  private readonly lines: HTMLElement[];
  private readonly instructions: HTMLElement[] = [];
  private lit: HTMLElement[] = [];

  constructor(
    private readonly header: Header,
    jump: (line: number) => void,
  ) {
    this.lines = header.source.replace(/\n$/, "").split("\n").map((text, i) => this.line(text, i + 1, jump));
    this.list.append(...this.lines);
    byId("instructions").addEventListener("change", (e) => {
      this.list.classList.toggle("instructions", (e.target as HTMLInputElement).checked);
      this.reveal();
    });
  }

  private line(text: string, number: number, jump: (line: number) => void): HTMLElement {
    const code = this.header.code.flatMap((c, n) => (c.line === number ? [{ ...c, n }] : []));
    const label = code.length ? el("button", { type: "button", "aria-label": `next step on line ${number}` }, `${number}`) : el("span", {}, `${number}`);
    const line = el("li", {}, label, el("code", {}, coloured(text)));
    if (!code.length) return line;
    line.classList.add("code");
    line.addEventListener("click", () => jump(number));
    line.append(el("ul", {}, ...code.map((c) => (this.instructions[c.n] = el("li", {}, `${c.n}  ${c.text}`)))));
    return line;
  }

  /** counter: the program counter of each processor; null if nothing runs. */
  show(counter: Int32Array | null): void {
    for (const e of this.lit) e.classList.remove("now", "pads");
    this.lit = [];
    const seen = new Map<number, number>();
    for (const c of counter ?? []) if (c >= 0) seen.set(c, (seen.get(c) ?? 0) + 1);
    const busy = [...seen.keys()].some((c) => !this.header.code[c].pads);
    for (const [c, many] of seen) this.light(c, !busy || !this.header.code[c].pads, many);
    this.reveal();
  }
  private light(counter: number, runs: boolean, many: number): void {
    for (const e of [this.lines[this.header.code[counter].line - 1], this.instructions[counter]]) {
      if (!e) continue;
      e.classList.add(runs ? "now" : "pads");
      if (runs) e.dataset.many = `${many} of ${this.header.P}`;
      this.lit.push(e);
    }
  }
  private reveal(): void {
    const { list } = this, now = this.lit.find((e) => e.classList.contains("now"));
    if (!now) return;
    const [top, bottom] = [now.offsetTop, now.offsetTop + now.offsetHeight];
    if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
  }
}

/** A line of the program: text nodes only, since program text is data. */
function coloured(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    out.append(text.slice(from, found.index), el(found[1] ? "i" : found[2] ? "b" : "var", {}, found[0]));
    from = found.index + found[0].length;
  }
  out.append(text.slice(from) || "\u200b");
  return out;
}
