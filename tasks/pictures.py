"""How sequences of a task are shown to people: what tokens look like, and where positions stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sign:
    """How the tokens of a kind are shown: a text, and behind it the lowest bits of the value as a number, plus something."""

    text: str = ""
    bits: int = 0
    plus: int = 0

    def of(self, value: int) -> str:
        """The sign of a token with this value."""
        return self.text + (str((value & (1 << self.bits) - 1) + self.plus) if self.bits else "")


@dataclass(frozen=True)
class Region:
    """Positions that follow each other, with a name. columns: how many stand in a row; 0: as many as fit."""

    name: str
    many: int
    columns: int = 0


@dataclass(frozen=True)
class Picture:
    """signs: of each kind of token that is not shown by its name. regions: from position 0 on; what comes after them has no name."""

    signs: Mapping[str, Sign] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()

    def sign(self, kind: str, value: int) -> str:
        """The sign of a token; the name of its kind if it has none."""
        return self.signs[kind].of(value) if kind in self.signs else kind
