"""Autoregression generates the same run, one token a decoding step. So it takes as many steps as the run has tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import ARM
from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.report import Check

CONTEXT = ClosedForm("1 + h + inp + out + 3 * P * T")
STEPS = FACTS[ARM].tokens


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction != ARM:
        return
    yield equality("decoding steps", on, STEPS, rows, lambda m: m.agreement.steps, letters)
    yield equality("context length", on, CONTEXT, rows, lambda m: max(m.agreement.context), letters)


def letters(m: CheckedDecode) -> dict[str, int]:
    return letters_of_run(m.job, m.time)


THEOREM = Theorem(
    name="autoregression",
    place=20,
    statement="Autoregression simulates a PRAM run of T steps on P processors in as many decoding steps as it writes tokens: "
    "O(P T), at context O(P T) beside its inputs, outputs and parameters.",
    measured="decoding steps and context length of every decode",
    decided="equality with the closed forms",
    source="arXiv 2510.06190, section 3, where autoregression is the process beside which the others stand",
    forms={ARM: {"decoding steps": STEPS, "context length": CONTEXT}},
    bounds={ARM: Bound(STEPS, CONTEXT)},
    of_decodes=of_decodes,
)
