"""Attributes a run's time, work and shared accesses to source lines.

An instruction belongs to the line of the word, operator or array that it is emitted for (`Instruction.at`). So the four
steps of a `for` belong to the line of `for`, and the guard of a `parallel` to the line of `parallel`. A nop belongs to the
line that the active processors run in that step. The step that ends the program has a row of its own. A line in the body of a
procedure has a row for each call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.errors import Span
from lockstep.pram.instructions import Cell, Fetch, Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, HALTED, Costs, Machine, Run

Words = NDArray[np.int64]


@dataclass(frozen=True)
class LineCosts:
    """What the instructions of one source line cost, of one call if it is in the body of a procedure.

    line:   None for the end of the program.
    called: the lines of the calls that lead to it, the outermost first, as in `Span.way`. file: the library in which it is, or "".
    """

    line: int | None
    steps: int
    work: int
    shared_accesses: int
    called: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Profile:
    """The cost of each line that took a step, in the order of the text, and the run with its total costs."""

    lines: tuple[LineCosts, ...]
    run: Run

    @property
    def costs(self) -> Costs:
        return self.run.costs


def profile(job: Job, *, max_steps: int = DEFAULT_MAX_STEPS) -> Profile:
    """Run a job, and attribute its costs to source lines.

    A step counts for the line that the lowest running processor is at. In a compiled program all processors are at the same
    place of the text; in other machine code they may not be. Work and accesses count for the line of each processor.

    Raises: PramError: as `lockstep.pram.machine.run`.
    """
    machine = Machine(job)
    steps = np.zeros(len(job.code), np.int64)
    executed = np.zeros(len(job.code), np.int64)
    for step in machine.steps(max_steps):
        here = step.counter[step.counter != HALTED]
        steps[here[0]] += 1
        executed += np.bincount(here, minlength=len(job.code))
    return Profile(_by_line(job, steps, executed), machine.finished())


def _by_line(job: Job, steps: Words, executed: Words) -> tuple[LineCosts, ...]:
    """Sum the costs of each line's instructions. The last instruction is the end of the program."""
    found: dict[LineCosts, tuple[int, int, int]] = {}
    for index in np.flatnonzero(executed):
        instruction, times = job.code[index], int(executed[index])
        last = index + 1 == len(job.code)
        row = found.setdefault(_row(None if last else instruction.at), (0, 0, 0))
        more = int(steps[index]), times if instruction.name != "nop" else 0, times * _accesses(instruction)
        found[_row(None if last else instruction.at)] = (row[0] + more[0], row[1] + more[1], row[2] + more[2])
    in_order = sorted(found, key=lambda row: (row.line is None, row.file, row.line or 0))
    sums = [(row, *found[row]) for row in in_order]
    return tuple(LineCosts(row.line, steps, work, accesses, row.called, row.file) for row, steps, work, accesses in sums)


def _row(at: Span | None) -> LineCosts:
    """The row of a place, without costs. Its end has no place."""
    if at is None:
        return LineCosts(None, 0, 0, 0)
    return LineCosts(at.line, 0, 0, 0, at.way, at.source.name if at.source else "")


def _accesses(instruction: Instruction) -> int:
    return isinstance(instruction.row.value, Fetch) + isinstance(instruction.row.destination, Cell)
