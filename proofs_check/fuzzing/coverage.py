"""Counts what runs exercise: instructions, operands, concurrent accesses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.access import MODES, RULE_SIGNS, Combining
from lockstep.pram.instructions import Cell, Fetch, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Run, Step, register_of


@dataclass(frozen=True)
class Coverage:
    """Counts of what runs exercised; coverages add up.

    modes:        runs by access mode.
    instructions: executed instructions by name; each processor of a step counts.
    operands:     their operands, as "x register" or "z pid".
    events:       steps by (mode, event): "divergent" (running processors at different instructions),
                  "concurrent reads", "concurrent writes", "different values" (written to one cell), "different values by +"
                  and so on for each write rule,
                  "read and write" (of one cell, by different processors), "wrapped address",
                  "saturated sum".
    """

    modes: Counter[str] = field(default_factory=Counter)
    instructions: Counter[str] = field(default_factory=Counter)
    operands: Counter[str] = field(default_factory=Counter)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.modes + other.modes,
            self.instructions + other.instructions,
            self.operands + other.operands,
            self.events + other.events,
        )

    def steps(self, event: str) -> int:
        """The number of steps with an event, in all modes."""
        return sum(count for (_, name), count in self.events.items() if name == event)


def coverage(run: Run) -> Coverage:
    """Count what a run exercised; it must have a trace."""
    found = Coverage(modes=Counter([run.job.mode]))
    registers = [[0] * run.job.processors for _ in range(run.job.registers)]
    for step in run.trace:
        _count(found, run.job, step, registers)
        for pid, (destination, value) in enumerate(zip(step.destination.tolist(), step.value.tolist())):
            if destination < NO_DESTINATION:
                registers[register_of(destination)][pid] = value
    return found


def _count(found: Coverage, job: Job, step: Step, registers: list[list[int]]) -> None:
    """Add one step; registers: of each register the words of all processors, before the step."""
    reads: list[int] = []
    events = set()
    groups: dict[int, list[int]] = {}
    for pid, place in enumerate(step.counter.tolist()):
        if place != HALTED:
            groups.setdefault(place, []).append(pid)
    for place, pids in groups.items():
        instruction = job.code[place]
        found.instructions[instruction.name] += len(pids)
        for name in "xyz":
            operand: Operand | None = getattr(instruction, name)
            if operand is not None:
                found.operands[f"{name} {operand.kind}"] += len(pids)
        row = instruction.row
        addresses = isinstance(row.value, Fetch) or isinstance(row.destination, Cell)
        if addresses or row.name == "addsat":
            xs, ys = (_words(job, o, pids, registers) for o in (instruction.operand("x"), instruction.operand("y")))
            sums = [x + y for x, y in zip(xs, ys)]
            if max(sums) >> job.word_bits:
                events.add("wrapped address" if addresses else "saturated sum")
            if isinstance(row.value, Fetch):
                reads += [address % (1 << job.word_bits) for address in sums]
    stored = step.destination >= 0
    writes = list(zip(step.destination[stored].tolist(), step.value[stored].tolist()))
    events |= _combined(job, step, stored) if MODES[job.mode].combines else set()
    events |= _meetings(reads, writes) | ({"divergent"} if len(groups) > 1 else set())
    found.events.update((job.mode, event) for event in events)


def _combined(job: Job, step: Step, stored: NDArray[np.bool_]) -> set[str]:
    """The write rules that combine different values in a step. stored: who writes to a cell."""
    found: dict[tuple[int, Combining], set[int]] = {}
    for pid in np.flatnonzero(stored).tolist():
        rule = job.code[int(step.counter[pid])].rule_in(MODES[job.mode].combining)
        found.setdefault((int(step.destination[pid]), rule), set()).add(int(step.value[pid]))
    return {f"different values by {RULE_SIGNS[rule]}" for (_, rule), values in found.items() if len(values) > 1}


def _words(job: Job, operand: Operand, pids: list[int], registers: list[list[int]]) -> list[int]:
    if operand.kind == "register":
        return [registers[operand.number][pid] for pid in pids]
    return pids if operand.kind == "pid" else [job.word_of(operand)] * len(pids)


def _meetings(reads: list[int], writes: list[tuple[int, int]]) -> set[str]:
    """Which accesses of a step share a cell. A processor makes one access, so two accesses belong to two processors."""
    cells = [cell for cell, _ in writes]
    meets = {
        "concurrent reads": len(set(reads)) < len(reads),
        "concurrent writes": len(set(cells)) < len(cells),
        "different values": len(set(cells)) < len(set(writes)),
        "read and write": bool(set(reads) & set(cells)),
    }
    return {event for event, happened in meets.items() if happened}
