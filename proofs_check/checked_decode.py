"""One decode that was checked beside the machine."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.compiler import erasing
from lockstep.compiler.compile import Compiled
from lockstep.pram.job import Job
from lockstep.proofs_check.agreement import Agreement


@dataclass(frozen=True)
class CheckedDecode:
    """One decode: the job, its model, and the comparison with the machine's run, `agreement.run`."""

    job: Job
    compiled: Compiled
    agreement: Agreement

    @property
    def time(self) -> int:
        return self.agreement.run.time

    @property
    def every(self) -> int | None:
        """How many steps of the machine lie between two erasures; None if the decode does not erase."""
        layout = self.agreement.layout
        return layout.time if isinstance(layout, erasing.Layout) else None

    @property
    def space(self) -> int:
        """The number of words of shared memory, registers and program counters."""
        return self.job.state_words
