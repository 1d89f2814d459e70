"""Benchmarks of the page of `lockstep show`: its size, and how fast a browser loads it and shows a step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from kit.jobs import DIRECTORY
from kit.pages import BUILT, browsing, filled, missing, tab
from kit.traced_runs import Traced, Wanted, traced

from bench.figures import Figure
from lockstep.pram.program import load
from lockstep.pram.sidecar import generator_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Numbers that bitonic_sort sorts, with the most bytes of the page, seconds to load it and milliseconds to paint a step.
SIZES = {16: (100_000, 1.0, 40), 128: (400_000, 1.0, 40), 512: (1_000_000, 2.0, 40)}
STEPS = 60
#: Shows steps one after the other. The time of each ends when the browser has painted it.
PAINTED = """async many => {
  const painted = () => new Promise(done => requestAnimationFrame(() => {
    const channel = new MessageChannel(); channel.port1.onmessage = done; channel.port2.postMessage(0); }));
  const times = [], first = Math.floor((viewer.film.length - many) / 3);
  for (let i = 0; i < many; i++) {
    const began = performance.now(); viewer.player.go(first + i); const script = performance.now() - began;
    await painted(); times.push([script, performance.now() - began]);
  }
  return times;
}"""


def page() -> list[Figure]:
    """For each size: bytes, seconds from the start of the script until the page is ready, milliseconds of a step."""
    if why := missing():
        return [Figure("page in a browser", "", why, None)]
    with browsing() as browser:
        return [figure for size in SIZES for figure in _figures(browser, size)]


def _figures(browser: Browser, size: int) -> list[Figure]:
    trace, (most_bytes, most_load, most_step) = _trace(size), SIZES[size]
    tokens = sum(process["forms"]["context"]["value"] for process in trace.header["processes"])
    with tab(browser) as shown, tempfile.TemporaryDirectory() as folder:
        shown.open(Path(folder), trace)
        load_time = float(shown.ask("window.ready")) / 1000
        script, painted = np.array(shown.ask(PAINTED, STEPS)).T
        large = len(filled(trace, BUILT.read_text()).encode())
    name = f"page of {tokens:,} tokens"
    return [
        Figure(f"{name}: bytes", f"<= {most_bytes:,}", f"{large:,}", large <= most_bytes),
        Figure(f"{name}: seconds to load", f"<= {most_load}", f"{load_time:.2f}", load_time <= most_load),
        Figure(f"{name}: ms of a step, of them script", f"<= {most_step}",
               f"{np.median(painted):.0f}, {np.median(script):.0f}", float(np.median(painted)) <= most_step),
    ]  # fmt: skip


def _trace(size: int) -> Traced:
    program = load(DIRECTORY / "bitonic_sort.pram")
    inputs = generator_for(program).inputs(size, np.random.default_rng(0))
    return traced(program, *inputs, [Wanted("mdm"), Wanted("ap-mdm")], keep=False)


PARTS = {"page": page}
