"""Shows what `print` statements print, while a run goes on. It costs nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lockstep.pram import parameters
from lockstep.pram.contracts.kinds import Contracts
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, Step, Words
from lockstep.pram.printing import Aside, Item, Point
from lockstep.pram.program import Program
from lockstep.pram.syntax import Text
from lockstep.pram.word import to_signed


@dataclass(frozen=True)
class NoValue:
    """Why an expression has no value here, in the words of the machine."""

    reason: str


Shown = str | int | NoValue


@dataclass(frozen=True)
class Printed:
    """What one `print` shows.

    step: the number of the step that follows. processor: its pid; None if all processors print the same.
    """

    step: int
    line: int
    processor: int | None
    values: tuple[Shown, ...]


class Printer:
    """Calls `show` for everything that a run prints, in the order of steps. Give it to `lockstep.pram.machine.run` as `watch`."""

    def __init__(self, program: Program, job: Job, show: Callable[[Printed], None]) -> None:
        self.points, self.job, self.show = program.code.prints, job, show
        self._machines: dict[int, Machine] = {}

    def __call__(self, machine: Machine, step: Step | None) -> None:
        """Show what the processors print that have arrived at a `print`. step: the last one; None before the first."""
        for point in self.points:
            here = machine.counter == point.index
            if step is not None and point.skips:
                here &= ~np.isin(step.counter, list(point.skips))
            if here.any():
                self._print(point, machine, np.flatnonzero(here))

    def _print(self, point: Point, machine: Machine, pids: Words) -> None:
        columns = [self._values(item, machine, pids) for item in point.items]
        rows = list(zip(*columns))
        number, line = machine.costs.time + 1, point.at.own.line
        if point.everyone and len(pids) == machine.running and len(set(rows)) == 1:
            self.show(Printed(number, line, None, rows[0]))
            return
        for pid, row in zip(pids.tolist(), rows):
            self.show(Printed(number, line, pid, row))

    def _values(self, item: Item, machine: Machine, pids: Words) -> list[Shown]:
        """Return the value of an item for each of these processors."""
        if isinstance(item, Text):
            return [item.value] * len(pids)
        try:
            if not isinstance(item, Aside):
                return [parameters.evaluate(item, self.job.values, self.job.source)] * len(pids)
            return list(self._run_aside(item, machine, pids))
        except PramError as error:
            if len(pids) > 1:
                return [value for pid in pids for value in self._values(item, machine, np.array([pid]))]
            return [NoValue(_reason(error))]

    def _run_aside(self, item: Aside, machine: Machine, pids: Words) -> list[int]:
        aside = self._machine(item)
        aside.registers[: item.below] = machine.registers[: item.below]
        aside.memory, aside.costs.time = machine.memory, machine.costs.time + 1
        words = aside.look_ahead(0, len(item.code) - 1, pids)
        found: list[int] = (to_signed(words, self.job.word_bits) if self.job.signed else words).tolist()
        return found

    def _machine(self, item: Aside) -> Machine:
        """Return the machine that runs the code of an item."""
        if id(item) not in self._machines:
            values = tuple(parameters.evaluate(e, self.job.values, self.job.source) for e in item.derived)
            job = replace(self.job, code=item.code, registers=item.registers, parameters=values, contracts=Contracts())
            self._machines[id(item)] = Machine(job)
        return self._machines[id(item)]


def _reason(error: PramError) -> str:
    """The message of an error, without the step and the processor, which stand beside it anyway."""
    parts = error.diagnostics[0].message.split(": ")
    while len(parts) > 1 and parts[0].split(" ")[0] in ("step", "processor"):
        parts.pop(0)
    return ": ".join(parts)
