"""The loop of a sweep: what is not in the database is run, and goes into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lockstep.sweep.plan import Plan, Subject, Task
from lockstep.sweep.pool import Pool
from lockstep.sweep.result import FAILED, STOPPED
from lockstep.sweep.store import Store


@dataclass(frozen=True)
class Outcome:
    """What all cases of a plan came to, those of earlier sweeps among them.

    counts: of each program, cases by status. found: cases that an earlier sweep had finished.
    """

    counts: dict[Subject, Counter[str]]
    found: int

    @property
    def cases(self) -> int:
        return sum(counts.total() for counts in self.counts.values())

    @property
    def failed(self) -> int:
        return sum(counts[FAILED] for counts in self.counts.values())

    @property
    def unchecked(self) -> list[str]:
        """Programs of which not a single run came to an end."""
        return [subject.name for subject, counts in self.counts.items() if not counts.total() - counts[STOPPED]]

    @property
    def holds(self) -> bool:
        return not self.failed and not self.unchecked


def sweep(plan: Plan, store: Store, open_pool: Callable[[], AbstractContextManager[Pool]],
          progress: Callable[[int, int], None] = lambda done, total: None) -> Outcome:  # fmt: skip
    """Run what is missing of a plan.

    Args:   open_pool: asked for only if something is missing. progress: called with the cases done and their number.
    Raises: PramError: there is nowhere to run cases. OtherVersion: a worker has other code.
    """
    tasks = plan.tasks()
    store.begin_sweep(plan, tasks)
    statuses = {subject: store.statuses(subject) for subject in plan.subjects}
    missing = [task for task in tasks if _key(task) not in statuses[task.subject]]
    found = len(tasks) - len(missing)
    progress(found, len(tasks))
    if missing:
        with open_pool() as pool:
            for done, (task, result) in enumerate(pool.results(missing), found + 1):
                store.add(task, result)
                statuses[task.subject][_key(task)] = result.status
                progress(done, len(tasks))
    counts: dict[Subject, Counter[str]] = {subject: Counter() for subject in plan.subjects}
    for task in tasks:
        counts[task.subject][statuses[task.subject][_key(task)]] += 1
    return Outcome(counts, found)


def _key(task: Task) -> tuple[int, int, int]:
    return task.seed, task.size, task.number
