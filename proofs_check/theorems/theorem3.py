"""Theorem 3: a Masked-ARM writes what any-order masked diffusion unmasks, in the same order, at twice the context and no more steps.

AO-MDM unmasks one token in a decoding step. The Masked-ARM (`lockstep.compiler.masked_arm`) writes one pair of a position and a
token for each: it has two more layers, and one more token in its sequence for each mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import AO_MDM, MASKED_ARM
from lockstep.proofs_check.catalog import Theorem, steps_and_context
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.report import Check

#: S', the masks of the start sequence.
MASKS = ClosedForm("3 * P * T + out")
BOUNDS = {
    AO_MDM: Bound(MASKS, ClosedForm("1 + h + inp + out + 3 * P * T")),
    MASKED_ARM: Bound(MASKS, ClosedForm("1 + h + inp + 2 * out + 6 * P * T")),
}


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if bound := BOUNDS.get(construction):
        yield from steps_and_context(bound, on, rows)


THEOREM = Theorem(
    name="Theorem 3",
    place=30,
    statement="A Masked-ARM writes the tokens that any-order masked diffusion unmasks, each with its position, in the same order: "
    "in as many decoding steps, with one more token of context for each.",
    measured="decoding steps and context length of every decode",
    decided="equality with the closed forms; that the order is the same follows from agreement, which compares every step of both with "
    "the machine's run",
    source="arXiv 2510.06190, Theorem 3",
    forms={name: {"decoding steps": bound.decoding_steps, "context length": bound.context} for name, bound in BOUNDS.items()},
    bounds=BOUNDS,
    of_decodes=of_decodes,
)
