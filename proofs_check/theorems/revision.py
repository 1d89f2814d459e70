"""Revision simulates any PRAM in T decoding steps at context N = 1 + h + S + P (k + 1): the state itself, and nothing beside it.

All updates of a decoding step happen together: a sampler that drops some of them makes the result wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import REVISION
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import Theorem, steps_and_context
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.report import Check

CONTEXT, STEPS = ClosedForm("1 + h + S + P * (k + 1)"), ClosedForm("T")


def letters(job: Job, time: int) -> dict[str, int]:
    found = letters_of_run(job, time)
    return found | {"N": CONTEXT(found)}


BOUNDS = {REVISION: Bound(STEPS, CONTEXT, letters)}


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if bound := BOUNDS.get(construction):
        yield from steps_and_context(bound, on, rows)


THEOREM = Theorem(
    name="revision",
    place=45,
    statement="Revision, which gives any token another one, simulates a PRAM run of T steps in S cells on P processors in exactly T "
    "decoding steps, at context N = 1 + h + S + P (k + 1).",
    measured="decoding steps and context length of every decode",
    decided="equality with the closed forms",
    source="revision: arXiv 2512.25014; the construction: `lockstep.compiler.revision`",
    forms={name: {"decoding steps": bound.decoding_steps, "context length": bound.context} for name, bound in BOUNDS.items()},
    bounds=BOUNDS,
    of_decodes=of_decodes,
)
