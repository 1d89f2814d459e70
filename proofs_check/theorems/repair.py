"""Revision with several copies repairs itself: what a minority of the copies of every item holds changes no decoding step.

The statement is about all runs and all changes at once. It follows from the weights: `lockstep.proofs_check.proofs.repairing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import COPIES
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import Theorem, steps_and_context
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.report import Check


def _bound(copies: int) -> Bound:
    context = ClosedForm(f"1 + {copies} * (h + S + P * (k + 1))")

    def letters(job: Job, time: int) -> dict[str, int]:
        found = letters_of_run(job, time)
        return found | {"N": context(found)}

    return Bound(ClosedForm("T"), context, letters)


BOUNDS = {name: _bound(copies) for name, copies in COPIES.items()}


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    bound = BOUNDS.get(construction)
    if bound is None:
        return
    yield from steps_and_context(bound, on, rows)
    troubles = [trouble for trouble in (_trouble(m, COPIES[construction]) for m in rows) if trouble]
    minority = COPIES[construction] // 2
    measured = troubles[0] if troubles else f"{minority} of {COPIES[construction]} copies"
    yield Check("changed copies", on, f"== {minority}", measured, not troubles, process=construction)


def _trouble(m: CheckedDecode, copies: int) -> str:
    """Why the weights do not repair; "" if they do."""
    from lockstep.proofs_check.proofs.repairing import check_repair  # imports Z3, which is slow
    from lockstep.proofs_check.proofs.structure import WrongStructure
    from lockstep.proofs_check.proofs.weights import NotReadable, read_weights

    try:
        check_repair(read_weights(m.compiled.model, m.compiled.circuit), copies)
    except (WrongStructure, NotReadable) as error:
        return str(error)
    return ""


THEOREM = Theorem(
    name="repair",
    place=46,
    statement="Revision with c = 2 m + 1 copies of every item takes exactly T decoding steps, at context N = 1 + c (h + S + P (k + 1)). "
    "Between any two decoding steps, m copies of every item, and BOS, may become any tokens: the next step gives the sequence without "
    "the changes.",
    measured="decoding steps and context length of every decode; what the weights of every model read of tokens, and what votes decide",
    decided="equality with the closed forms; for repair, entry for entry of the weights",
    source="three copies and a vote: J. von Neumann, Probabilistic Logics, 1956; the construction: `lockstep.compiler.copies`",
    forms={name: {"decoding steps": bound.decoding_steps, "context length": bound.context} for name, bound in BOUNDS.items()},
    bounds=BOUNDS,
    of_decodes=of_decodes,
)
