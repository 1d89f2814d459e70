"""Shrinking: Hypothesis makes a failing case smaller, as long as it still fails.

A *maker* makes a case. It asks a `Choose` for every decision. Random programs are made without Hypothesis, which would be
slower. If one fails, Hypothesis gets the choices that made it, as if it had drawn them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, find, reject, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase
from hypothesis.errors import NoSuchExample

from lockstep.pram.progress import Progress, silent

T = TypeVar("T")
#: The index of the option that was picked at each choice, in order.
Choices = list[int]
#: Sizes compare as tuples: the first number counts most.
Size = tuple[int, ...]

KEY = b"failing"
#: Random cases that Hypothesis tries before it shrinks; few, since it starts from a failing one.
DRAWN_FIRST = 5


class NoCase(ValueError):
    """Makers raise this if their choices make no case."""


class Choose:
    """Picks one of several options; simpler options come first.

    Args: index: takes the number of options, returns the index of the one to pick.
    """

    def __init__(self, index: Callable[[int], int]) -> None:
        self.index = index

    def __call__(self, options: Sequence[T]) -> T:
        return options[self.index(len(options))]

    def group(self, make: Callable[[], T]) -> T:
        """Call `make`. Its choices belong together, so Hypothesis may drop them together."""
        return make()


@cache
def _below(number: int) -> st.SearchStrategy[int]:
    """Cached: Hypothesis takes longer to make a strategy than to draw from it."""
    return st.integers(0, number - 1)


class _Drawn(Choose):
    """Lets Hypothesis pick."""

    def __init__(self, draw: st.DrawFn) -> None:
        super().__init__(lambda number: draw(_below(number)))
        self.draw = draw

    def group(self, make: Callable[[], T]) -> T:
        return self.draw(st.builds(make))


def strategy(make: Callable[[Choose], T]) -> st.SearchStrategy[T]:
    """A Hypothesis strategy that draws the cases of a maker."""

    @st.composite
    def drawn(draw: st.DrawFn) -> T:
        try:
            return make(_Drawn(draw))
        except NoCase:
            reject()

    return drawn()


def make_at_random(make: Callable[[Choose], T], random: Random) -> tuple[T, Choices]:
    """A case that a maker makes from random choices, and these choices."""
    choices: Choices = []

    def index(number: int) -> int:
        choices.append(random.randrange(number))
        return choices[-1]

    return make(Choose(index)), choices


def shrink(make: Callable[[Choose], T], start: T, choices: Choices, fails: Callable[[T], bool],
           size: Callable[[T], Size], seconds: float, progress: Progress = silent) -> T:  # fmt: skip
    """The smallest failing case found within some seconds; at worst `start`, which is known to fail.

    Args: choices: the choices that made `start`. progress: called with the seconds that have passed and all seconds.
    """
    best, until = start, time.monotonic() + seconds

    def condition(case: T) -> bool:
        nonlocal best
        if (left := until - time.monotonic()) <= 0:
            raise _TimeIsUp
        progress(int(seconds - left), int(seconds))
        failing = fails(case)
        if failing and size(case) < size(best):
            best = case
        return failing

    database = _database(choices)
    try:
        find(strategy(make), condition, settings=_settings(database, Phase.reuse, Phase.generate, Phase.shrink), database_key=KEY)
    except (_TimeIsUp, NoSuchExample):
        pass
    return best


class _TimeIsUp(BaseException):
    """Not an Exception: Hypothesis would take that for a failure of the case."""


def _settings(database: ExampleDatabase, *phases: Phase) -> settings:
    """Settings without a seed: with a seed, Hypothesis ignores the database."""
    return settings(database=database, max_examples=DRAWN_FIRST, deadline=None, phases=phases,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


def _database(choices: Iterable[int]) -> ExampleDatabase:
    """A database that holds these choices, written by Hypothesis itself.

    It holds one choice more than the maker asks for: Hypothesis does not shrink a case that it replays exactly.
    """
    database = InMemoryExampleDatabase()

    @st.composite
    def same(draw: st.DrawFn) -> None:
        for pick in (*choices, 0):
            draw(st.integers(pick, pick))

    try:
        find(same(), lambda case: True, settings=_settings(database, Phase.generate), database_key=KEY)
    except NoSuchExample:  # more choices than Hypothesis can hold
        pass
    return database
