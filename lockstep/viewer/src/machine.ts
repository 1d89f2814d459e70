// Replays the machine, step by step, in both directions.

import { Columns } from "./columns";
import { Header } from "./format";

/** The rules by which no write is lost: a cell gets what they make of all values. By other rules one writer wins. */
const COMBINE: Record<string, ((a: number, b: number) => number) | undefined> = {
  "+": (a, b) => a + b, sum: (a, b) => a + b, and: (a, b) => a & b, or: (a, b) => a | b,
};

/** What every processor did in a step: arrays of P. */
export interface StepView {
  counter: Int32Array;
  value: Int32Array;
  destination: Int32Array;
  read: Int32Array;
}
export interface Access {
  step: number;
  pid: number;
  value: number;
  write: boolean;
  lost: boolean;
}

export class MachineReplay {
  readonly memory: Int32Array;
  readonly registers: Int32Array; // register r of processor p stands at r P + p
  at = 0;
  private readonly counter: Int32Array;
  private readonly value: Int32Array;
  private readonly destination: Int32Array;
  private readonly read: Int32Array;
  private readonly start: Int32Array;
  private readonly last: Int32Array;
  private readonly lost: Uint8Array;
  private readonly written: Int32Array; // the last step that wrote each cell

  constructor(
    readonly header: Header,
    columns: Columns,
  ) {
    const column = (name: string) => columns.get(`machine.${name}`);
    [this.counter, this.value, this.destination] = ["counter", "value", "destination"].map(column);
    [this.read, this.start, this.last] = ["read", "start", "last"].map(column);
    this.lost = new Uint8Array(this.value.length);
    for (const i of column("lost")) this.lost[i] = 1;
    this.written = new Int32Array(header.S);
    this.memory = this.start.slice();
    this.registers = new Int32Array(header.k * header.P);
  }

  /** A step, from 1. A run that failed has step T + 1, which was not carried out. */
  step(t: number): StepView {
    const { P } = this.header;
    const part = (column: Int32Array) => column.subarray((t - 1) * P, t * P);
    return { counter: part(this.counter), value: part(this.value), destination: part(this.destination), read: part(this.read) };
  }

  /** Whether the page can show step t as one that runs. */
  runs(t: number): boolean {
    return t >= 1 && t <= this.header.T + (this.header.error ? 1 : 0);
  }

  /** The program counters that stand before step t. */
  counters(t: number): Int32Array {
    return this.runs(t) ? this.step(t).counter : t < 1 ? this.step(1).counter : this.last;
  }

  /** Go to the state after step t. A step back starts again: T P small operations. */
  seek(t: number): void {
    if (t < this.at) {
      this.memory.set(this.start);
      this.registers.fill(0);
      this.written.fill(0);
      this.at = 0;
    }
    while (this.at < t) this.carryOut(this.at++);
  }

  private carryOut(step: number): void {
    const { P } = this.header, first = step * P;
    for (let i = first; i < first + P; i++) {
      const to = this.destination[i];
      if (to < -1) this.registers[(-2 - to) * P + i - first] = this.value[i];
      else if (to >= 0) this.store(i, to, step + 1);
    }
  }

  private store(i: number, cell: number, step: number): void {
    const { code, mode } = this.header, combine = COMBINE[code[this.counter[i]].rule ?? mode.replace("CRCW ", "")];
    if (combine && this.written[cell] === step) this.memory[cell] = combine(this.memory[cell], this.value[i]);
    else if (combine || !this.lost[i]) this.memory[cell] = this.value[i];
    this.written[cell] = step;
  }

  /** Every read and write of a cell. */
  history(cell: number): Access[] {
    const { P } = this.header, found: Access[] = [];
    for (let i = 0; i < this.read.length; i++) {
      const here = { step: Math.floor(i / P) + 1, pid: i % P, value: this.value[i], lost: !!this.lost[i] };
      if (this.read[i] === cell) found.push({ ...here, write: false });
      if (this.destination[i] === cell) found.push({ ...here, write: true });
    }
    return found;
  }

  /** The next step after t, round to the start, in which some processor is on this line; -1 if there is none. */
  nextOnLine(line: number, t: number): number {
    const { code, T, error } = this.header, last = T + (error ? 1 : 0);
    for (let n = 1; n <= last; n++) {
      const step = ((t + n - 1) % last) + 1;
      if (this.step(step).counter.some((c) => c >= 0 && code[c].line === line)) return step;
    }
    return -1;
  }

  /** How many processors do not pad in step t. */
  active(t: number): number {
    if (!this.runs(t)) return 0;
    let many = 0;
    for (const c of this.step(t).counter) if (c >= 0 && !this.header.code[c].pads) many++;
    return many;
  }
}
