"""Traces for the tests of the page: one run and its decodes in the format of docs/trace.md, and what a reader must find in them.

The states that a reader must find are kept beside the trace. They come from the machine and from the decoder, not from its columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kit.trace_data import Columns, Integers, Traced, Wanted
from kit.traced_decodes import TracedDecode
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.expression_text import expression_text
from lockstep.pram.instructions import Fetch
from lockstep.pram.job import Job
from lockstep.pram.listing import instruction_text
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Step
from lockstep.pram.program import Program


def traced(program: Program, params: Mapping[str, int], arrays: Mapping[str, Any], wanted: Sequence[Wanted | str],
           keep: bool = True) -> Traced:  # fmt: skip
    """Trace a run and its decodes. keep: whether to keep the states, too."""
    job, columns = program.instantiate(params, arrays), Columns()
    trace = Traced({}, columns)
    error = _trace_machine(job, trace)
    trace.header = _header(program, job) | {"error": error, "T": len(trace.memory) - 1, "columns": columns.index}
    machine = Machine(job)
    if error is None:
        for _ in machine.steps():
            pass
    trace.header |= {"costs": _numbers(machine.costs), "space": _numbers(machine.space)}
    named = [Wanted(w) if isinstance(w, str) else w for w in wanted]
    processes = [] if error else [TracedDecode(job, trace, w, number).traced(keep) for number, w in enumerate(named)]
    trace.header["processes"] = processes
    return trace


def _numbers(values: object) -> dict[str, int]:
    return {name: int(value) for name, value in vars(values).items()}


def _header(program: Program, job: Job) -> dict[str, Any]:
    derived = program.code.derived
    code = [
        {"text": " ".join(instruction_text(i, derived).split()), "line": i.at.line if i.at else 0, "column": i.at.column if i.at else 0,
         "pads": i.name == "nop", "locals": {}}
        for i in program.code.instructions
    ]  # fmt: skip
    arrays = [{"name": a.name, "role": a.role, "base": a.base, "shape": a.shape, "firsts": a.firsts} for a in job.arrays]
    return {
        "version": 2, "name": program.name, "file": program.source.name, "source": program.source.text, "code": code, "arrays": arrays,
        "params": {name: job.values[name] for name in program.symbols.params if name in job.values}, "P": job.processors,
        "k": job.registers, "S": job.space, "w": job.word_bits, "mode": job.mode, "winner": None, "halted": HALTED,
        "signed": any(a.signed_bits for a in job.arrays), "derived": [expression_text(e) for e in derived],
        "parameters": [int(p) for p in job.parameters],
        "outputs": [job.outputs.start, job.outputs.stop],
    }  # fmt: skip


# -- the machine ------------------------------------------------------------------------------------


class _Watched(Machine):
    """Keeps what each step reads and writes, also of a step that is refused."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.read = np.full(job.processors, -1)
        self.refused: tuple[Integers, Integers] | None = None

    def step(self) -> Step:
        self.read, top = np.full(self.job.processors, -1), (1 << self.job.word_bits) - 1
        for index, group in self._groups(self.counter):
            instruction = self.job.code[index]
            if isinstance(instruction.row.value, Fetch):
                x, y = (self.operand(instruction.operand(name), group) for name in instruction.row.value.address)
                self.read[group] = (x + y) & top
        return super().step()

    def _commit(self, before: Any, reads: Any, value: Any, destination: Any) -> None:
        self.refused = value, np.full(self.job.processors, NO_DESTINATION) if destination is None else destination
        super()._commit(before, reads, value, destination)
        self.refused = None


def _trace_machine(job: Job, trace: Traced) -> dict[str, Any] | None:
    """Add the columns of the machine; why it failed, or None."""
    machine, steps, reads, lost, error = _Watched(job), list[Step](), list[Integers](), list[int](), None

    def keep() -> None:
        trace.memory.append(machine.memory.tolist())
        trace.registers.append(machine.registers.ravel().tolist())

    keep()
    try:
        while machine.running:
            before = machine.counter
            steps.append(machine.step())
            reads.append(machine.read)
            trace.accesses += _accesses(steps[-1], machine.read)
            trace.counters.append(before.tolist())
            lost += [(len(steps) - 1) * job.processors + p for p in _losers(steps[-1], machine)]
            keep()
    except PramError as failure:
        nothing = np.zeros(job.processors, np.int64), np.full(job.processors, NO_DESTINATION)
        error = _failure(failure, machine, job)
        value, destination = machine.refused or nothing
        steps.append(Step(len(steps) + 1, before, value, destination, before))
        reads.append(machine.read if machine.refused else nothing[1])
    for name in ("counter", "value", "destination"):
        trace.columns.add(f"machine.{name}", [getattr(step, name) for step in steps])
    last = steps[-1].next if error is None else steps[-1].counter
    for name, values in (("read", reads), ("last", last), ("start", job.memory), ("lost", lost)):
        trace.columns.add(f"machine.{name}", values)
    return error


def _accesses(step: Step, read: Integers) -> Iterator[tuple[int, int, bool, int, int]]:
    for p in range(len(read)):
        for writes, cell in ((False, int(read[p])), (True, int(step.destination[p]))):
            if cell >= 0:
                yield step.number, p, writes, int(step.value[p]), cell


def _losers(step: Step, machine: Machine) -> Iterator[int]:
    """The writers of a cell but one of those whose value it holds."""
    if MODES[machine.job.mode].combining == "sum":
        return
    for cell in np.unique(step.destination[step.destination >= 0]).tolist():
        writers = np.flatnonzero(step.destination == cell)
        winner = writers[step.value[writers] == machine.memory[cell]][0]
        yield from (int(p) for p in writers if p != winner)


def _failure(failure: PramError, machine: _Watched, job: Job) -> dict[str, Any]:
    span, cell, processors = failure.diagnostics[0].span, -1, list[int]()
    if machine.refused:  # in these tests a refused step is a conflict of reads
        cells, counts = np.unique(machine.read[machine.read >= 0], return_counts=True)
        cell = int(cells[counts.argmax()])
        processors = [int(p) for p in re.findall(r"\d+", re.search(r"processors ([\d, and]+)", str(failure))[1])]  # type: ignore[index]
    return {"step": machine.costs.time, "message": str(failure), "kind": "read" if machine.refused else "trap",
            "processors": processors, "cell": cell, "line": span.line if span else 0}  # fmt: skip


__all__ = ["Traced", "Wanted", "traced"]
