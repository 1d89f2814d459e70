"""Theorem 4: any-process masked diffusion simulates any PRAM in O(T) decoding steps at context O(S + P).

For the construction of `compiler.ap_mdm` the bounds are equalities: T the time of the run, h parameters (two of
them the construction's own), n input words, S cells, P processors of k registers, n0 = 1 + h + n the start length,

    peak context   N = 1 + h + S + P (k + 4)
    decoding steps = 2 T + ceil(log2(N - n0)) + 4
    depth          = 3
    d_model        = see `width`: linear in the bits of a word, of a pid and of a program counter

The updates of a decoding step are synchronous: a sampler that drops some of them goes wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compiler import ap_mdm
from compiler.compile import Widths
from compiler.processor import Code, bits_for
from pram.job import Job
from pram.parameters import lg
from proofs_check.measured import Measured, equality
from proofs_check.report import Check

PROCESS = "ap-mdm"
DEPTH = 3
OWN_PARAMETERS = 2


def checks(rows: Sequence[Measured], on: str, order: str) -> Iterable[Check]:
    """The theorem's rows."""
    grow = "2 T + lg(N - n0) + 4"
    yield equality("decoding steps", on, grow, rows, lambda m: m.agreement.steps, lambda m: decoding_steps(m.job, m.time))
    closed = "N = 1+h+S + P (k+4)"
    yield equality("context length", on, closed, rows, lambda m: max(m.agreement.context), lambda m: context(m.job))
    final = "2 + out"
    yield equality("final length", on, final, rows, lambda m: m.agreement.context[-1], lambda m: final_length(m.job))
    yield equality("depth", on, str(DEPTH), rows, lambda m: len(m.compiled.model.layers), lambda m: DEPTH)
    closed = "closed form in w, P"
    yield equality(
        "d_model", on, closed, rows, lambda m: m.compiled.model.width, lambda m: width(m.compiled.code, m.compiled.widths)
    )


def steps(job: Job, time: int) -> int:
    """Decoding steps of a run."""
    return decoding_steps(job, time)


def peak_context(job: Job, time: int) -> int:
    """The longest context of a decode, known before it."""
    return context(job)


def context(job: Job) -> int:
    """The peak context length, N."""
    return 1 + len(job.parameters) + OWN_PARAMETERS + job.space + job.processors * (job.registers + 4)


def start_length(job: Job) -> int:
    """The context length of x_0, n0."""
    return 1 + len(job.parameters) + OWN_PARAMETERS + job.inputs


def final_length(job: Job) -> int:
    """The context length of the fixed point, [BOS] [outputs] [HALT]."""
    return 2 + len(job.outputs)


def decoding_steps(job: Job, time: int) -> int:
    """Decoding steps of a run of `time` steps: grow, start, two for each step, shrink in two."""
    return 2 * time + lg(context(job) - start_length(job)) + 4


def width(code: Code, widths: Widths) -> int:
    """d_model; letters as for Theorem 1. Sequence lengths enter as scalars, so their bits cost no width."""
    assert isinstance(widths, ap_mdm.Widths)
    w, p = widths.word, widths.pid
    c, r = bits_for(len(code.instructions)), bits_for(code.registers)
    i = max(r, bits_for(code.parameters))
    b = max(w, c, r)
    operations = code.operations()
    always = 2 * b + 5 * w + 2 * p + c + 2 * i + max(w, i) + 48
    branches = 2 * c if any(x.name == "jz" for x in code.instructions) else 0
    shifts_and_products = w * sum(name in operations for name in ("shl", "shr", "mul"))
    return always + branches + shifts_and_products + len(operations) + ("add" in operations)
