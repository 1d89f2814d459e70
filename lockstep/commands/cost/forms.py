"""Closed forms of a decode: decoding steps, contexts, tokens, and the rows that each decoding step computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockstep.pram.job import Job
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.constructions.facts import Phase
from lockstep.proofs_check.theorems import BOUNDS


def letters(construction: str, job: Job, time: int) -> dict[str, int]:
    """The values of the letters in the closed forms. `run` and `put` get their upper bound P T, `new` gets 2 P T."""
    most = job.processors * time
    return BOUNDS[construction].letters(job, time) | {"run": most, "put": most, "new": 2 * most}


def contexts(construction: str, values: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    """Pairs (decoding steps, context) from the start on: how many steps see a sequence of this length. The last step changes nothing."""
    return FACTS[construction].contexts(values, BOUNDS[construction])


def phases(construction: str, values: Mapping[str, int], running: float, written: float) -> list[Phase]:
    """The rows that engines have to compute if they skip unchanged rows. The first phase is the start.

    Args: running, written: the shares of P T in which processors run, and in which they write.
    """
    return FACTS[construction].phases(values, BOUNDS[construction], running, written)
