"""The rows of the two tables: mutants and checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mutation.planting import Planting


@dataclass(frozen=True)
class Check:
    """A named check on small jobs. It raises AssertionError if something is wrong; the message says what.

    holds: a text that says what it compares. refusals: errors of Lockstep that count as failures of this check. Any other
    exception is a crash, and a crash catches nothing.
    """

    name: str
    holds: str
    run: Callable[[], Any]
    refusals: tuple[type[Exception], ...] = ()

    def finds(self) -> str:
        """Run the check. Returns: what is wrong, in one line; "" if nothing is."""
        try:
            self.run()
        except (AssertionError, *self.refusals) as found:
            text = " ".join(str(found).split())
            return text or type(found).__name__
        return ""


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault.

    area:       the part of Lockstep with the fault: a heading of the table. breaks: the fault, as text; also its name.
    plant:      puts the fault in place and removes it again.
    check:      a name in CHECKS: the check that fails with the fault. With an equivalent mutant, this check passes.
    equivalent: the reason why the fault changes nothing that is claimed; "" if it does.
    """

    area: str
    breaks: str
    plant: Planting
    check: str
    equivalent: str = ""

    @property
    def name(self) -> str:
        return f"{self.area}: {self.breaks}"
