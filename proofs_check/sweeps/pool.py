"""Runs cases: in this process, in processes of this machine, or on a Dask cluster that is already running."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from lockstep.proofs_check.sweeps.plan import Task
from lockstep.proofs_check.sweeps.result import Result
from lockstep.proofs_check.workers import cores


class Pool(Protocol):
    """Runs cases in any order."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        """Yield cases with their results, as soon as they are done; those that are done at once come together."""


class InProcess:
    """Runs one case after the other in this process."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        from lockstep.proofs_check.sweeps.check import check_task

        for task in tasks:
            yield [(task, check_task(task))]


def pool(workers: int | None, scheduler: str | None) -> AbstractContextManager[Pool]:
    """A pool of `workers` processes of this machine (None: one for each core; 0: this process), or of a cluster's.

    Raises: PramError: when it is entered: as `lockstep.proofs_check.sweeps.cluster.remote`.
    """
    if workers == 0:
        return nullcontext(InProcess())
    from lockstep.proofs_check.sweeps import cluster

    return cluster.remote(scheduler) if scheduler is not None else cluster.local(workers or cores())
