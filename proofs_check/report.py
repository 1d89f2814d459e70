"""What a check found: one row of the table that `lockstep verify` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

#: How much a row says: it was run; it follows from arithmetic on the weights; it was measured, against no bound; it was left out.
Strength = Literal["checked", "certified", "measured", "skipped"]


@dataclass(frozen=True)
class Check:
    """One thing held against one bound.

    what: what is checked; on: on which runs; bound, measured: as text; holds: the verdict; process: of which
    construction, and theorem: of which theorem of `lockstep.proofs_check.theorems`, if of one. cause: of a failure, what kind it is,
    where `what` does not say it all.
    """

    what: str
    on: str
    bound: str
    measured: str
    holds: bool
    strength: Strength = "checked"
    process: str = ""
    theorem: str = ""
    cause: str = ""

    @property
    def verdict(self) -> str:
        return self.strength if self.holds else "FAILED"

    @property
    def failed(self) -> bool:
        """Whether something was found wrong, rather than left out."""
        return not self.holds and self.strength != "skipped"


def span(values: Iterable[int]) -> str:
    """`5`, or `5..9` for several values."""
    ordered = sorted(set(values))
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]}..{ordered[-1]}"


def runs_of(given: Sequence[dict[str, int]]) -> str:
    """`15 runs, n 1..6`: how many inputs, and of which parameters."""
    names = given[0] if given else {}
    ranges = [f"{name} {span([params[name] for params in given])}" for name in names]
    return ", ".join([f"{len(given)} run{'s' if len(given) != 1 else ''}", *ranges])
