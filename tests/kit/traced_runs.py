"""Traces for the tests of the page, and the states that the page must find in them. These come from machine and decoder."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.common.tracing.trace import trace_job
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, Step, run
from lockstep.pram.program import Program
from lockstep.proofs_check.decoding import DecodeOptions

PAIR = "@"


@dataclass(frozen=True)
class Wanted:
    """A decode to trace. broken: changes the weights of the compiled model."""

    construction: str
    order: str = "parallel"
    heads: bool = True
    broken: Callable[[Any], None] | None = None

    def options(self, job: Job) -> DecodeOptions:
        """The options of the decode; they hold the compiled model."""
        sampling, time = Sampling(self.order, engine="indexed"), run(job).time
        compiled = compile_job(job, time, construction=self.construction, sampling=sampling)
        if self.broken:
            self.broken(compiled.model)
        return DecodeOptions(self.construction, compiled=compiled, sampling=sampling)


@dataclass(frozen=True)
class Traced:
    """A trace, and the states that a reader must find in it.

    memory, registers: after each step of the machine, from 0. sequences: of each process, after each decoding step, from 0.
    accesses: (step, processor, whether it writes, value, cell), of the steps that were carried out. counters: before each step.
    """

    header: dict[str, Any]
    packed: str
    memory: list[list[int]] = field(default_factory=list)
    registers: list[list[int]] = field(default_factory=list)
    accesses: list[tuple[int, int, bool, int, int]] = field(default_factory=list)
    counters: list[list[int]] = field(default_factory=list)
    sequences: list[list[list[int]]] = field(default_factory=list)


def traced(program: Program, params: Mapping[str, int], arrays: Mapping[str, Any], wanted: Sequence[Wanted | str],
           keep: bool = True) -> Traced:  # fmt: skip
    """Trace a run and its decodes. keep: whether to keep the sequences, too."""
    job = program.instantiate(params, arrays)
    named = [Wanted(w) if isinstance(w, str) else w for w in wanted]
    decodes = [w.options(job) for w in named]
    trace = trace_job(program, job, decodes, heads=all(w.heads for w in named), certified=not any(w.broken for w in named))
    found = Traced(trace.header, base64.b64encode(trace.packed).decode())
    _add_machine(job, found)
    if keep:
        found.sequences.extend(_sequences(job, options) for options in decodes)
    return found


def _add_machine(job: Job, found: Traced) -> None:
    """The states of the machine up to its end, or to the step that it refuses."""
    machine = Machine(job)
    try:
        while True:
            found.memory.append(machine.memory.tolist())
            found.registers.append(machine.registers.ravel().tolist())
            if not machine.running:
                return
            before = machine.counter.tolist()
            found.accesses.extend(_accesses(machine.step()))
            found.counters.append(before)
    except PramError:
        return


def _accesses(step: Step) -> list[tuple[int, int, bool, int, int]]:
    """Who reads and who writes which cell in a step."""
    both = [
        (p, writes, int(cells[p]))
        for p in range(len(step.read))
        for writes, cells in ((False, step.read), (True, step.destination))
    ]
    return [(step.number, p, writes, int(step.value[p]), cell) for p, writes, cell in both if cell >= 0]


def _sequences(job: Job, options: DecodeOptions) -> list[list[int]]:
    """The sequence at the start and after each decoding step, from a decoder that is not watched."""
    compiled = options.compiled
    assert compiled is not None
    layout = compiled.layout(job, run(job).time, options.sampling)
    start = layout.tokens()
    decoder = Decoder(compiled.model, start, layout.positions(), compiled.process, options.sampling)
    short = _shortened(compiled, layout)
    return [short(tokens) for tokens in (start, *(step.tokens for step in decoder))]


def _shortened(compiled: Compiled, layout: Any) -> Callable[[NDArray[np.int64]], list[int]]:
    """Makes lists of sequences. In a trace, the pairs of masked-arm have the bits of their value only."""
    old = compiled.model.vocabulary
    if not any(name.endswith(PAIR) for name, _ in old.kinds):
        return lambda tokens: tokens.tolist()
    new = Vocabulary(tuple((name, layout.value_bits if name.endswith(PAIR) else bits) for name, bits in old.kinds))

    def short(token: int) -> int:
        kind, value = old.split(token)
        return new.token(kind, value & (1 << new.bits(kind)) - 1)

    return lambda tokens: [short(token) for token in tokens.tolist()]


__all__ = ["Traced", "Wanted", "traced"]
