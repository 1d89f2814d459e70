"""Theorem 4: any-process masked diffusion simulates any PRAM in O(T + log N) decoding steps at context N = O(S + P).

The bounds of both constructions are equalities: `lockstep.compiler.two_step` takes two decoding steps for each PRAM step,
`lockstep.compiler.one_step` one, at about twice the context. All updates of a decoding step happen together: a sampler that
drops some of them makes the result wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler.names import ONE_STEP, TWO_STEP
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import Theorem, equality, steps_and_context
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.report import Check

#: The construction's own parameters: the first and the last address of the outputs.
OWN_PARAMETERS = 2
TWO_STEP_CONTEXT = ClosedForm("1 + h + S + P * (k + 4)")
TWO_STEP_STEPS = ClosedForm("2 * T + lg(N - n0) + 4")
ONE_STEP_CONTEXT = ClosedForm("1 + h + 2 * S + 2 * P * (k + 1)")
ONE_STEP_STEPS = ClosedForm("T + lg(F + 1) + 3")
FINAL = ClosedForm("2 + out")


def two_step_letters(job: Job, time: int) -> dict[str, int]:
    letters = letters_of_run(job, time)
    letters["h"] += OWN_PARAMETERS
    return letters | {"N": TWO_STEP_CONTEXT(letters), "n0": 1 + letters["h"] + job.inputs}


def one_step_letters(job: Job, time: int) -> dict[str, int]:
    """F: the positions behind the last word, which is the first slot of the last input; its second slot counts."""
    letters = two_step_letters(job, time)
    letters["N"] = ONE_STEP_CONTEXT(letters)
    before = letters["h"] + 2 * job.inputs if job.inputs else letters["h"] + 1
    return letters | {"F": letters["N"] - before}


BOUNDS = {
    TWO_STEP: Bound(TWO_STEP_STEPS, TWO_STEP_CONTEXT, two_step_letters),
    ONE_STEP: Bound(ONE_STEP_STEPS, ONE_STEP_CONTEXT, one_step_letters),
}


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    bound = BOUNDS.get(construction)
    if bound is None:
        return

    def letters(m: CheckedDecode) -> dict[str, int]:
        return bound.letters(m.job, m.time)

    yield from steps_and_context(bound, on, rows)
    yield equality("final length", on, FINAL, rows, lambda m: m.agreement.context[-1], letters)


THEOREM = Theorem(
    name="Theorem 4",
    place=40,
    statement="Any-process masked diffusion simulates a PRAM run of T steps in S cells on P processors in O(T + log N) "
    "decoding steps, at context N = O(S + P) for a fixed program.",
    measured="decoding steps, peak and final context length of every decode",
    decided="equality with the closed forms",
    source="arXiv 2510.06190, Theorem 4",
    forms={
        name: {"decoding steps": bound.decoding_steps, "context length": bound.context, "final length": FINAL}
        for name, bound in BOUNDS.items()
    },
    bounds=BOUNDS,
    of_decodes=of_decodes,
)
