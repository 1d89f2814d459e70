// How wide each panel is, and how large its tokens are.

import { READABLE } from "./canvas";
import { ProcessPanel } from "./process";
import { byId } from "./dom";

const GUTTER = 40, EDGE = GUTTER + 30, GAP = 0.7, LARGEST = 26, TALLEST = 19, SPACE = 16;

/** Give panels their widths, by columns: one size of tokens fills them all. readable: show fewer processors rather than small tokens. */
export function arrange(panels: ProcessPanel[], pid: number, pids: number, readable: boolean): void {
  const room = byId("sequences").clientWidth - SPACE * (panels.length - 1), narrow = innerWidth < 700;
  const need = panels.map((p) => Math.max(11, p.layout.columns(pids) + 1)), all = need.reduce((a, b) => a + b, 0);
  const unit = Math.min(28, (room - EDGE * panels.length) / all), shared = unit >= READABLE || narrow;
  const widths = shared ? equal(need, unit, room, all) : apart(panels, need, room);
  byId("sequences").style.gridTemplateColumns = narrow ? "100%" : widths.map((n) => `${Math.floor(n)}px`).join(" ");
  const fits = panels.map((p) => fit(p, pids, readable)), least = Math.min(...fits.map((f) => f.w));
  panels.forEach((p, i) => {
    const w = Math.max(3, Math.floor(shared ? least : fits[i].w)), h = Math.min(w < 9 ? w : Math.max(READABLE, w - 2), TALLEST);
    p.view.resize({ w, h, gap: w < 9 ? 2 : GAP, gutter: GUTTER, pid, pids: fits[i].pids, width: p.box.clientWidth });
  });
}

function equal(need: number[], unit: number, room: number, all: number): number[] {
  const spare = Math.max(0, room - EDGE * need.length - unit * all) / need.length;
  return need.map((n) => EDGE + n * unit + spare);
}

/** Tokens would be too small: panels that need few columns keep a readable size of their own, and the others get the rest. */
function apart(panels: ProcessPanel[], need: number[], room: number): number[] {
  const small = panels.map((p, i) => (p.layout.columns(1) === p.layout.columns(2) ? Math.min(EDGE + need[i] * 16, room * 0.42) : 0));
  const left = room - small.reduce((a, b) => a + b, 0), others = small.filter((n) => !n).length;
  return others ? small.map((n) => n || left / others) : small.map(() => room / small.length);
}

/** The largest tokens with which a panel shows all processors, or else as many as it can. */
function fit(panel: ProcessPanel, pids: number, readable: boolean): { w: number; pids: number } {
  const width = panel.box.clientWidth - GUTTER - SPACE, least = readable ? READABLE : 5;
  for (let many = pids; ; many--) {
    const w = Math.min(LARGEST, width / (panel.layout.columns(many) + 1));
    if (w >= least || many <= 4) return { w, pids: many };
  }
}
