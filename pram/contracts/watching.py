"""Checks contracts while the machine runs. It changes nothing, and a program without contracts pays nothing."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.contracts.holding import Broken, check, dimensions_of, require
from lockstep.pram.contracts.kinds import Clause, ContractPoint
from lockstep.pram.contracts.meaning import Scope, View
from lockstep.pram.contracts.translating import names_in
from lockstep.pram.job import Job
from lockstep.pram.steps import Costs
from lockstep.pram.word import to_signed

Words = NDArray[np.int64]


class Machine(Protocol):
    """What the checks need of a machine (`lockstep.pram.machine.Machine`)."""

    job: Job
    counter: Words
    registers: Words
    memory: Words
    running: int
    costs: Costs


class Watcher:
    """Checks the contracts of one run.

    met: the places of contracts that it has checked, and of their parts that meant something.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.arrays = {array.name: array for array in job.arrays}
        self.dimensions = dimensions_of(self.arrays)
        self.met = set(require(job))
        self.start = View(job.memory, self.arrays)
        self._points: dict[int, list[ContractPoint]] = {}
        for point in job.contracts.points:
            self._points.setdefault(point.index, []).append(point)
        self._watched = np.zeros(len(job.code) + 1, bool)  # the last is for processors that have halted: their counter is -1
        self._watched[list(self._points)] = True
        self._kept: dict[str, dict[int, View]] = {}
        self._now: tuple[int, View] | None = None

    def check(self, machine: Machine, before: Words | None) -> None:
        """Check the contracts at which processors stand; after the last step, also what the program ensures.

        Args:   before: the counters of the processors before the last step; None at the start.
        Raises: Broken: a contract does not hold, or has no value.
        """
        self._arrive(machine, before)
        if not machine.running:
            self._end(machine)

    def _arrive(self, machine: Machine, before: Words | None) -> None:
        here = self._watched[machine.counter]
        if not here.any():
            return
        for index in np.unique(machine.counter[here]):
            for point in self._points[int(index)]:
                pids = np.flatnonzero(machine.counter == index)
                if before is not None and point.skips:
                    pids = pids[~np.isin(before[pids], list(point.skips))]
                if len(pids):
                    self._check_point(machine, point, pids)

    def _end(self, machine: Machine) -> None:
        for clause in self.job.contracts.ensures:
            scope = Scope(self.job.values, self._view(machine), self.start, self.met)
            check(clause, scope, self.dimensions, self.job, "at the end")

    def _check_point(self, machine: Machine, point: ContractPoint, pids: Words) -> None:
        if point.clause is None:
            kept = View(machine.memory.copy(), self.arrays)
            self._kept.setdefault(point.label, {}).update(dict.fromkeys(pids.tolist(), kept))
            return
        now = self._view(machine)
        seen = self._of_processors(machine, point, point.clause, pids)
        everyone = point.everyone and len(pids) == self.job.processors and len(seen) == 1
        for pid, own in seen:
            values = {**self.job.values, **own}
            old = self._kept[point.label][pid] if point.label else self.start
            where = f"before step {machine.costs.time + 1}" if machine.running else "at the end"
            who = "" if everyone else f"processor {pid}: "
            try:
                check(point.clause, Scope(values, now, old, self.met), self.dimensions, self.job, f"{where}: {who}".rstrip(": "))
            except Broken as error:
                error.processors = (pid,) if who else ()
                raise

    def _of_processors(
        self, machine: Machine, point: ContractPoint, clause: Clause, pids: Words
    ) -> list[tuple[int, dict[str, int]]]:
        """Return processors with their own values that a contract sees. Of those that see the same, the first."""
        named = names_in(clause.condition)
        used = [(name, known) for name, known in point.locals.items() if name in named]
        columns = [self._of_register(machine, known.register, pids) + known.plus for _, known in used]
        if "pid" in named:
            columns.append(pids)
        seen, found = set(), []
        for number, pid in enumerate(pids.tolist() if columns else pids[:1].tolist()):
            row = tuple(int(column[number]) for column in columns)
            if row in seen and not point.label:
                continue
            seen.add(row)
            found.append((pid, {**dict(zip((name for name, _ in used), row)), "pid": pid}))
        return found

    def _of_register(self, machine: Machine, register: int, pids: Words) -> Words:
        words = machine.registers[register][pids]
        return np.asarray(to_signed(words, self.job.word_bits) if self.job.signed else words)

    def _view(self, machine: Machine) -> View:
        """Return shared memory as it is now."""
        if self._now is None or self._now[0] != machine.costs.time:
            self._now = machine.costs.time, View(machine.memory, self.arrays)
        return self._now[1]
