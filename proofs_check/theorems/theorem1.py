"""Theorem 1: masked diffusion simulates any PRAM in O(T) decoding steps at context O(P T).

For the construction of `compiler.mdm` the bounds are equalities: T the time of the run, `time` the blocks that
masks were laid out for, h parameters, n input words, m output words, P processors, and

    decoding steps = T + [time > T] + [m > 0]
    context        = 1 + h + n + m + 3 P time
    depth          = 3
    d_model        = see `width`: linear in the bits of a word, of the time and of a pid
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compiler import mdm
from compiler.compile import Widths
from compiler.processor import Code, bits_for
from pram.job import Job
from proofs_check.measured import Measured, equality
from proofs_check.report import Check, span

PROCESS = "mdm"
DEPTH = 3


def checks(rows: Sequence[Measured], on: str, order: str) -> Iterable[Check]:
    """The theorem's rows for decodes that laid out as many blocks as their runs take."""
    if order == "random-subsets":
        taken = [m.agreement.steps for m in rows]
        holds = all(s <= masks(m) for s, m in zip(taken, rows))
        yield Check("decoding steps", on, "<= masks", span(taken), holds, process=PROCESS)
    else:
        bound = "T + [out > 0]" if order == "parallel" else "3 P T + out"
        yield equality(
            "decoding steps", on, bound, rows, lambda m: m.agreement.steps, parallel_steps if order == "parallel" else masks
        )
    yield equality(
        "context length", on, "1+h+in+out + 3 P T", rows, lambda m: max(m.agreement.context), lambda m: context(m.job, m.time)
    )
    yield equality("depth", on, str(DEPTH), rows, lambda m: len(m.compiled.model.layers), lambda m: DEPTH)
    closed = "closed form in w, T, P"
    yield equality(
        "d_model", on, closed, rows, lambda m: m.compiled.model.width, lambda m: width(m.compiled.code, m.compiled.widths)
    )


def peak_context(job: Job, time: int) -> int:
    """The longest context of a decode, known before it."""
    return context(job, time)


def steps(job: Job, time: int) -> int:
    """Decoding steps in parallel order, with as many blocks as the run takes."""
    return decoding_steps(time, time, len(job.outputs))


def parallel_steps(m: Measured) -> int:
    return steps(m.job, m.time)


def masks(m: Measured) -> int:
    """Positions that are masked at the start: decoding steps, one token at a time."""
    return 3 * m.job.processors * m.time + len(m.job.outputs)


def decoding_steps(time: int, allocated: int, outputs: int) -> int:
    """Decoding steps in parallel order of a run of `time` steps with room for `allocated`."""
    return time + (allocated > time) + (outputs > 0)


def context(job: Job, allocated: int) -> int:
    """The context length."""
    return 1 + len(job.parameters) + job.inputs + len(job.outputs) + 3 * job.processors * allocated


def width(code: Code, widths: Widths) -> int:
    """d_model: w bits of a word, t of the time, p of a pid, c of a program counter, r of a register's index.

    i = max(r, bits of a parameter's index); b = max(w, c, r), the bits of a token. A program that branches adds
    2 c, shl and shr add w each, mul adds w, and every word operation adds its flag (a sum has two).
    """
    assert isinstance(widths, mdm.Widths)
    w, t, p = widths.word, widths.time, widths.pid
    c, r = bits_for(len(code.instructions)), bits_for(code.registers)
    i = max(r, bits_for(code.parameters))
    b = max(w, c, r)
    operations = code.operations()
    always = 2 * b + 4 * w + 2 * t + p + c + 2 * i + max(w, i) + 36
    branches = 2 * c if any(x.name == "jz" for x in code.instructions) else 0
    shifts_and_products = w * sum(name in operations for name in ("shl", "shr", "mul"))
    return always + branches + shifts_and_products + len(operations) + ("add" in operations)
