"""Theorem 1: masked diffusion simulates any PRAM in O(T) decoding steps at context O(P T).

Inputs, outputs and parameters stand in the context as well. For the construction of `lockstep.compiler.mdm` the bounds are equalities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import MDM
from lockstep.models.orders import ORDERS
from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.report import Check, span

CONSTRUCTION = MDM
CONTEXT = ClosedForm("1 + h + inp + out + 3 * P * T")
PARALLEL = ClosedForm("T + min(1, out)")
ONE_BY_ONE = FACTS[CONSTRUCTION].tokens
#: With blocks laid out for A >= T steps.
SPARE_BLOCKS = ClosedForm("T + min(1, A - T) + min(1, out)")
SPARE_CONTEXT = ClosedForm("1 + h + inp + out + 3 * P * A")


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction != CONSTRUCTION:
        return
    steps = PARALLEL if order == "parallel" else ONE_BY_ONE
    if order not in ORDERS:  # a sampler
        made = span([m.agreement.steps for m in rows])
        yield Check("decoding steps", on, f"as {order} makes them", made, True, "measured", CONSTRUCTION)
    elif order == "random-subsets":
        taken = [m.agreement.steps for m in rows]
        holds = all(s <= steps(letters(m)) for s, m in zip(taken, rows))
        yield Check("decoding steps", on, f"<= {steps}", span(taken), holds, process=CONSTRUCTION)
    else:
        yield equality("decoding steps", on, steps, rows, lambda m: m.agreement.steps, letters)
    yield equality("context length", on, CONTEXT, rows, lambda m: max(m.agreement.context), letters)


def letters(m: CheckedDecode) -> dict[str, int]:
    return letters_of_run(m.job, m.time)


THEOREM = Theorem(
    name="Theorem 1",
    place=10,
    statement="Masked diffusion simulates a PRAM run of T steps on P processors in O(T) decoding steps, at context "
    "O(P T) beside its inputs, outputs and parameters.",
    measured="decoding steps and context length of every decode",
    decided="equality with the closed forms, one token each in the orders left-to-right and random; in random-subsets no more "
    "decoding steps than masks; with a sampler they are measured. Those with spare blocks, which verify never lays out, are held by the "
    "project's tests alone",
    source="arXiv 2510.06190, Theorem 1",
    forms={
        CONSTRUCTION: {
            "decoding steps": PARALLEL,
            "decoding steps, one token each": ONE_BY_ONE,
            "decoding steps, spare blocks": SPARE_BLOCKS,
            "context length": CONTEXT,
            "context length, spare blocks": SPARE_CONTEXT,
        }
    },
    bounds={CONSTRUCTION: Bound(PARALLEL, CONTEXT)},
    of_decodes=of_decodes,
)
