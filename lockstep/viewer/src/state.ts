// ap-mdm: the state of the machine, edited in place. Cells, then the rows of each processor.

import { StatePlaces } from "./format";
import { Layout, Role, Scale } from "./layout";
import { cellName, sizeOf } from "./words";

const OWN = ["first output address", "last output address"];
const ROW_WORDS: Record<string, string> = {
  PC: "program counter", NPC: "next program counter (buffer)", DST: "destination (buffer)", VAL: "value (buffer)",
};
const ROW_ROLES: Record<string, Role> = { PC: "C", NPC: "C", DST: "A", VAL: "V" };

export class StateLayout extends Layout {
  private get places(): StatePlaces {
    return this.replay.header.layout as StatePlaces;
  }
  private get firstCell(): number {
    return 1 + this.places.parameters;
  }
  private get firstProcessor(): number {
    return this.firstCell + this.places.slots * this.places.cells;
  }
  /** Whether the sequence has shrunk to BOS, outputs and HALT. */
  private ended(d: number): boolean {
    return d === this.replay.header.steps && this.replay.context[d] === 2 + this.places.outputs;
  }
  /** The name of a parameter: the construction's own ones stand first. */
  private parameter(number: number): string {
    const { own } = this.places, named = number - own;
    return number < own ? OWN[number] : `parameter ${this.header.derived[named] ?? named}`;
  }
  private grows(d: number): boolean {
    return this.replay.context[d] < this.places.length && !this.ended(d);
  }

  columns(): number {
    return this.places.rows.length;
  }
  heads({ w }: Scale): { text: string; column: number; columns: number }[] {
    return [{ text: "given, cells, a row for each processor", column: 0, columns: 300 / w }];
  }
  focus(t: number, pid: number): number {
    return pid ? this.firstProcessor + pid * this.places.rows.length : -1;
  }
  protected build(scale: Scale): void {
    const { slots, rows } = this.places;
    this.run("given", 0, this.firstCell, scale);
    for (const a of this.header.arrays) this.run(a.name, this.firstCell + a.base * slots, sizeOf(a) * slots, scale, slots);
    this.skip(); // room for the names of slots
    this.groups(this.firstProcessor, rows.length, scale, rows);
  }
  role(position: number): Role {
    if (this.ended(this.replay.at)) return position ? "output" : "given";
    if (position < this.firstCell) return "given";
    if (position < this.firstProcessor) return "cell";
    const { rows } = this.places;
    return ROW_ROLES[rows[(position - this.firstProcessor) % rows.length]] ?? "register";
  }
  override cell(position: number): number {
    const { slots, firstOutput, outputs } = this.places, d = this.replay.at;
    if (this.ended(d)) return position >= 1 && position <= outputs ? firstOutput + position - 1 : -1;
    const inCells = position >= this.firstCell && position < this.firstProcessor && !this.grows(d);
    return inCells ? Math.floor((position - this.firstCell) / slots) : -1;
  }
  words(position: number, d: number): string {
    const { slots, rows, outputs, firstOutput } = this.places, end = this.ended(d);
    if (!position) return "the beginning: what a lookup reads when it finds nothing";
    if (end) return position <= outputs ? `output ${cellName(this.header, firstOutput + position - 1)}` : "the end: a fixed point";
    if (position < this.firstCell) return this.parameter(position - 1);
    if (this.grows(d)) return "an input word or a new mask: the sequence still grows";
    if (position < this.firstProcessor) {
      const place = position - this.firstCell;
      return `shared cell ${cellName(this.header, Math.floor(place / slots))}${slots > 1 ? `, slot ${(place % slots) + 1} of ${slots}` : ""}`;
    }
    const place = position - this.firstProcessor, row = place % rows.length, name = rows[row], pid = Math.floor(place / rows.length);
    const slot = slots > 1 ? `, slot ${row - rows.indexOf(name) + 1} of ${slots}` : "";
    return `${ROW_WORDS[name] ?? `register r${name.slice(1)}`} of processor ${pid}${slot}`;
  }
}
