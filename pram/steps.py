"""What a run is made of: its steps, its costs, its end; and what a run that failed leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.inputs import show_value
from lockstep.pram.job import Job
from lockstep.pram.reached import Reached

Words = NDArray[np.int64]

#: Special values in a step: in `destination`, in the program counters, and in `read`.
NO_DESTINATION, HALTED, NO_READ = -1, -1, -1
#: The pids of `Step.lost` if there are none.
NOBODY = np.empty(0, np.int64)


def register_destination(register: int) -> int:
    """Return the code of a register in `Step.destination`. The code of a cell is its address."""
    return -2 - register


Codes = TypeVar("Codes", int, Words)


def register_of(destination: Codes) -> Codes:
    """Return the register, or array of registers, for codes of `register_destination`."""
    return -2 - destination


@dataclass(frozen=True, init=False)
class Step:
    """What every processor did in one step. Arrays are int64 [processors].

    number:      of the step, counted from 1.
    counter:     the program counter before the step; HALTED for processors that had halted.
    value:       the value written; 0 if nothing is written.
    destination: an address, `register_destination(r)`, or NO_DESTINATION.
    next:        the program counter after the step, or HALTED.
    read:        the cell that is read, or NO_READ.
    lost:        int64 [some], the pids whose write to a cell is lost, since another one's write to it wins. None is lost by the
                 rules `+`, `and` and `or`, which make something of all writes.
    """

    number: int
    counter: Words
    value: Words
    destination: Words
    next: Words
    read: Words
    lost: Words

    def __init__(self, number: int, counter: Words, value: Words, destination: Words, next: Words, read: Words,
                 lost: Words = NOBODY) -> None:  # fmt: skip
        """As that of a data class, in a third of its time: a run makes one for each of its steps."""
        vars(self).update(number=number, counter=counter, value=value, destination=destination, next=next, read=read, lost=lost)


@dataclass
class Costs:
    """What a run has cost so far: time counts steps, work counts instructions other than nop."""

    time: int = 0
    work: int = 0
    shared_accesses: int = 0


@dataclass(frozen=True)
class Space:
    """Space of a run: words of memory allocated, cells that were accessed, and registers with the program counters."""

    allocated: int
    touched: int
    registers: int


@dataclass(frozen=True)
class Run:
    """A finished run, or what was done of a run that failed (`Failure.run`).

    trace: its steps, if they were kept. reached: which instructions it executed, and which way its branches went.
    """

    job: Job
    memory: Words
    costs: Costs
    space: Space
    trace: tuple[Step, ...]
    reached: Reached

    @property
    def time(self) -> int:
        return self.costs.time

    @property
    def outputs(self) -> dict[str, int | list[int] | list[list[int]]]:
        """The value of every output and inout: a number, a list, or a list of rows."""
        arrays = [a for a in self.job.arrays if a.is_output]
        return {a.name: a.read(self.memory) for a in arrays}

    def __repr__(self) -> str:
        """Short, for printing; the fields have the details."""
        sizes = f"time {self.time}, work {self.costs.work}, {self.job.processors} processors, {self.job.mode}"
        return f"<Run: {sizes}, outputs {show_value(self.outputs)}>"


@dataclass(frozen=True)
class Failure:
    """Where and why a run failed: `PramError.failure`.

    kind:       of a conflict, that of `lockstep.pram.access.Conflict`; else "trap", "contract", "no halt", or "refused" (by the
                user's choice: `--strict`, a winner that does not write).
    processors: those that the message names. cell: that of a conflict, else None.
    attempt:    the step that failed, which was not carried out. Of a conflict it has all that processors wanted to do; else nobody
                reads or writes.
    run:        the run up to there. Its costs count the step that failed.
    """

    kind: str
    processors: tuple[int, ...]
    cell: int | None
    attempt: Step
    run: Run
