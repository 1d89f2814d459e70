"""What one decode beside the machine measured."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.compiler.compile import Compiled
from lockstep.pram.job import Job
from lockstep.proofs_check.agreement import Agreement


@dataclass(frozen=True)
class CheckedDecode:
    """One decode: the job, its model, and what agreed; its run is `agreement.run`."""

    job: Job
    compiled: Compiled
    agreement: Agreement

    @property
    def time(self) -> int:
        return self.agreement.run.time

    @property
    def space(self) -> int:
        """Words of shared memory and registers with program counters."""
        return self.job.state_words
