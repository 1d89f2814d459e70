// arm erasing: a snapshot of the machine, L blocks, and the next snapshot. RETURN erases the old snapshot and the blocks.

import { WithBlocks } from "./blocks";
import { CyclePlaces } from "./format";
import { Role, Row, Scale } from "./layout";
import { cellName } from "./words";

export class CycleLayout extends WithBlocks {
  private get places(): CyclePlaces {
    return this.replay.header.layout as CyclePlaces;
  }
  private get firstSnapshot(): number {
    return 2 + this.places.parameters;
  }
  private get snapshotWords(): number {
    return this.places.cells.length + this.header.P * (this.header.k + 1);
  }
  get blocks(): number {
    return this.places.blocks;
  }
  get firstBlock(): number {
    return this.firstSnapshot + this.snapshotWords;
  }
  private get nextSnapshot(): number {
    return this.firstOutput + 2;
  }

  protected build(scale: Scale): void {
    this.run("given", 0, this.firstSnapshot, scale);
    this.snapshotRows(this.firstSnapshot, scale);
    this.skip();
    this.blockRows(scale);
    this.run("marks", this.firstOutput, 2, scale);
    this.snapshotRows(this.nextSnapshot, scale);
    this.run("end", this.nextSnapshot + this.snapshotWords, 1, scale);
  }
  private snapshotRows(first: number, scale: Scale): void {
    const { P, k } = this.header, cells = this.places.cells.length;
    this.run("cells", first, cells, scale);
    this.run("PC", first + cells, P, scale);
    this.groups(first + cells + P, k, scale);
  }
  /** Blocks of the second cycle are steps L + 1 and on. */
  override label(row: Row, d: number): string {
    return row.step ? `${row.step + this.blocks * this.replay.cycle(d)}` : row.label;
  }
  focus(): number {
    return this.replay.length - 1;
  }
  /** The place within a snapshot, and where that snapshot starts; -1 if the position is in none. */
  private inSnapshot(position: number): number {
    const first = position < this.firstBlock ? this.firstSnapshot : this.nextSnapshot, place = position - first;
    return place >= 0 && place < this.snapshotWords ? place : -1;
  }
  private isMark(position: number): boolean {
    const kind = this.replay.kinds[this.replay.kindOf(this.replay.tokens[position])];
    return kind === "END" && position < this.replay.length;
  }
  role(position: number): Role {
    if (this.inBlock(position)) return this.blockRole(position);
    const place = this.inSnapshot(position), cells = this.places.cells.length;
    if (place < 0 || this.isMark(position)) return position < this.firstSnapshot - 1 ? "given" : "mark";
    return place < cells ? "cell" : place < cells + this.header.P ? "C" : "register";
  }
  override cell(position: number): number {
    const place = this.inBlock(position) ? -1 : this.inSnapshot(position);
    return place >= 0 && !this.isMark(position) ? this.places.cells[place] ?? -1 : -1;
  }
  words(position: number, d: number): string {
    const { P, k } = this.header, { cells, parameters } = this.places, cycle = this.replay.cycle(d);
    if (!position) return "the beginning: what a lookup reads when it finds nothing";
    if (position <= parameters) return `parameter ${this.header.derived[position - 1] ?? position - 1}`;
    if (this.inBlock(position)) return this.wordsInBlock(position, this.blocks * cycle);
    const place = this.inSnapshot(position);
    if (place < 0) return position === this.firstOutput ? "the mark between blocks and snapshot" : "a mark of the rule that erases";
    if (this.isMark(position)) return "the end: the outputs stand before it";
    const when = `in the snapshot after step ${this.blocks * (cycle + +(position >= this.firstBlock))}`;
    if (place < cells.length) return `shared cell ${cellName(this.header, cells[place])} ${when}`;
    const rest = place - cells.length;
    if (rest < P) return `program counter of processor ${rest} ${when}`;
    return `register r${(rest - P) % k} of processor ${Math.floor((rest - P) / k)} ${when}`;
  }
  override heads(scale: Scale): { text: string; column: number; columns: number }[] {
    return [{ text: "snapshot, blocks of V, C and A, next snapshot", column: 0, columns: 300 / scale.w }];
  }
}
