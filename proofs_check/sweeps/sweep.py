"""The loop of a sweep: runs the cases that are not in the database, and stores their results."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain

from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.sweeps.plan import SweepPlan
from lockstep.proofs_check.sweeps.pool import Pool
from lockstep.proofs_check.sweeps.store import SweepStore


@dataclass(frozen=True)
class SweepOutcome:
    """The number of cases of a plan, and of those that an earlier sweep had finished. Their results are in the database."""

    cases: int
    found: int


def sweep(plan: SweepPlan, store: SweepStore, open_pool: Callable[[], AbstractContextManager[Pool]],
          progress: Progress = silent) -> SweepOutcome:  # fmt: skip
    """Run the cases of a plan that are not in the database.

    Args:   open_pool: called only if a case is missing. progress: called with the number of cases done and of all.
    Raises: PramError: no pool can be opened, or the code or libraries of a worker differ.
    """
    tasks, repeated = plan.tasks()
    store.begin_sweep(plan, chain(tasks, repeated))
    finished = {subject: store.finished(subject) for subject in plan.subjects}
    missing = [task for task in tasks if task.key not in finished[task.subject]]
    found = len(tasks) - len(missing)
    progress(found, len(tasks))
    if missing:
        with open_pool() as pool:
            done = found
            for results in pool.results(missing):
                store.add(results)
                done += len(results)
                progress(done, len(tasks))
    return SweepOutcome(len(tasks), found)
