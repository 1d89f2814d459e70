"""What a check found: one row of the table that `lockstep verify` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: How much a row says: it was run, it follows from arithmetic on the weights, or it was left out and says nothing.
Strength = Literal["checked", "certified", "skipped"]


@dataclass(frozen=True)
class Check:
    """One thing held against one bound.

    what: what is checked; on: on which runs; bound, measured: as text; holds: the verdict.
    """

    what: str
    on: str
    bound: str
    measured: str
    holds: bool
    strength: Strength = "checked"

    @property
    def verdict(self) -> str:
        return self.strength if self.holds else "FAILED"
