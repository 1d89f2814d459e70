// Shared memory: every cell, with the reads and writes of this step, and the cell of a conflict.

import { byId, el, pager, put } from "./dom";
import { Header, Named } from "./format";
import { MachineReplay } from "./machine";
import { cellName, sizeOf, wordText } from "./words";

const MOST_CELLS = 192;

interface CellBox {
  cell: number;
  box: HTMLElement;
  value: HTMLElement;
  mark: HTMLElement;
}

export class MemoryPanel {
  selected = -1;
  private first = 0;
  private boxes: CellBox[] = [];
  private t = 0;

  constructor(
    private readonly header: Header,
    private readonly machine: MachineReplay,
    private readonly pick: (cell: number) => void,
  ) {
    this.page();
  }

  private page(): void {
    pager("cells", this.first, MOST_CELLS, this.header.S, (from) => {
      this.first = from;
      this.page();
      this.show(this.t);
    });
    this.boxes = [];
    byId("arrays").replaceChildren(...this.header.arrays.flatMap((array) => this.array(array)));
  }
  private array(array: Named): HTMLElement[] {
    const from = Math.max(array.base, this.first), to = Math.min(array.base + sizeOf(array), this.first + MOST_CELLS);
    if (from >= to) return [];
    const made = Array.from({ length: to - from }, (_, i) => this.box(from + i));
    const grid = el("div", { class: "cells" }, ...made);
    const wide = array.shape.at(-1) ?? 1;
    if (array.shape.length > 1 && wide <= 16) grid.style.gridTemplateColumns = `repeat(${wide}, minmax(0, 2.6rem))`;
    return [el("div", { class: "array" }, el("b", {}, array.name), el("small", {}, ` ${array.role}`), grid)];
  }
  private box(cell: number): HTMLElement {
    const value = el("span", { class: "value" }), mark = el("i"), name = cellName(this.header, cell);
    const box = el("button", { type: "button", title: name }, el("span", { class: "sr" }, `${name} `), mark, value);
    box.addEventListener("click", () => this.pick(cell));
    this.boxes.push({ cell, box, value, mark });
    return box;
  }

  show(t: number): void {
    this.t = t;
    const [reads, writes] = this.accesses(t), { error, T } = this.header, conflict = error && t === T + 1 ? error.cell : -1;
    for (const { cell, box, value, mark } of this.boxes) {
      const read = reads.get(cell), write = writes.get(cell);
      put(value, wordText(this.header, this.machine.memory[cell]), "value");
      put(mark, `${cell === conflict ? "✕" : ""}${read ? `◂${whom(read)}` : ""}${write ? `▸${whom(write)}` : ""}`);
      const marks = { read, write, conflict: cell === conflict, selected: cell === this.selected };
      const name = Object.entries(marks).filter(([, on]) => on).map(([n]) => n).join(" ");
      if (box.className !== name) box.className = name;
    }
  }
  /** Who reads and who writes each cell in a step. */
  private accesses(t: number): [Map<number, number[]>, Map<number, number[]>] {
    const found: [Map<number, number[]>, Map<number, number[]>] = [new Map(), new Map()];
    if (!this.machine.runs(t)) return found;
    const { read, destination } = this.machine.step(t);
    [read, destination].forEach((cells, i) =>
      cells.forEach((cell, p) => {
        if (cell >= 0) found[i].set(cell, [...(found[i].get(cell) ?? []).slice(0, 2), p]);
      }),
    );
    return found;
  }
}

function whom(pids: number[]): string {
  return pids.length > 1 ? `${pids[0]}+` : `${pids[0]}`;
}
