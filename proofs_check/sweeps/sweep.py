"""The loop of a sweep: what is not in the database is run, and goes into it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.sweeps.plan import SweepPlan
from lockstep.proofs_check.sweeps.pool import Pool
from lockstep.proofs_check.sweeps.store import SweepStore


@dataclass(frozen=True)
class SweepOutcome:
    """How many cases a plan has, and how many of them an earlier sweep had finished; what they came to is in the database."""

    cases: int
    found: int


def sweep(plan: SweepPlan, store: SweepStore, open_pool: Callable[[], AbstractContextManager[Pool]],
          progress: Progress = silent) -> SweepOutcome:  # fmt: skip
    """Run what is missing of a plan.

    Args:   open_pool: asked for only if something is missing. progress: called with the cases done and their number.
    Raises: PramError: there is nowhere to run cases. OtherVersion: a worker has other code.
    """
    tasks, repeated = plan.tasks()
    store.begin_sweep(plan, [*tasks, *repeated])
    finished = {subject: store.finished(subject) for subject in plan.subjects}
    missing = [task for task in tasks if task.key not in finished[task.subject]]
    found = len(tasks) - len(missing)
    progress(found, len(tasks))
    if missing:
        with open_pool() as pool:
            for done, (task, result) in enumerate(pool.results(missing), found + 1):
                store.add(task, result)
                progress(done, len(tasks))
    return SweepOutcome(len(tasks), found)
