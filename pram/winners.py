"""A job under every winner of its concurrent writes where there are few, under some of them where there are many."""

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

#: At most so many winners are tried one by one; where there are more, so many are drawn beside the lowest and the highest.
MOST_WINNERS, DRAWN = 64, 6
#: Looking for every winner ends after so many processor-steps. A step costs at least what one of 64 processors does.
MOST_WORK, LEAST_STEP = 1 << 21, 64

Outcome = Union[Run, PramError]


class Tried(NamedTuple):
    """How many winners of a job were tried, and whether that is every one."""

    winners: int
    every: bool


@dataclass(frozen=True)
class Winners:
    """A job's runs under several winners.

    runs:  each winner with its run, or with the error that refuses the run under it; the lowest winner's is the first.
    every: no other winner gives another run.
    """

    runs: tuple[tuple[Winner, Outcome], ...]
    every: bool

    @property
    def tried(self) -> Tried:
        return Tried(len(self.runs), self.every)

    def __str__(self) -> str:
        return phrase([self.tried])


def phrase(found: Sequence[Tried]) -> str:
    """How many winners were tried on some jobs: `every winner (29 runs)`, `8 winners`, or both."""
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
    """Run a job under every winner if they are at most `most`, else under the lowest, the highest and `drawn` random ones.

    Two winners are the same if they let the same values stay. In a mode that leaves no winner open there is one run. The job's
    own winner does not matter. What is tried depends on the job alone.

    Args: max_steps: of each run. warn: as for Machine, of every run.
    """
    job = job if job.winner == LOWEST else replace(job, winner=LOWEST)
    search = _Search(job, max_steps, warn, most)
    if not MODES[job.mode].winner_open or search.every():
        return Winners(tuple(search.runs), True)
    others = (HIGHEST, *(at_random(seed) for seed in range(drawn)))
    return Winners((search.runs[0], *((winner, _attempt(job, winner, max_steps, warn)) for winner in others)), False)


class _Search:
    """Every winner, depth-first: each run tells its contested writes, and what else may win them is tried after it."""

    def __init__(self, job: Job, max_steps: int, warn: Warn | None, most: int) -> None:
        self.job, self.max_steps, self.warn, self.most = job, max_steps, warn, most
        self.runs: list[tuple[Winner, Outcome]] = []
        self._work = 0
        self._left = self._try(())

    def every(self) -> bool:
        """Whether all were tried; those that are left differ from one another, so too many of them end it early."""
        while self._left:
            if len(self.runs) + len(self._left) > self.most or self._work > MOST_WORK:
                return False
            self._left += self._try(self._left.pop())
        return True

    def _try(self, choices: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Run with these choices; returns those that part from this run in one of its later contested writes."""
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
        return found[::-1]  # the last one is the next to be tried


def _attempt(job: Job, winner: Winner, max_steps: int, warn: Warn | None) -> Outcome:
    return _outcome(Machine(replace(job, winner=winner), warn), max_steps)


def _outcome(machine: Machine, max_steps: int) -> Outcome:
    try:
        for _ in machine.steps(max_steps):
            pass
    except PramError as error:
        return error
    return machine.finished()


__all__ = ["HIGHEST", "LOWEST", "Tried", "Winner", "Winners", "at_random", "by_choices", "in_order", "parse_winner", "phrase",
           "run_winners"]  # fmt: skip
