"""Shrinking: whatever is made of choices is made smaller by Hypothesis, for as long as it fails.

A maker asks a `Choose` for every decision. Random programs are made so by the thousand without Hypothesis, which
would take longer; once one fails, the choices that made it are handed to Hypothesis as if it had drawn them.
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
#: Index of the option at each choice, in order.
Choices = list[int]
#: What counts most comes first.
Size = tuple[int, ...]

KEY = b"failing"
#: Cases that Hypothesis draws at random before it shrinks; it has one to start from.
DRAWN_FIRST = 5


class NoCase(ValueError):
    """Of these choices nothing is made; raised by makers."""


class Choose:
    """Choices one of some options, given in order of growing complexity.

    Args: index: of how many options, which.
    """

    def __init__(self, index: Callable[[int], int]) -> None:
        self.index = index

    def __call__(self, options: Sequence[T]) -> T:
        return options[self.index(len(options))]

    def group(self, make: Callable[[], T]) -> T:
        """What is made of choices that belong together, so that Hypothesis may drop them together."""
        return make()


@cache
def _below(number: int) -> st.SearchStrategy[int]:
    """Made once: Hypothesis takes longer to make a strategy than to draw from it."""
    return st.integers(0, number - 1)


class _Drawn(Choose):
    """Hypothesis choices."""

    def __init__(self, draw: st.DrawFn) -> None:
        super().__init__(lambda number: draw(_below(number)))
        self.draw = draw

    def group(self, make: Callable[[], T]) -> T:
        return self.draw(st.builds(make))


def strategy(make: Callable[[Choose], T]) -> st.SearchStrategy[T]:
    """What Hypothesis needs to draw and shrink what a maker makes."""

    @st.composite
    def drawn(draw: st.DrawFn) -> T:
        try:
            return make(_Drawn(draw))
        except NoCase:
            reject()

    return drawn()


def make_at_random(make: Callable[[Choose], T], random: Random) -> tuple[T, Choices]:
    """What a maker makes of choices at random, and these choices."""
    choices: Choices = []

    def index(number: int) -> int:
        choices.append(random.randrange(number))
        return choices[-1]

    return make(Choose(index)), choices


def shrink(make: Callable[[Choose], T], start: T, choices: Choices, fails: Callable[[T], bool],
           size: Callable[[T], Size], seconds: float, progress: Progress = silent) -> T:  # fmt: skip
    """The smallest case found that fails, within some seconds of looking; at worst `start`, which is known to fail.

    Args: choices: the choices of which `start` was made. progress: is told of the seconds gone and of all.
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
    """No Exception, which Hypothesis would take for a failure of the case."""


def _settings(database: ExampleDatabase, *phases: Phase) -> settings:
    """No seed: with one, Hypothesis leaves databases alone."""
    return settings(database=database, max_examples=DRAWN_FIRST, deadline=None, phases=phases,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


def _database(choices: Iterable[int]) -> ExampleDatabase:
    """A database in which these choices stand, written by Hypothesis itself.

    One choice more than the maker will ask for: what is replayed to the letter counts as shrunk already.
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
