"""What a run of the machine does that closed forms of tokens count: who runs, and what is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Run, Step


@dataclass(frozen=True)
class Activity:
    """Counts of one run.

    running: pairs of a processor and a step in which the processor had not halted.
    written: registers and cells written; a cell that several processors write in one step counts once.
    """

    running: int
    written: int


def counted_run(job: Job, most: int) -> tuple[Run, Activity]:
    """Run a job on the machine, and count.

    Raises: PramError: the machine refuses the run, or it does not halt within `most` steps.
    """
    machine, running, written = Machine(job), 0, 0
    for step in machine.steps(most):
        running += int((step.counter != HALTED).sum())
        written += _written(step)
    return machine.finished(), Activity(running, written)


def _written(step: Step) -> int:
    """How many registers and distinct cells a step writes."""
    cells = step.destination[step.destination >= 0]
    return int((step.destination < NO_DESTINATION).sum()) + len(np.unique(cells))
