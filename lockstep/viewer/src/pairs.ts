// masked-arm: the sequence of ao-mdm as places to rebuild (WORK), then pairs of a place and a token, written left to right.

import { BlockLayout } from "./blocks";
import { PairPlaces } from "./format";
import { Role, Scale } from "./layout";

export class PairLayout extends BlockLayout {
  /** The pair that names each place, or -1. */
  private readonly pairOf = this.pairs();
  private readonly work = this.replay.kinds.indexOf("WORK");

  private get before(): number {
    return (this.replay.header.layout as PairPlaces).before;
  }
  private pairs(): Int32Array {
    const found = new Int32Array(this.before).fill(-1);
    this.replay.places.forEach((place, pair) => (found[place] = pair));
    return found;
  }
  private placeOf(position: number): number {
    return this.replay.places[position - this.before] ?? -1;
  }
  private isWritten(pair: number): boolean {
    return pair >= 0 && pair < this.replay.at;
  }

  /** Every order fills block after block. So the pairs of a block stand in its row, right of the places that they rebuild. */
  protected override build(scale: Scale): void {
    super.build(scale);
    const { P } = this.header, { pid, pids, gap } = scale, many = Math.min(pids, P - pid);
    for (const row of this.rows.filter((r) => r.step))
      row.segments.push({ first: this.before + 3 * (P * (row.step! - 1) + pid), many: 3 * many, column: 3 * (many + gap) });
    this.run("pairs", this.before + 3 * P * this.blocks, (this.replay.header.layout as PairPlaces).outputs, scale);
  }
  override columns(pids: number): number {
    return 6 * pids + 3;
  }
  override heads(scale: Scale): { text: string; column: number; columns: number }[] {
    const heads = super.heads(scale), { column, columns } = heads[2];
    return [...heads, { text: "pairs of place and token", column: column + columns + scale.gap, columns: 3 * columns }];
  }
  override role(position: number): Role {
    return super.role(position < this.before ? position : Math.max(0, this.placeOf(position)));
  }
  override cell(position: number): number {
    return position < this.before ? super.cell(position) : -1;
  }
  override token(position: number): { token: number; pair: number } {
    const token = this.replay.tokens[position];
    if (position >= this.before || this.replay.kindOf(token) !== this.work) return { token, pair: 0 };
    const pair = this.pairOf[position];
    return this.isWritten(pair) ? { token: this.replay.tokens[this.before + pair], pair: pair + 1 } : { token, pair: 0 };
  }
  override words(position: number, d: number): string {
    if (position < this.before) return this.pairOf[position] < 0 ? super.words(position, d) : `place ${position}, the ${super.words(position, d)}`;
    const place = this.placeOf(position), pair = position - this.before + 1;
    return pair <= d ? `pair ${pair}: it names place ${place}, the ${super.words(place, d)}` : `pair ${pair}`;
  }
}
