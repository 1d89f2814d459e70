"""Attributes a run's time, work and shared accesses to source lines.

An instruction belongs to the line of the word, operator or array that it is emitted for (`Instruction.at`). So the four
steps of a `for` belong to the line of `for`, and the guard of a `parallel` to the line of `parallel`. A nop belongs to the
line that the active processors run in that step. The step that ends the program has a row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.instructions import Cell, Fetch, Instruction
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, HALTED, Costs, Machine, Run

Words = NDArray[np.int64]


@dataclass(frozen=True)
class LineCosts:
    """What the instructions of one source line cost. `line` is None for the end of the program."""

    line: int | None
    steps: int
    work: int
    shared_accesses: int


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
    found: dict[int | None, list[int]] = {}
    for index in np.flatnonzero(executed):
        instruction, times = job.code[index], int(executed[index])
        last = index + 1 == len(job.code)
        sums = found.setdefault(None if last or instruction.at is None else instruction.at.line, [0, 0, 0])
        sums[0] += int(steps[index])
        sums[1] += times if instruction.name != "nop" else 0
        sums[2] += times * _accesses(instruction)
    in_order = sorted(found, key=lambda line: (line is None, line or 0))
    return tuple(LineCosts(line, *found[line]) for line in in_order)


def _accesses(instruction: Instruction) -> int:
    return isinstance(instruction.row.value, Fetch) + isinstance(instruction.row.destination, Cell)
