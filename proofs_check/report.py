"""The result of one check: a row of the table that `lockstep verify` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

#: How strong a row is: compared on runs; implied by arithmetic on the weights; measured without a bound; left out.
Strength = Literal["checked", "certified", "measured", "skipped"]


@dataclass(frozen=True)
class Check:
    """One value compared with one bound.

    what: the name of the row. on: the runs that it covers. bound, measured: texts. holds: the verdict. process: the
    construction, theorem: the name in `lockstep.proofs_check.theorems`; "" if there is none. cause: the kind of a failure,
    if `what` alone does not determine it.
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
        """Whether something is wrong, rather than left out."""
        return not self.holds and self.strength != "skipped"


def span(values: Iterable[int]) -> str:
    """`5`, or `5..9` for several values."""
    ordered = sorted(set(values))
    return str(ordered[0]) if len(ordered) == 1 else f"{ordered[0]}..{ordered[-1]}"


def short(value: int, digits: int = 2) -> str:
    """`123,456`, or `1.2e9` for a larger number: rounded to so many digits."""
    if value < 1_000_000:
        return f"{value:,}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def short_span(values: Iterable[int]) -> str:
    """As `span`, with large numbers rounded to one digit."""
    ordered = sorted(values)
    return "..".join(dict.fromkeys((short(ordered[0], 1), short(ordered[-1], 1))))


def runs_of(given: Sequence[dict[str, int]]) -> str:
    """`15 runs, n 1..6`: the number of inputs and the ranges of their parameters."""
    names = given[0] if given else {}
    ranges = [f"{name} {span([params[name] for params in given])}" for name in names]
    return ", ".join([f"{len(given)} run{'s' if len(given) != 1 else ''}", *ranges])
