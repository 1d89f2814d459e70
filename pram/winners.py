"""Runs a job under every winner of its concurrent writes, or under some of them if there are too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Union

from lockstep.pram.access import MODES
from lockstep.pram.contests import Contest
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Machine, Run
from lockstep.pram.unwritten import Warn
from lockstep.pram.winner import HIGHEST, LOWEST, Winner, at_random, by_choices, in_order, parse_winner

#: The most winners that are tried one by one. If there are more, DRAWN random ones are tried, the lowest and the highest.
MOST_WINNERS, DRAWN = 64, 6
#: The search for every winner stops after MOST_WORK processor-steps. A step counts for at least LEAST_STEP processors.
MOST_WORK, LEAST_STEP = 1 << 21, 64

Outcome = Union[Run, PramError]


class Tried(NamedTuple):
    """How many winners of a job were tried, and whether these are all."""

    winners: int
    every: bool


@dataclass(frozen=True)
class Winners:
    """A job's runs under several winners.

    runs:  each winner with its run, or with the error if the run was refused. The lowest winner comes first.
    every: no other winner gives a different run.
    """

    runs: tuple[tuple[Winner, Outcome], ...]
    every: bool

    @property
    def tried(self) -> Tried:
        return Tried(len(self.runs), self.every)

    def __str__(self) -> str:
        return describe_tried([self.tried])


def describe_tried(found: Sequence[Tried]) -> str:
    """Return how many winners were tried on some jobs: `every winner (29 runs)`, `8 winners`, or both."""
    runs = sum(each.winners for each in found if each.every)
    some = [each.winners for each in found if not each.every]
    every = f"every winner ({runs} run{'' if runs == 1 else 's'})"
    if not some:
        return every
    tried = f"{min(some)} winners" if min(some) == max(some) else f"{min(some)}..{max(some)} winners"
    others = f" on {len(some)} input{'' if len(some) == 1 else 's'}"
    return f"{every}, {tried}{others}" if runs else tried


def run_winners(job: Job, *, max_steps: int = DEFAULT_MAX_STEPS, warn: Warn | None = None, most: int = MOST_WINNERS,
                drawn: int = DRAWN) -> Winners:  # fmt: skip
    """Run a job under every winner if there are at most `most`, else under the lowest, the highest and `drawn` random ones.

    Winners that leave the same values in memory count as one. In a mode that leaves no winner open there is one run. The
    job's own winner is ignored. The same job always tries the same winners.

    Args: max_steps: the limit of each run. warn: as for Machine, for every run.
    """
    job = job if job.winner == LOWEST else replace(job, winner=LOWEST)
    search = _Search(job, max_steps, warn, most)
    if not MODES[job.mode].winner_open or search.every():
        return Winners(tuple(search.runs), True)
    others = (HIGHEST, *(at_random(seed) for seed in range(drawn)))
    return Winners((search.runs[0], *((winner, _attempt(job, winner, max_steps, warn)) for winner in others)), False)


class _Search:
    """A depth-first search for every winner: each run lists its contested writes; then other processors win these."""

    def __init__(self, job: Job, max_steps: int, warn: Warn | None, most: int) -> None:
        self.job, self.max_steps, self.warn, self.most = job, max_steps, warn, most
        self.runs: list[tuple[Winner, Outcome]] = []
        self._work = 0
        self._left = self._try(())

    def every(self) -> bool:
        """Try all winners, and return whether all were tried. It stops early if too many different ones are left."""
        while self._left:
            if len(self.runs) + len(self._left) > self.most or self._work > MOST_WORK:
                return False
            self._left += self._try(self._left.pop())
        return True

    def _try(self, choices: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Run with these choices, and return the choices that differ from this run in one later contested write."""
        contests: list[Contest] = []
        winner = by_choices(*choices)
        machine = Machine(replace(self.job, winner=winner) if choices else self.job, self.warn, contests)
        self.runs.append((winner, _outcome(machine, self.max_steps)))
        self._work += machine.costs.time * max(LEAST_STEP, self.job.processors)
        lowest = tuple(contest.options[0] for contest in contests)
        taken, found = len(choices), []
        for number, contest in enumerate(contests[taken:], taken):
            before = (*choices, *lowest[taken:number])
            found += [(*before, other) for other in contest.options[1:]]
            if len(found) > self.most:
                break
        return found[::-1]  # `every` takes the last one next


def _attempt(job: Job, winner: Winner, max_steps: int, warn: Warn | None) -> Outcome:
    return _outcome(Machine(replace(job, winner=winner), warn), max_steps)


def _outcome(machine: Machine, max_steps: int) -> Outcome:
    try:
        for _ in machine.steps(max_steps):
            pass
    except PramError as error:
        return error
    return machine.finished()


__all__ = ["HIGHEST", "LOWEST", "Tried", "Winner", "Winners", "at_random", "by_choices", "in_order", "parse_winner", "describe_tried",
           "run_winners"]  # fmt: skip
