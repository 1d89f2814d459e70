// Sequences of blocks: mdm, ao-mdm and arm. A block is a row of the grid: V, C and A of every processor.

import { BlockPlaces, CyclePlaces, PairPlaces } from "./format";
import { Layout, Role, Scale } from "./layout";
import { cellName } from "./words";

const ROLES: Role[] = ["V", "C", "A"];

/** What stands in a block: row 0 is V of all processors, row 1 is C, row 2 is A. */
export function blockWords(row: number, pid: number, step: number): string {
  if (row === 1) return `next program counter of processor ${pid} after step ${step}`;
  return row ? `destination of what processor ${pid} writes in step ${step}` : `value that processor ${pid} writes in step ${step}`;
}

export abstract class WithBlocks extends Layout {
  abstract get firstBlock(): number;
  abstract get blocks(): number;

  get firstOutput(): number {
    return this.firstBlock + 3 * this.header.P * this.blocks;
  }
  columns(pids: number): number {
    return 3 * pids + 2;
  }
  heads({ pid, pids, gap }: Scale): { text: string; column: number; columns: number }[] {
    const { P } = this.header, many = Math.min(pids, P - pid), some = many < P ? ` of ${pid}–${pid + many - 1}` : "";
    const texts = [`V value${some}`, `C next counter${some}`, `A destination${some}`];
    return texts.map((text, i) => ({ text, column: i * (many + gap), columns: many }));
  }

  protected blockRows({ pid, pids, gap }: Scale): void {
    const { P } = this.header, many = Math.min(pids, P - pid), first = this.firstBlock;
    for (let step = 1; step <= this.blocks; step++) {
      const segments = ROLES.map((_, r) => ({ first: first + (3 * (step - 1) + r) * P + pid, many, column: r * (many + gap) }));
      this.rows.push({ label: `${step}`, step, segments });
    }
  }
  protected inBlock(position: number): boolean {
    return position >= this.firstBlock && position < this.firstOutput;
  }
  protected blockRole(position: number): Role {
    return ROLES[Math.floor((position - this.firstBlock) / this.header.P) % 3];
  }
  /** A lookup of an operand or a cell finds the destination; what it brings is the value that was written there. */
  override says(position: number, tokens: Int32Array): string {
    const said = super.says(position, tokens);
    const names = /^(REG|WORD)/.test(this.replay.split(tokens[position])[0]); // a register or a cell, and not a mask
    if (!names || !this.inBlock(position) || this.blockRole(position) !== "A") return said;
    return `${said}, which gets ${super.says(position - 2 * this.header.P, tokens)}`;
  }
  protected wordsInBlock(position: number, stepsBefore: number): string {
    const { P } = this.header, row = Math.floor((position - this.firstBlock) / P);
    return blockWords(row % 3, (position - this.firstBlock) % P, stepsBefore + Math.floor(row / 3) + 1);
  }
}

export class BlockLayout extends WithBlocks {
  protected get places(): BlockPlaces | PairPlaces | CyclePlaces {
    return this.replay.header.layout as BlockPlaces;
  }
  get firstBlock(): number {
    const places = this.places as BlockPlaces;
    return 1 + places.parameters + places.inputs;
  }
  get blocks(): number {
    return this.places.blocks;
  }
  protected build(scale: Scale): void {
    this.run("given", 0, this.firstBlock, scale);
    this.blockRows(scale);
    this.run("out", this.firstOutput, this.places.outputs, scale);
  }
  focus(t: number, pid: number): number {
    if (t > this.blocks) return this.places.outputs ? this.firstOutput : this.firstOutput - 1;
    return this.firstBlock + 3 * this.header.P * Math.max(0, t - 1) + pid;
  }
  role(position: number): Role {
    if (position < this.firstBlock) return "given";
    return this.inBlock(position) ? this.blockRole(position) : "output";
  }
  override cell(position: number): number {
    if (position >= this.firstOutput) return this.places.firstOutput + position - this.firstOutput;
    const input = position - 1 - this.places.parameters;
    return position < this.firstBlock && input >= 0 ? input : -1;
  }
  words(position: number, d: number): string {
    if (!position) return "the beginning: what a lookup reads when it finds nothing";
    if (this.inBlock(position)) return this.wordsInBlock(position, 0);
    const cell = this.cell(position);
    if (cell < 0) return `parameter ${this.header.derived[position - 1] ?? position - 1}`;
    return `${position < this.firstBlock ? "input word" : "output"} ${cellName(this.header, cell)}`;
  }
}
