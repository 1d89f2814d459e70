"""A row of the table of mutants, and a row of the table of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mutation.planting import Planting


@dataclass(frozen=True)
class Check:
    """A named check on small jobs: it returns where all is well, and raises AssertionError with what it has found.

    holds: what against what, in words. refusals: errors of ours that say the same as an assertion here. Anything else that
    escapes is a crash, and a crash catches nothing.
    """

    name: str
    holds: str
    run: Callable[[], Any]
    refusals: tuple[type[Exception], ...] = ()

    def finds(self) -> str:
        """What is wrong, in a line; empty where nothing is."""
        try:
            self.run()
        except (AssertionError, *self.refusals) as found:
            text = " ".join(str(found).split())
            return text or type(found).__name__
        return ""


@dataclass(frozen=True)
class Mutant:
    """One thing broken.

    area:       what is mutated: a heading of the table. breaks: what is wrong in it, in words; its name, too.
    plant:      puts it in place, and takes it out again.
    check:      a name in CHECKS: the check that fails with it; of an equivalent mutant the one that holds with it nevertheless.
    equivalent: why it changes nothing that is claimed; empty if it does.
    """

    area: str
    breaks: str
    plant: Planting
    check: str
    equivalent: str = ""

    @property
    def name(self) -> str:
        return f"{self.area}: {self.breaks}"
