"""Theorem 2, counted: what masked diffusion generates in context N, a serial machine computes in O(N^3).

Each decoding step of masked diffusion or autoregression leaves at least one token that no later step changes. So there are at
most N steps. A forward pass takes at most (u + v) N^2 multiply-adds; `lockstep.proofs_check.operations` says what is counted.
Any-process masked diffusion changes tokens again. Its context does not bound its steps, so it has no such bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import AO_MDM, ARM, COPIES, ERASING, MASKED_ARM, MDM, ONE_STEP, REVISION, TWO_STEP
from lockstep.models.orders import ORDERS
from lockstep.models.samplers import sampler
from lockstep.models.sampling import BY_SAMPLER
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.operations import Prices, passes_made
from lockstep.proofs_check.report import Check, short_span

#: Counts of operations are far larger than other values of closed forms.
BITS = 256


def _form(text: str) -> ClosedForm:
    return ClosedForm(text, BITS)


def _in_place(rows: str, squares: str, full: str) -> ClosedForm:
    """The passes before the sequence is full, then those at context N, and one at the end."""
    return _form(f"u * ({rows} + {full} * N + out + 2) + v * ({squares} + {full} * N * N + (out + 2) * (out + 2))")


def _erasing() -> ClosedForm:
    """Causal passes at n1 .. M - 1 tokens in y - 1 cycles, and once at n0 tokens up to the final length less 1.

    The first cycle starts at n0 tokens, and the last one at n1. The sum is the same the other way round.
    """
    before, end, behind = "(M - z + out - 1)", "(M - z + out)", "(M - z + out + 1)"
    rows = f"(y - 1) * (M * (M - 1) - n1 * (n1 - 1)) + {before} * {end} - n0 * (n0 - 1)"
    cycle = "(M - 1) * M * (M + 1) - (n1 - 1) * n1 * (n1 + 1)"
    pairs = f"(y - 1) * ({cycle}) + {before} * {end} * {behind} - (n0 - 1) * n0 * (n0 + 1)"
    return _form(f"u * ({rows}) / 2 + v * ({pairs}) / 6")


#: Processes that make one token in a decoding step, in whatever order.
ONE_BY_ONE = dict.fromkeys((AO_MDM, MASKED_ARM), _form("(3 * P * T + out) * (u * N + v * N * N)"))
#: Each pass computes every row anew.
OPERATIONS = ONE_BY_ONE | {
    MDM: _form("(T + min(1, out)) * (u * N + v * N * N)"),
    ARM: _form("u * (N * (N - 1) - n0 * (n0 - 1)) / 2 + v * ((N - 1) * N * (N + 1) - (n0 - 1) * n0 * (n0 + 1)) / 6"),
    ERASING: _erasing(),
    TWO_STEP: _in_place(
        "n0 * (g + 1) + (1 << g) - 1", "n0 * n0 * (g + 1) + 2 * n0 * ((1 << g) - 1) + ((1 << 2 * g) - 1) / 3", "(2 * T + 3)"
    ),
    ONE_STEP: _in_place(
        "n0 + (g - 1) * (N - F - 1) + (1 << g) - 2",
        "n0 * n0 + (g - 1) * (N - F - 1) * (N - F - 1) + 2 * (N - F - 1) * ((1 << g) - 2) + ((1 << 2 * g) - 4) / 3",
        "(T + 3)",
    ),
    **dict.fromkeys((REVISION, *COPIES), _form("(T + 1) * (u * N + v * N * N)")),
}
#: Keys and values are kept.
KEPT = {
    ARM: _form("u * (N - 1) + v * N * (N - 1) / 2"),
    ERASING: _form(
        "u * ((y - 1) * (M - 1) + M - z + out - 1) + v * ((y - 1) * (M - 1) * M + (M - z + out - 1) * (M - z + out)) / 2"
    ),
}
#: c N^3, in any decoding order.
CUBIC = dict.fromkeys((MDM, ARM, *ONE_BY_ONE), _form("(u + v) * N * N * N"))
#: The logarithm in the decoding steps.
GROWTH = {TWO_STEP: ClosedForm("lg(N - n0)"), ONE_STEP: ClosedForm("lg(F + 1)")}


def letters(construction: str, job: Job, time: int, prices: Prices, every: int | None = None) -> dict[str, int]:
    """The values of the letters in OPERATIONS, KEPT and CUBIC. every: how often arm erasing erases; None: as usual."""
    from lockstep.proofs_check.theorems import BOUNDS  # this package collects them from its files

    bound = BOUNDS[construction].every(every)
    values = bound.letters(job, time)
    values = {"N": bound.peak_context(job, time), "n0": 1 + values["h"] + job.inputs} | values
    values |= {"u": prices.row, "v": prices.pair}
    return values | ({"g": GROWTH[construction](values)} if construction in GROWTH else {})


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction not in OPERATIONS:
        return
    bound = " and ".join(
        (["closed form"] if _is_exact(construction, order) else []) + (["<= c N^3"] if _is_cubic(construction, order) else [])
    )  # fmt: skip
    counted = [counted_operations(m) for m in rows]
    holds = all(_holds(construction, m, found, order) for m, found in zip(rows, counted))
    if bound or construction not in CUBIC:
        yield Check("multiply-adds", on, bound, short_span(counted), holds, process=construction)
    else:
        yield Check("multiply-adds", on, f"as {order} makes steps", short_span(counted), True, "measured", construction)


def counted_operations(m: CheckedDecode) -> int:
    """The multiply-adds of a decode, from the contexts that its passes saw."""
    return Prices.of(m.compiled.model).decode(passes_made(m.agreement.context, m.compiled.process))


def _holds(construction: str, m: CheckedDecode, counted: int, order: str) -> bool:
    values = letters(construction, m.job, m.time, Prices.of(m.compiled.model), m.every)
    if _is_cubic(construction, order) and counted > CUBIC[construction](values):
        return False
    return not _is_exact(construction, order) or counted == OPERATIONS[construction](values)


def _is_exact(construction: str, order: str) -> bool:
    """Whether the closed form is for decodes in this order."""
    return order == "parallel" or construction in ONE_BY_ONE


def _is_cubic(construction: str, order: str) -> bool:
    """Whether each decoding step leaves a token that no later step changes: not where a sampler writes back."""
    return construction in CUBIC and (order in ORDERS or not sampler(order.removeprefix(BY_SAMPLER)).back)


THEOREM = Theorem(
    name="Theorem 2",
    place=15,
    statement="A serial machine generates what masked diffusion generates in context N with O(N^3) multiply-adds, and what "
    "autoregression generates as well. Any-process masked diffusion has no such bound: it changes tokens again.",
    measured="the multiply-adds of every decode, from the shapes of its weights and the context of each forward pass",
    decided="equality with the closed forms in parallel order, and for processes that make one token a step; "
    "in every order at most c N^3 with c = u + v. "
    "The closed form for kept keys and values is held by the project's tests alone",
    source="arXiv 2510.06190, Theorem 2, which hides logarithmic factors; here they are in u and v",
    forms={
        construction: {"multiply-adds": form}
        | ({"multiply-adds, keys and values kept": KEPT[construction]} if construction in KEPT else {})
        | ({"bound c N^3": CUBIC[construction]} if construction in CUBIC else {})
        for construction, form in OPERATIONS.items()
    },
    of_decodes=of_decodes,
)
