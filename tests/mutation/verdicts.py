"""Runs mutants and says what became of each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.translations import nothing_prepared

from mutation.table import Check, Mutant

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "SURVIVED"
#: A check that fails without a mutant, or ends in an error that is none of its own; a claim of equivalence that is wrong.
BROKEN, CRASHED, NOT_EQUIVALENT = "CHECK FAILS BY ITSELF", "CRASHED", "NOT EQUIVALENT"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; `found` is what the check said."""

    mutant: Mutant
    verdict: str
    found: str
    seconds: float

    @property
    def fine(self) -> bool:
        return self.verdict in (KILLED, EQUIVALENT)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        m = self.mutant
        return {
            "area": m.area, "breaks": m.breaks, "where": m.plant.where, "change": m.plant.change, "verdict": self.verdict,
            "check": m.check, "found": self.found, "equivalent": m.equivalent, "seconds": round(self.seconds, 3),
        }  # fmt: skip


class Judge:
    """Runs checks with and without mutants; each check is run without one before its first mutant."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.checks = checks
        self.unmutated: dict[str, str] = {}

    def verdicts(self, mutants: Iterable[Mutant]) -> Iterator[Verdict]:
        for mutant in mutants:
            yield self.verdict(mutant)

    def verdict(self, mutant: Mutant) -> Verdict:
        check = self.checks[mutant.check]
        if wrong := self.by_itself(check):
            return Verdict(mutant, BROKEN, wrong, 0.0)
        started = time.perf_counter()
        try:
            with nothing_prepared(), mutant.plant.planted():
                found = check.finds()
        except Exception as error:  # whatever it is: the mutant was not caught by its check
            crash = f"{type(error).__name__}: {error}"
            return Verdict(mutant, CRASHED, " ".join(crash.split()), time.perf_counter() - started)
        return Verdict(mutant, _word(mutant, found), found, time.perf_counter() - started)

    def by_itself(self, check: Check) -> str:
        """What a check finds where nothing is planted; empty, as it should be, if it holds."""
        if check.name not in self.unmutated:
            self.unmutated[check.name] = check.finds()
        return self.unmutated[check.name]


def _word(mutant: Mutant, found: str) -> str:
    if mutant.equivalent:
        return NOT_EQUIVALENT if found else EQUIVALENT
    return KILLED if found else SURVIVED


@dataclass(frozen=True)
class Score:
    """How many of what; `total` leaves out what is equivalent."""

    killed: int
    equivalent: int
    total: int

    @staticmethod
    def of(verdicts: Iterable[Verdict]) -> Score:
        words = [v.verdict for v in verdicts]
        equivalent = words.count(EQUIVALENT)
        return Score(words.count(KILLED), equivalent, len(words) - equivalent)

    def __str__(self) -> str:
        return f"{self.killed} of {self.total} mutants are caught, {self.equivalent} more are shown to be equivalent"
