"""Traces of small jobs, and their comparison with the machine and with decodes."""

from __future__ import annotations

import json

from oracles.trace_reader import DecodeReader, Reader

from lockstep.common.tracing.trace import Trace, trace_job
from lockstep.compiler.compile import Compiled
from lockstep.models.decode import Decoder
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, Machine
from lockstep.pram.program import Program
from lockstep.pram.sidecar import draw_one, generator_for
from lockstep.proofs_check.decoding import DecodeOptions
from lockstep.proofs_check.watching import Watching


def options(construction: str, order: str = "", compiled: Compiled | None = None) -> DecodeOptions:
    order = order or usual_order(construction.split()[0])
    return DecodeOptions(construction, compiled=compiled, sampling=Sampling(order, engine="indexed"))


def drawn(program: Program, size: int) -> Job:
    return program.instantiate(*draw_one(generator_for(program), size, 0, 0))


def traced(program: Program, job: Job, *constructions: str) -> Trace:
    return trace_job(program, job, [options(construction) for construction in constructions])


def read(trace: Trace) -> Reader:
    """The trace as its reader has it: from JSON and bytes."""
    return Reader(json.loads(trace.json()), trace.packed)


def assert_machine_replays(trace: Trace, job: Job) -> None:
    """Memory, registers and counters after each step are the machine's, and so is who reads what."""
    reader, machine = read(trace), Machine(job)
    states, counters = reader.machine(), reader.counters()
    for number in range(reader.header["T"] + 1):
        memory, registers = next(states)
        assert memory == machine.memory.tolist(), f"memory after step {number}"
        assert registers == machine.registers.tolist(), f"registers after step {number}"
        assert [HALTED if at == reader.header["halted"] else at for at in counters[number]] == machine.counter.tolist()
        if number < reader.header["T"]:
            step = machine.step()
            assert reader.rows("read")[number] == step.read.tolist()
    assert next(states, None) is None


def assert_decode_replays(trace: Trace, number: int, job: Job) -> int:
    """Each sequence is that of a decode that tells nothing, beside it; and what heads found is what it says. Return the edits seen."""
    reader = DecodeReader(read(trace), number)
    watching = Watching(job, options(reader.header["construction"], reader.header["order"]), heads=True)
    silent = Decoder(
        watching.compiled.model, watching.start, watching.layout.positions(), watching.compiled.process, watching.sampling
    )
    contexts, seen = reader.column("context"), 0
    for made, step, plain in zip(reader.steps(), watching, silent, strict=True):
        assert plain.number == step.number and len(made.after) == contexts[step.number] == step.context
        assert [text_of(reader, token) for token in made.after] == [tokens_text(watching, int(token)) for token in plain.tokens]
        assert made.asking == step.edited.asking.tolist() and made.time == step.time
        assert step.found is not None and len(made.found) == len(step.found)
        for entries, rows in zip(made.found, step.found.tolist()):
            assert entries == [{-1: "does not ask", -2: "nothing", -3: "several"}.get(row, row) for row in rows]
        seen += len(made.asking)
    return seen


def text_of(reader: DecodeReader, token: int) -> tuple[str, int]:
    return reader.split(token)


def tokens_text(watching: Watching, token: int) -> tuple[str, int]:
    """Kind and value of a token of the model; of a pair, the value without its position."""
    kind, value = watching.compiled.model.vocabulary.split(token)
    return kind, value & (1 << watching.layout.value_bits) - 1 if kind.endswith("@") else value  # type: ignore[union-attr]
