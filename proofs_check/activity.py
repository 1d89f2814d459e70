"""What a run of the machine does that closed forms of tokens count: who runs, what is written, and what changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Run, Step, register_of

Words = NDArray[np.int64]


@dataclass(frozen=True)
class Activity:
    """Counts of one run.

    running: pairs of a processor and a step in which the processor had not halted.
    written: registers and cells written; a cell that several processors write in one step counts once.
    changed: registers, cells and program counters that a step gives another value. In the first step, input cells only: a model
             that works in the state fills all others then.
    """

    running: int
    written: int
    changed: int

    @property
    def letters(self) -> dict[str, int]:
        """The same by the letters that closed forms of tokens have for it."""
        return {"run": self.running, "put": self.written, "new": self.changed}


def counted_run(job: Job, most: int) -> tuple[Run, Activity]:
    """Run a job on the machine, and count.

    Raises: PramError: the machine refuses the run, or it does not halt within `most` steps.
    """
    machine, seen, running, written, changed = Machine(job), _Seen(job), 0, 0, 0
    for step in machine.steps(most):
        running += int((step.counter != HALTED).sum())
        cells = np.unique(step.destination[step.destination >= 0])
        written += int((step.destination < NO_DESTINATION).sum()) + len(cells)
        changed += seen.changed(machine, step, cells)
    return machine.finished(), Activity(running, written, changed)


class _Seen:
    """The words of a run as they stood before a step. Only those that a step writes are compared."""

    def __init__(self, job: Job) -> None:
        self.inputs, self.memory = job.inputs, job.memory.copy()
        self.registers = np.zeros((job.registers, job.processors), np.int64)

    def changed(self, machine: Machine, step: Step, cells: Words) -> int:
        """How many words this step changed. cells: those that it writes, each once."""
        pids = np.flatnonzero(step.destination < NO_DESTINATION)
        place = register_of(step.destination[pids]), pids
        other = cells[machine.memory[cells] != self.memory[cells]]
        held = int((machine.registers[place] != self.registers[place]).sum())
        self.memory[cells], self.registers[place] = machine.memory[cells], machine.registers[place]
        if step.number == 1:
            return int((other < self.inputs).sum())
        return len(other) + held + int((step.next != step.counter).sum())
