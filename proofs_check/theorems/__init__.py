"""Theorems of "On Powerful Ways to Generate" (arXiv 2510.06190) as executable claims, one file each.

BOUNDS says what each means for the decodes of a construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pram.job import Job
from proofs_check.measured import Measured
from proofs_check.report import Check
from proofs_check.theorems import theorem1, theorem4


class Bound(Protocol):
    """What a theorem says of the decodes of one construction."""

    def checks(self, rows: Sequence[Measured], on: str, order: str) -> Iterable[Check]:
        """One row for each claim."""

    def steps(self, job: Job, time: int) -> int:
        """Decoding steps of a run of `time` steps, in parallel order."""

    def peak_context(self, job: Job, time: int) -> int:
        """The longest context of a decode, known before it."""


#: What bounds each construction of `compiler.compile.CONSTRUCTIONS`.
BOUNDS: dict[str, Bound] = {"mdm": theorem1, "ap-mdm": theorem4.TWO_STEP, "ap-mdm one-step": theorem4.ONE_STEP}
