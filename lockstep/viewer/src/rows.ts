// Models of tasks: regions of positions, one after the other; what comes after them has no name.

import { RowPlaces } from "./format";
import { Layout, Role, Scale } from "./layout";

const MOST_COLUMNS = 24;

export class RowLayout extends Layout {
  private get regions(): RowPlaces["regions"] {
    const { regions } = this.replay.header.layout as RowPlaces, named = regions.reduce((sum, { many }) => sum + many, 0);
    const rest = this.replay.context.reduce((most, n) => Math.max(most, n), 0) - named;
    return rest > 0 ? [...regions, { name: "", many: rest, columns: 0 }] : regions;
  }
  /** The region of a position, and its place there. */
  private place(position: number): [name: string, place: number] {
    for (const { name, many } of this.regions) {
      if (position < many) return [name, position];
      position -= many;
    }
    return ["", position];
  }

  columns(): number {
    return this.regions.reduce((most, { many, columns }) => Math.max(most, columns || Math.min(many, MOST_COLUMNS)), 1);
  }
  heads(): [] {
    return [];
  }
  focus(): number {
    return -1;
  }
  protected build(scale: Scale): void {
    let first = 0;
    for (const { name, many, columns } of this.regions) {
      this.run(name, first, many, columns ? { ...scale, width: scale.gutter + 14 + columns * scale.w } : scale);
      first += many;
    }
  }
  role(position: number): Role {
    return position ? "cell" : "given";
  }
  words(position: number): string {
    if (!position) return "the beginning: what a lookup reads when it finds nothing";
    const [name, place] = this.place(position);
    return name ? `${name} ${place}` : `place ${position}`;
  }
}
