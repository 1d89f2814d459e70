// Replays one decode, step by step, in both directions.

import { Columns } from "./columns";
import { ProcessHeader } from "./format";

const DELETED = 1, INSERTS = 2, APPENDED = 4;

/** What a decoding step did. Positions are those after it. */
export interface Changes {
  unmasked: number[];
  remasked: number[];
  inserted: number[];
  rewritten: number[];
  appended: number[];
  deleted: number;
  erased: number;
}
export const NOTHING: Changes = { unmasked: [], remasked: [], inserted: [], rewritten: [], appended: [], deleted: 0, erased: 0 };

/** Where a token comes from: the decoding step that wrote it, its edit, and its position then. */
export interface Origin {
  step: number;
  edit: number;
  row: number;
}

export class DecodeReplay {
  /** The sequence is the first `length` of these. */
  readonly tokens: Int32Array;
  length: number;
  at = 0;
  readonly mask: number;
  readonly context: Int32Array;
  readonly clock: Int32Array;
  /** Masks at the start and after each decoding step; edits of each. */
  readonly masks: Int32Array;
  readonly edits: Int32Array;
  readonly places: Int32Array;
  readonly expected: Int32Array;
  readonly kinds: string[];
  private readonly firsts: number[];
  private readonly offset: Int32Array;
  private readonly rows: Int32Array;
  private readonly after: Int32Array;
  private readonly flags: Int32Array;
  private readonly before: Int32Array;
  private readonly erasures = new Map<number, { from: number; to: number; gone: Int32Array }>();
  /** The sequence before each step that moves tokens. */
  private readonly moved = new Map<number, Int32Array>();
  private readonly columns: (name: string) => Int32Array;
  private readonly heads = new Map<number, Int32Array>();

  constructor(
    readonly header: ProcessHeader,
    columns: Columns,
    number: number,
  ) {
    const column = (this.columns = (name: string) => columns.get(`${number}.${name}`));
    [this.context, this.clock, this.edits, this.places] = ["context", "clock", "counts", "places"].map(column);
    this.expected = column("expected");
    [this.rows, this.after, this.flags] = ["rows", "tokens", "flags"].map(column);
    this.kinds = header.vocabulary.map(([kind]) => kind);
    this.firsts = [0];
    for (const [, bits] of header.vocabulary) this.firsts.push(this.firsts.at(-1)! + 2 ** bits);
    this.mask = this.firsts[this.kinds.indexOf("MASK")] ?? -1; // autoregression has none
    this.offset = new Int32Array(header.steps + 1);
    for (let d = 0; d < header.steps; d++) this.offset[d + 1] = this.offset[d] + this.edits[d];
    const start = column("start"), erased = column("erased");
    for (let i = 0; i < erased.length; i += 3)
      this.erasures.set(erased[i], { from: erased[i + 1], to: erased[i + 2], gone: new Int32Array(erased[i + 2] - erased[i + 1] + 1) });
    this.tokens = new Int32Array(this.context.reduce((most, n) => Math.max(most, n), start.length) + 1);
    this.tokens.set(start);
    this.length = start.length;
    this.before = new Int32Array(this.rows.length);
    this.masks = new Int32Array(header.steps + 1);
    this.prepare(start);
  }

  /** Go through the decode once, and keep what each step overwrites, so that it can be taken back. */
  private prepare(start: Int32Array): void {
    let masks = (this.masks[0] = this.countMasks());
    for (let d = 1; d <= this.header.steps; d++) {
      const moves = this.moves(d);
      if (moves) this.moved.set(d, this.tokens.slice(0, this.length));
      this.erase(d);
      for (let i = this.offset[d - 1]; i < this.offset[d]; i++) {
        this.before[i] = this.flags[i] & APPENDED ? -1 : this.tokens[this.rows[i]];
        masks += +(this.after[i] === this.mask) - +(this.before[i] === this.mask);
      }
      this.edit(d);
      this.masks[d] = masks = moves ? this.countMasks() : masks;
    }
    this.tokens.set(start);
    this.length = start.length;
    this.at = 0;
  }

  private countMasks(): number {
    let many = 0;
    for (let p = 0; p < this.length; p++) many += +(this.tokens[p] === this.mask);
    return many;
  }

  private moves(d: number): boolean {
    for (let i = this.offset[d - 1]; i < this.offset[d]; i++) if (this.flags[i] & (DELETED | INSERTS)) return true;
    return false;
  }

  private erase(d: number): void {
    const erasure = this.erasures.get(d);
    if (!erasure) return;
    const { from, to, gone } = erasure;
    gone.set(this.tokens.subarray(from, to));
    gone[to - from] = this.tokens[this.length - 1];
    this.tokens.copyWithin(from, to, this.length - 1);
    this.length -= to - from + 1;
  }

  private edit(d: number): void {
    const was = this.moved.get(d);
    if (was) {
      this.replace(this.rebuilt(d, was));
      return;
    }
    for (let i = this.offset[d - 1]; i < this.offset[d]; i++) {
      this.tokens[this.rows[i]] = this.after[i];
      if (this.flags[i] & APPENDED) this.length++;
    }
  }

  private replace(tokens: ArrayLike<number>): void {
    this.tokens.set(tokens);
    this.length = tokens.length;
  }

  /** The sequence after a step that inserts or deletes. */
  private rebuilt(d: number, was: Int32Array): number[] {
    const out: number[] = [];
    let i = this.offset[d - 1];
    for (let row = 0; row < was.length; row++) {
      const edited = i < this.offset[d] && this.rows[i] === row;
      if (!edited || !(this.flags[i] & DELETED)) out.push(edited ? this.after[i] : was[row]);
      if (edited && this.flags[i] & INSERTS) out.push(this.mask);
      if (edited) i++;
    }
    return out;
  }

