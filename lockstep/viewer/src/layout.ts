// Where each position of a sequence stands in a grid, and what it is in words. Each form of layout has a file of its own.

import { DecodeReplay } from "./decode";
import { Header } from "./format";
import { tokenWords } from "./words";

/** What a place holds; the colour of its token. */
export type Role = "given" | "V" | "C" | "A" | "cell" | "register" | "output" | "mark";

/** Positions that stand side by side, from a column on. */
export interface Segment {
  first: number;
  many: number;
  column: number;
}
/** step: of the cycle or run, if the row is a block. names: of columns, written above the row. */
export interface Row {
  label: string;
  segments: Segment[];
  step?: number;
  names?: string[];
}
/** Sizes in pixels: of a token, of the gutter for labels, of the box. gap: columns between groups. pid, pids: the processors shown. */
export interface Scale {
  w: number;
  h: number;
  gap: number;
  gutter: number;
  width: number;
  pid: number;
  pids: number;
}

export const LEAST_COLUMNS = 4;

export abstract class Layout {
  rows: Row[] = [];
  private spots: { first: number; many: number; row: number; column: number }[] = [];

  constructor(
    readonly header: Header,
    readonly replay: DecodeReplay,
  ) {}

  /** Fill `rows`. */
  protected abstract build(scale: Scale): void;
  abstract role(position: number): Role;
  /** What stands at a position after decoding step d. */
  abstract words(position: number, d: number): string;
  /** Columns that it needs for so many processors. */
  abstract columns(pids: number): number;
  /** The position to keep in view in a PRAM step; -1: none. */
  abstract focus(t: number, pid: number): number;
  /** What stands above the columns. */
  abstract heads(scale: Scale): { text: string; column: number; columns: number }[];

  /** The label of a row after decoding step d. */
  label(row: Row, d: number): string {
    return row.label;
  }
  /** The token that is drawn at a position. pair: the number of the pair from which the model rebuilds it there, or 0. */
  token(position: number): { token: number; pair: number } {
    return { token: this.replay.tokens[position], pair: 0 };
  }
  /** A token in words. tokens: the sequence in which it stands. */
  says(position: number, tokens: Int32Array): string {
    return tokenWords(this.header, ...this.replay.split(tokens[position]));
  }
  /** The shared cell that a position holds, or -1. */
  cell(position: number): number {
    return -1;
  }

  arrange(scale: Scale): void {
    this.rows = [];
    this.build(scale);
    this.spots = this.rows.flatMap((row, r) => row.segments.map(({ first, many, column }) => ({ first, many, row: r, column })));
    this.spots.sort((a, b) => a.first - b.first);
  }

  /** Row and column of a position; null if it is not shown. */
  where(position: number): [row: number, column: number] | null {
    let low = 0, high = this.spots.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.spots[middle].first <= position) low = middle;
      else high = middle - 1;
    }
    const spot = this.spots[low];
    if (!spot || position < spot.first || position >= spot.first + spot.many) return null;
    return [spot.row, spot.column + position - spot.first];
  }

  /** The position at a row and a column, or -1. */
  position(row: number, column: number): number {
    const here = this.rows[row]?.segments.find((s) => column >= s.column && column < s.column + s.many);
    return here ? here.first + Math.floor(column - here.column) : -1;
  }

  most(scale: Scale): number {
    return Math.max(LEAST_COLUMNS, Math.floor((scale.width - scale.gutter - 14) / scale.w));
  }

  /** Rows of positions that follow each other. each: how many must not be parted. */
  protected run(label: string, first: number, many: number, scale: Scale, each = 1): void {
    const most = Math.max(each, Math.floor(this.most(scale) / each) * each);
    for (let i = 0; i < many; i += most)
      this.rows.push({ label: i ? "" : label, segments: [{ first: first + i, many: Math.min(most, many - i), column: 0 }] });
  }

  /** Rows of groups of so many positions, one for each processor, with labels. */
  protected groups(first: number, size: number, scale: Scale, names?: string[]): void {
    const { P } = this.header, space = Math.max(1, Math.ceil(26 / scale.w));
    const each = Math.max(1, Math.floor((this.most(scale) + space) / (size + space)));
    for (let p = 0; p < P; p += each) {
      const segments = Array.from({ length: Math.min(each, P - p) }, (_, q) => ({
        first: first + (p + q) * size, many: size, column: q * (size + space),
      }));
      this.rows.push({ label: `p ${p}`, segments, names: p ? undefined : names });
    }
  }

  protected skip(): void {
    this.rows.push({ label: "", segments: [] });
  }
}
