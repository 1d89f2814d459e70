// The table of processors: program counter, instruction, registers; who is active, who pads, who has halted, who is in a conflict.

import { byId, el, pager, put } from "./dom";
import { Header } from "./format";
import { MachineReplay } from "./machine";
import { wordText } from "./words";

export const MOST_PIDS = 24;

export class ProcessorPanel {
  /** The first processor that is shown, and how many are. */
  pid = 0;
  readonly pids: number;
  private readonly rows: HTMLElement[][];
  private readonly heads: HTMLElement[];

  constructor(
    private readonly header: Header,
    private readonly machine: MachineReplay,
    private readonly moved: () => void,
  ) {
    const { P, k } = header;
    this.pids = Math.min(P, MOST_PIDS);
    const names = ["pid", "PC", "instruction", ...Array.from({ length: k }, (_, r) => `r${r}`)];
    this.heads = names.map((name) => el("th", { scope: "col" }, name));
    this.rows = Array.from({ length: this.pids }, () => names.map(() => el("td")));
    const body = this.rows.map((cells) => el("tr", {}, ...cells));
    byId("registers").append(el("thead", {}, el("tr", {}, ...this.heads)), el("tbody", {}, ...body));
    this.page();
  }

  private page(): void {
    pager("pids", this.pid, this.pids, this.header.P, (from) => {
      this.pid = from;
      this.page();
      this.moved();
    });
  }

  show(t: number): void {
    const { header, machine } = this, counter = machine.counters(t), carriedOut = t >= 1 && t <= header.T;
    this.names(counter);
    for (let j = 0; j < this.pids; j++) {
      const p = this.pid + j, cells = this.rows[j], row = cells[0].parentElement!;
      row.hidden = p >= header.P;
      if (p >= header.P) continue;
      const state = this.state(p, counter[p], t);
      if (row.className !== state) row.className = state;
      put(cells[0], `${p}`);
      put(cells[1], counter[p] < 0 ? "H" : `${counter[p]}`);
      put(cells[2], this.doing(counter[p], state));
      const written = carriedOut ? -2 - machine.step(t).destination[p] : -1;
      for (let r = 0; r < header.k; r++)
        put(cells[3 + r], wordText(header, machine.registers[r * header.P + p]), written === r ? "new" : "");
    }
  }

  /** Names of registers where the first busy processor is. */
  private names(counter: Int32Array): void {
    const busy = counter.find((c) => c >= 0 && !this.header.code[c].pads), names = busy === undefined ? {} : this.header.code[busy].locals;
    for (let r = 0; r < this.header.k; r++) {
      put(this.heads[3 + r], names[r] ?? `r${r}`, names[r] ? "named" : "");
      this.heads[3 + r].title = `r${r}`;
    }
  }
  private doing(counter: number, state: string): string {
    if (counter < 0) return "halted";
    const { text } = this.header.code[counter];
    return state === "pads" ? `${text} (pads)` : text;
  }
  private state(p: number, counter: number, t: number): string {
    const { error, T } = this.header;
    if (error && t === T + 1 && inConflict(this.machine, p, t)) return "conflict";
    return counter < 0 ? "halted" : this.header.code[counter].pads ? "pads" : "active";
  }
}

/** Whether the message names a processor, or it accesses the cell of the conflict. */
function inConflict(machine: MachineReplay, p: number, t: number): boolean {
  const { error } = machine.header, { read, destination } = machine.step(t);
  const accesses = error!.cell >= 0 && (read[p] === error!.cell || destination[p] === error!.cell);
  return accesses || error!.processors.includes(p);
}
