"""Who wins concurrent writes in a compiled model: its position encodings hold one order of the processors."""

from __future__ import annotations

from lockstep.pram.job import Job
from lockstep.pram.winner import FIXED_FORMS


def check_winner(job: Job) -> None:
    """Check that the job's winner is a fixed order of the processors. A model's position encodings hold one order.

    Raises: PramError: it is not.
    """
    if not job.winner.fixed:
        raise job.error(
            f"the winner {job.winner} is no fixed order of the processors, and a model has one: take {FIXED_FORMS} "
            "(the machine runs any winner)"
        )
