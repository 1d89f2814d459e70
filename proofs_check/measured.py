"""What one decode beside the machine measured, and how theorems turn many of them into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from compiler.compile import Compiled
from pram.job import Job
from proofs_check.agreement import Agreement
from proofs_check.report import Check, span


@dataclass(frozen=True)
class Measured:
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
        return self.job.space + self.job.processors * (self.job.registers + 1)


def equality(what: str, on: str, bound: str, rows: Sequence[Measured], found: Callable[[Measured], int],
             expected: Callable[[Measured], int]) -> Check:  # fmt: skip
    """A row that holds when `found` equals `expected` on every decode."""
    process = rows[0].compiled.process
    values = [found(m) for m in rows]
    return Check(what, on, bound, span(values), values == [expected(m) for m in rows], process=process)


def agreement_rows(rows: Sequence[Measured], on: str, order: str) -> Iterable[Check]:
    """Every token, and the outputs."""
    process, total = rows[0].compiled.process, len(rows)
    agree = sum(m.agreement.divergence is None for m in rows)
    when = "right after every step" if order == "parallel" else f"right, {order}"
    yield Check("every token", on, when, f"{agree} of {total}", agree == total, process=process)
    same = sum(m.agreement.outputs_agree for m in rows)
    yield Check("model outputs", on, "machine's memory", f"{same} of {total}", same == total, process=process)
