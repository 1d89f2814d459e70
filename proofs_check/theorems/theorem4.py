"""Theorem 4: any-process masked diffusion simulates any PRAM in O(T) decoding steps at context O(S + P).

The bounds of both constructions are equalities: T the time of the run, h parameters (two of them the construction's
own), n input words, S cells, P processors of k registers.

    compiler.ap_mdm     two decoding steps for each PRAM step; n0 = 1 + h + n the start length
        peak context    N = 1 + h + S + P (k + 4)
        decoding steps  2 T + ceil(log2(N - n0)) + 4
    compiler.one_step   one decoding step for each PRAM step; F what is behind the last word in the full sequence
        peak context    N = 1 + h + 2 S + 2 P (k + 1)
        decoding steps  T + ceil(log2(F + 1)) + 3,  F = N - h - 2 n, or N - h - 1 without input
    depth               3
    d_model             see `width` of each: linear in the bits of a word, of a pid and of a program counter

The updates of a decoding step are synchronous: a sampler that drops some of them goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from compiler import in_place
from compiler.compile import Widths
from compiler.processor import Code, bits_for
from pram.job import Job
from pram.parameters import lg
from proofs_check.measured import Measured, equality
from proofs_check.report import Check

DEPTH = 3
OWN_PARAMETERS = 2


@dataclass(frozen=True)
class Schedule:
    """The closed forms of one construction, and how `verify` writes the first two."""

    steps_text: str
    context_text: str
    decoding_steps: Callable[[Job, int], int]
    context: Callable[[Job], int]
    width: Callable[[Code, Widths], int]

    def checks(self, rows: Sequence[Measured], on: str, order: str) -> Iterable[Check]:
        """The theorem's rows."""
        yield equality(
            "decoding steps", on, self.steps_text, rows, lambda m: m.agreement.steps, lambda m: self.decoding_steps(m.job, m.time)
        )
        context = self.context_text
        yield equality("context length", on, context, rows, lambda m: max(m.agreement.context), lambda m: self.context(m.job))
        final = "2 + out"
        yield equality("final length", on, final, rows, lambda m: m.agreement.context[-1], lambda m: final_length(m.job))
        yield equality("depth", on, str(DEPTH), rows, lambda m: len(m.compiled.model.layers), lambda m: DEPTH)
        closed = "closed form in w, P"
        yield equality(
            "d_model",
            on,
            closed,
            rows,
            lambda m: m.compiled.model.width,
            lambda m: self.width(m.compiled.code, m.compiled.widths),
        )

    def steps(self, job: Job, time: int) -> int:
        """Decoding steps of a run of `time` steps."""
        return self.decoding_steps(job, time)

    def peak_context(self, job: Job, time: int) -> int:
        """The longest context of a decode, known before it."""
        return self.context(job)


def final_length(job: Job) -> int:
    """The context length of the fixed point, [BOS] [outputs] [HALT]."""
    return 2 + len(job.outputs)


def _given(job: Job) -> int:
    """1 + h: BOS and the parameters."""
    return 1 + OWN_PARAMETERS + len(job.parameters)


# -- two decoding steps for each PRAM step ---------------------------------------------------------


def _two_step_context(job: Job) -> int:
    return _given(job) + job.space + job.processors * (job.registers + 4)


def _two_step_decoding_steps(job: Job, time: int) -> int:
    """Grow, start, two for each step, shrink in two."""
    return 2 * time + lg(_two_step_context(job) - _given(job) - job.inputs) + 4


def _two_step_width(code: Code, widths: Widths) -> int:
    """d_model; letters as for Theorem 1. Sequence lengths enter as scalars, so their bits cost no width."""
    w, b, i, p = _letters(code, widths)
    return 2 * b + 5 * w + 2 * i + max(w, i) + 2 * p + 48 + _used(code, w)


# -- one decoding step for each PRAM step ----------------------------------------------------------


def _one_step_context(job: Job) -> int:
    return _given(job) + 2 * job.space + 2 * job.processors * (job.registers + 1)


def _one_step_decoding_steps(job: Job, time: int) -> int:
    """Grow, start, one for each step, shrink in two."""
    behind = _one_step_context(job) - (_given(job) + 2 * job.inputs - 1 if job.inputs else _given(job))
    return time + lg(behind + 1) + 3


def _one_step_width(code: Code, widths: Widths) -> int:
    """d_model: a third operand slot (w + i + 3), but no buffers."""
    w, b, i, p = _letters(code, widths)
    return 2 * b + 5 * w + 3 * i + max(w, i) + p + 53 + _used(code, w)


def _letters(code: Code, widths: Widths) -> tuple[int, int, int, int]:
    """w, b, i, p: bits of a word, a token, a register's or parameter's index, and a pid."""
    assert isinstance(widths, in_place.Widths)
    counter, register = bits_for(len(code.instructions)), bits_for(code.registers)
    token = max(widths.word, counter, register)
    return widths.word, token, max(register, bits_for(code.parameters)), widths.pid


def _used(code: Code, w: int) -> int:
    """c bits of a program counter, twice more if the program branches, and what its word operations take."""
    counter = bits_for(len(code.instructions))
    operations = code.operations()
    branches = 2 * counter if any(x.name == "jz" for x in code.instructions) else 0
    shifts_and_products = w * sum(name in operations for name in ("shl", "shr", "mul"))
    return counter + branches + shifts_and_products + len(operations) + ("add" in operations)


TWO_STEP = Schedule("2 T + lg(N - n0) + 4", "N = 1+h+S + P (k+4)", _two_step_decoding_steps, _two_step_context, _two_step_width)
ONE_STEP = Schedule("T + lg(F + 1) + 3", "N = 1+h+2S + 2P (k+1)", _one_step_decoding_steps, _one_step_context, _one_step_width)