  private forward(): void {
    this.erase(++this.at);
    this.edit(this.at);
  }

  private back(): void {
    const d = this.at--, was = this.moved.get(d), erasure = this.erasures.get(d);
    if (was) this.replace(was);
    else
      for (let i = this.offset[d] - 1; i >= this.offset[d - 1]; i--)
        if (this.flags[i] & APPENDED) this.length--;
        else this.tokens[this.rows[i]] = this.before[i];
    if (!erasure) return;
    const { from, to, gone } = erasure;
    this.tokens.copyWithin(to, from, this.length);
    this.tokens.set(gone.subarray(0, to - from), from);
    this.length += to - from + 1;
    this.tokens[this.length - 1] = gone[to - from];
  }

  /** Go to the sequence after decoding step d. */
  seek(d: number): void {
    while (this.at < d) this.forward();
    while (this.at > d) this.back();
  }

  changes(d: number): Changes {
    const found: Changes = { unmasked: [], remasked: [], inserted: [], rewritten: [], appended: [], deleted: 0, erased: 0 };
    if (d < 1) return found;
    found.erased = this.erasures.get(d)?.gone.length ?? 0;
    for (let i = this.offset[d - 1], shift = 0; i < this.offset[d]; i++) {
      const row = this.rows[i] + shift, was = this.before[i] === this.mask, is = this.after[i] === this.mask;
      if (this.flags[i] & DELETED) (found.deleted++, shift--);
      else if (this.flags[i] & APPENDED) found.appended.push(row);
      else if (was && !is) found.unmasked.push(row);
      else if (!was && is) found.remasked.push(row);
      else if (this.before[i] !== this.after[i]) found.rewritten.push(row);
      if (this.flags[i] & INSERTS) (found.inserted.push(row + 1), shift++);
    }
    return found;
  }

  /** Which step up to d wrote the token that stands at a position after step d; null if it stood there at the start. */
  origin(position: number, d: number): Origin | null {
    for (let step = d, row = position; step >= 1; step--) {
      if (this.moved.has(step)) {
        const before = this.beforeMove(step, row);
        if (before < 0) return { step, edit: -1, row };
        row = before;
      }
      const edit = this.editOf(step, row);
      if (edit >= 0) return { step, edit, row };
      const erasure = this.erasures.get(step);
      if (erasure && row >= erasure.from) row += erasure.to - erasure.from;
    }
    return null;
  }

  /** Where the token of a position after step `from` stands after step `to`; -1 if it is gone. */
  follow(position: number, from: number, to: number): number {
    for (let step = from + 1; step <= to && position >= 0; step++) {
      const erasure = this.erasures.get(step);
      if (erasure && position >= erasure.from) position = position < erasure.to ? -1 : position - (erasure.to - erasure.from);
    }
    return position;
  }

  /** The position before a step that moves tokens; -1 for a mask that it inserts. */
  private beforeMove(step: number, position: number): number {
    let now = 0, i = this.offset[step - 1];
    for (let row = 0; row < this.moved.get(step)!.length; row++) {
      const edited = i < this.offset[step] && this.rows[i] === row;
      if ((!edited || !(this.flags[i] & DELETED)) && now++ === position) return row;
      if (edited && this.flags[i] & INSERTS && now++ === position) return -1;
      if (edited) i++;
    }
    return -1;
  }

  /** The edit of a row in a step, or -1. Rows of a step are ascending. */
  private editOf(step: number, row: number): number {
    let low = this.offset[step - 1], high = this.offset[step] - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle] < row) low = middle + 1;
      else high = middle;
    }
    return low === high && this.rows[low] === row && this.before[low] !== this.after[low] ? low : -1;
  }

  /** What head h found for an edit: a position, or one of the texts below. */
  found(head: number, { edit, row }: Origin): number | "does not ask" | "nothing" | "several" {
    if (!this.heads.has(head)) this.heads.set(head, this.columns(`head.${head}`));
    const code = this.heads.get(head)![edit] ?? 0, asks = this.flags[edit] & APPENDED ? row - 1 : row, far = (code - 2) >> 1;
    if (code < 2) return code === 1 ? "nothing" : code ? "several" : "does not ask";
    return code & 1 ? asks + far : asks - far;
  }

  /** The tokens that the model saw in step d: after an erasure, before the edits. The replay must stand before the step. */
  tokensSeen(d: number): Int32Array {
    const seen = this.tokens.slice(0, this.length), erasure = this.erasures.get(d);
    if (erasure) seen.copyWithin(erasure.from, erasure.to);
    return seen;
  }

  /** The number of a token's kind. */
  kindOf(token: number): number {
    let kind = 0;
    while (kind + 1 < this.kinds.length && token >= this.firsts[kind + 1]) kind++;
    return kind;
  }

  split(token: number): [kind: string, value: number] {
    const kind = this.kindOf(token);
    return [this.kinds[kind], token - this.firsts[kind]];
  }

  /** The positions after step d that are not what the machine's run has there; empty but for the step of the first wrong token. */
  wrong(d: number): number[] {
    if (this.header.wrong?.step !== d) return [];
    return [...this.tokens.keys()].filter((p) => p < this.length && this.tokens[p] !== this.expected[p]);
  }

  /** How many times the sequence was erased up to step d. */
  cycle(d: number): number {
    let many = 0;
    for (const step of this.erasures.keys()) if (step <= d) many++;
    return many;
  }
}
