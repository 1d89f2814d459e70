"""Closed forms of a decode: decoding steps, contexts, tokens, and the rows that its decoding steps touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockstep.pram.job import Job
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.constructions.facts import Phase
from lockstep.proofs_check.theorems import BOUNDS


def letters(construction: str, job: Job, time: int) -> dict[str, int]:
    """Letters of the closed forms; `run` and `put` are bounded by P T."""
    most = job.processors * time
    return BOUNDS[construction].letters(job, time) | {"run": most, "put": most}


def contexts(construction: str, values: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """(decoding steps, context): how long the sequence is that the model sees, from the start; the last is what no step changes."""
    return FACTS[construction].contexts(values, BOUNDS[construction])


def phases(construction: str, values: Mapping[str, int], running: float, written: float) -> list[Phase]:
    """What engines that skip rows have to touch; the first phase is the start.

    Args: running, written: the parts of P T at which processors run, and at which they write.
    """
    return FACTS[construction].phases(values, BOUNDS[construction], running, written)
