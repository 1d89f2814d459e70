"""A run as text: one row a step, with the memory and what changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.tables import count, narrow_table
from lockstep.pram.job import Array, Job
from lockstep.pram.machine import HALTED, NO_READ, Machine, Step
from lockstep.pram.word import to_signed

#: Rows that are shown unless `full`; changes of one step that are shown.
MOST_ROWS, MOST_CHANGES = 200, 12
#: Stands before what a step changed; a terminal also shows it in this style.
CHANGED, STYLE = "*", "bold reverse"
#: Columns of a row beside the memory.
BESIDE = 28


@dataclass(frozen=True)
class ShownStep:
    """One step: the source lines that ran, how many processors ran one, who read which cell, and the cells written with their words."""

    number: int
    lines: tuple[int, ...]
    active: int
    reads: tuple[tuple[int, int], ...]
    written: dict[int, int]

    def record(self, job: Job) -> dict[str, Any]:
        """For JSON."""
        return {
            "step": self.number, "lines": list(self.lines), "processors": self.active,
            "reads": [{"processor": pid, "cell": job.cell_name(cell)} for pid, cell in self.reads],
            "writes": {job.cell_name(cell): _signed(job, word) for cell, word in self.written.items()},
        }  # fmt: skip


class StepWatch:
    """Collects the steps of a run: the first MOST_ROWS, or `every` one. Give it to `lockstep.pram.machine.run` as `watch`.

    made: how many steps there were.
    """

    def __init__(self, job: Job, every: bool = False) -> None:
        self.job, self.every, self.made, self.steps = job, every, 0, list[ShownStep]()
        self.lines = np.array([i.at.own.line if i.at else 0 for i in job.code])
        self.pads = np.array([i.name == "nop" for i in job.code])

    def __call__(self, machine: Machine, step: Step | None) -> None:
        if step is None:
            return
        self.made += 1
        if self.made > MOST_ROWS and not self.every:
            return
        running = step.counter[step.counter != HALTED]
        active = running[~self.pads[running]]
        cells = np.unique(step.destination[step.destination >= 0])
        readers = np.flatnonzero(step.read != NO_READ)
        lines = tuple(np.unique(self.lines[running]).tolist())
        reads = tuple(zip(readers.tolist(), step.read[readers].tolist()))
        written = dict(zip(cells.tolist(), machine.memory[cells].tolist()))
        self.steps.append(ShownStep(step.number, lines, len(active), reads, written))


def steps_table(watch: StepWatch, width: int, full: bool = False) -> RenderableType:
    """A row for each step that was collected: the first MOST_ROWS of them, unless `full`. width: of the terminal."""
    table = narrow_table()
    for title in ("step", "line", "active"):
        table.add_column(title, justify="right", overflow="fold")
    table.add_column("memory", overflow="fold")
    shown = watch.steps if full else watch.steps[:MOST_ROWS]
    memory = _Memory(watch.job, shown, width - BESIDE)
    table.add_row("", "", "", memory.whole({}) if memory.fits else Text(""))
    for step in shown:
        before = memory.write(step.written)
        text = memory.whole(step.written) if memory.fits else memory.changes(step.written, before)
        table.add_row(f"{step.number:,}", " ".join(map(str, step.lines)), f"{step.active:,}", text)
    more = watch.made - len(shown)
    ends = [f"{CHANGED} was written in this step", *([f"{count(more, 'more step')}; --full prints all"] if more else [])]
    return Group(table, *map(Text, ends), Text(""))


class _Memory:
    """The cells of a run as text. fits: whether all of them fit into a row."""

    def __init__(self, job: Job, steps: Sequence[ShownStep], room: int) -> None:
        self.job, self.words = job, job.memory.copy()
        self.arrays = [array for array in job.arrays if array.size]
        longest = {array.name: self._longest(array, steps) for array in self.arrays}
        self.longest = longest
        total = sum(len(array.name) + array.size * (longest[array.name] + 2) + 2 for array in self.arrays)
        self.fits = total <= room

    def _longest(self, array: Array, steps: Sequence[ShownStep]) -> int:
        """The longest word that ever stands in a cell of it, in characters."""
        cells = range(array.base, array.base + array.size)
        words = [*self.words[cells.start : cells.stop].tolist(), *(w for s in steps for c, w in s.written.items() if c in cells)]
        return max(len(str(_signed(self.job, word))) for word in words)

    def write(self, written: dict[int, int]) -> dict[int, int]:
        """Carry out the writes of a step. Return the words that stood there before."""
        before = {cell: int(self.words[cell]) for cell in written}
        for cell, word in written.items():
            self.words[cell] = word
        return before

    def whole(self, written: dict[int, int]) -> Text:
        """All arrays, each with its name; cells that were written have a mark."""
        text = Text()
        for number, array in enumerate(self.arrays):
            text.append(f"{'  ' if number else ''}{array.name}")
            for cell in range(array.base, array.base + array.size):
                mark = CHANGED if cell in written else " "
                word = f"{mark}{_signed(self.job, int(self.words[cell]))}".rjust(self.longest[array.name] + 1)
                text.append(" ").append(word, STYLE if cell in written else "")
        return text

    def changes(self, written: dict[int, int], before: dict[int, int]) -> Text:
        """Only the cells that were written, with their words before and after."""
        shown = [
            f"{CHANGED}{self.job.cell_name(cell)} {_signed(self.job, before[cell])} > {_signed(self.job, word)}"
            for cell, word in list(written.items())[:MOST_CHANGES]
        ]
        more = len(written) - len(shown)
        return Text(", ".join([*shown, *([f"and {more:,} more"] if more else [])]))


def _signed(job: Job, word: int) -> int:
    return to_signed(word, job.word_bits) if job.signed else word
