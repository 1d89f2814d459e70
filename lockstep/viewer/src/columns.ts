// Columns of integers: byte planes, some of them as differences, deflated and in base64.

import { Header } from "./format";

export class Columns {
  private constructor(
    private readonly index: Header["columns"],
    private readonly data: Uint8Array,
  ) {}

  static async unpacked(header: Header, text: string): Promise<Columns> {
    const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Columns(header.columns, new Uint8Array(await new Response(stream).arrayBuffer()));
  }

  /** A column; an empty one if the trace has none of this name. */
  get(name: string): Int32Array {
    const [offset, length, width, delta] = this.index[name] ?? [0, 0, 1, false];
    const values = new Int32Array(length);
    for (let plane = 0; plane < width; plane++)
      for (let i = 0, p = offset + plane * length; i < length; i++) values[i] |= this.data[p + i] << (8 * plane);
    const spare = 32 - 8 * width; // the sign of shorter integers
    if (spare) for (let i = 0; i < length; i++) values[i] = (values[i] << spare) >> spare;
    if (delta) for (let i = 1; i < length; i++) values[i] += values[i - 1];
    return values;
  }
}
