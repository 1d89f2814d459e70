"""Autoregression with erasing generates the same run in a context of O(S + P k) tokens: what ap-mdm saves over it is time, not space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstep.compiler import erasing
from lockstep.compiler.names import ERASING
from lockstep.pram.job import Job
from lockstep.proofs_check.catalog import Theorem, equality
from lockstep.proofs_check.checked_decode import CheckedDecode
from lockstep.proofs_check.closed_forms import Bound, ClosedForm, letters_of_run
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.report import Check

STEPS = FACTS[ERASING].tokens
#: A cycle that goes on holds two snapshots, the last one a snapshot and the outputs.
CONTEXT = ClosedForm("5 + h + z + 3 * P * L + e")
FINAL = ClosedForm("5 + h + z + 3 * P * L + out")


def letters(job: Job, time: int, every: int | None = None) -> dict[str, int]:
    """The letters of a decode that erases every so many steps."""
    blocks, words = erasing.blocks_of(job, time, every), job.space + job.processors * (job.registers + 1)
    given = len(set(job.outputs) | set(range(job.inputs)))
    cycles = max(1, -(-time // blocks))
    longest = words if cycles > 1 else len(job.outputs)
    found = letters_of_run(job, time) | {"L": blocks, "y": cycles, "z": words, "d": given, "e": longest}
    erased = 2 + found["h"] + words
    return found | {"n0": 2 + found["h"] + given, "n1": erased, "M": erased + 3 * job.processors * blocks + words + 3}


BOUND = Bound(STEPS, CONTEXT, letters, letters)


def of_decodes(construction: str, rows: Sequence[CheckedDecode], on: str, order: str) -> Iterable[Check]:
    if construction != ERASING:
        return
    yield equality("decoding steps", on, STEPS, rows, lambda m: m.agreement.steps, of_decode)
    yield equality("context length", on, CONTEXT, rows, lambda m: max(m.agreement.context), of_decode)
    yield equality("final length", on, FINAL, rows, lambda m: m.agreement.context[-1], of_decode)


def of_decode(m: CheckedDecode) -> dict[str, int]:
    return letters(m.job, m.time, m.every)


THEOREM = Theorem(
    name="erasing",
    place=21,
    statement="Autoregression that erases every L steps simulates a PRAM run of T steps on P processors, for any T with the same weights "
    "and the same positions, at context O(S + P L) for a fixed program. With L = z / 3 P, rounded up, it takes "
    "about 6 P T decoding steps. Its arithmetic is exact up to some L P, whatever T is.",
    measured="decoding steps, peak and final context length of every decode",
    decided="equality with the closed forms",
    source="the reduction rule of PENCIL, arXiv 2503.14337, for the blocks of autoregression",
    forms={ERASING: {"decoding steps": STEPS, "context length": CONTEXT, "final length": FINAL}},
    bounds={ERASING: BOUND},
    of_decodes=of_decodes,
)
