// One clock for machine and decodes: a film of frames. A PRAM step has as many frames as the slowest decode needs for it.

/** t: the PRAM step; 0 is before the first, T + 1 after the last. d: how many decoding steps each process has made. */
export interface Frame {
  t: number;
  part: number;
  parts: number;
  d: number[];
}

export class Film {
  readonly length: number;
  private readonly first: Int32Array; // the first frame of each PRAM step; frame 0 is before all
  private readonly counts: Int32Array[]; // decoding steps of each process in each PRAM step
  private readonly begins: Int32Array[];

  /** clocks: the PRAM step of each decoding step, for each process. last: the last PRAM step that runs. */
  constructor(clocks: Int32Array[], last: number, T: number) {
    const steps = T + 2;
    this.counts = clocks.map((clock) => {
      const counts = new Int32Array(steps);
      for (const t of clock) counts[t]++;
      return counts;
    });
    this.begins = this.counts.map((counts) => {
      const begins = new Int32Array(steps);
      for (let t = 1; t < steps; t++) begins[t] = begins[t - 1] + counts[t - 1];
      return begins;
    });
    this.first = new Int32Array(steps + 1).fill(1);
    for (let t = 0; t < steps; t++) {
      const parts = this.counts.reduce((most, counts) => Math.max(most, counts[t]), t >= 1 && t <= last ? 1 : 0);
      this.first[t + 1] = this.first[t] + parts;
    }
    this.length = this.first[steps];
  }

  private stepOf(frame: number): number {
    let low = 0, high = this.first.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.first[middle] <= frame) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  at(frame: number): Frame {
    if (frame < 1) return { t: 0, part: 0, parts: 0, d: this.begins.map(() => 0) };
    const t = this.stepOf(frame), part = frame - this.first[t] + 1;
    const d = this.begins.map((begins, i) => begins[t] + Math.min(part, this.counts[i][t]));
    return { t, part, parts: this.first[t + 1] - this.first[t], d };
  }

  /** The first frame of a PRAM step, and its last. */
  start(t: number): number {
    return Math.min(this.first[t], this.length - 1);
  }
  end(t: number): number {
    return Math.max(0, this.first[t + 1] - 1);
  }

  /** The frame to which a step of the machine leads, back or forth. */
  whole(frame: number, by: 1 | -1): number {
    const { t, part, parts } = this.at(frame);
    if (by > 0) return part < parts ? this.end(t) : this.end(this.next(t, by));
    return frame < 1 ? 0 : this.next(t, by) < 0 ? 0 : this.end(this.next(t, by));
  }

  /** The nearest PRAM step that has frames. */
  private next(t: number, by: 1 | -1): number {
    const steps = this.first.length - 1;
    for (t += by; t >= 0 && t < steps; t += by) if (this.first[t + 1] > this.first[t]) return t;
    return by > 0 ? steps - 1 : -1;
  }

  /** The frame at which a process has made so many decoding steps. */
  frameOf(process: number, d: number): number {
    const begins = this.begins[process];
    let t = 0;
    while (t + 1 < begins.length && begins[t + 1] < d) t++;
    return d < 1 ? 0 : this.first[t] + d - begins[t] - 1;
  }
}
