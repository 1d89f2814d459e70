"""How sequences of a task are shown to people: what tokens look like, and where positions stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sign:
    """How the tokens of a kind are shown: a text, then a number or a name, then another sign.

    bits, shift: where the number stands in the value; without bits there is none. plus: what is added to it.
    names: in place of numbers. then: what is shown behind it, of the same value.
    """

    text: str = ""
    bits: int = 0
    plus: int = 0
    shift: int = 0
    names: tuple[str, ...] = ()
    then: Sign | None = None

    def of(self, value: int) -> str:
        """The sign of a token with this value."""
        number = (value >> self.shift & (1 << self.bits) - 1) + self.plus
        said = "" if not self.bits else self.names[number] if number < len(self.names) else str(number)
        return self.text + said + (self.then.of(value) if self.then else "")

    def record(self) -> dict[str, Any]:
        """For the header of a trace."""
        return {"text": self.text, "bits": self.bits, "plus": self.plus, "shift": self.shift, "names": list(self.names),
                "then": self.then.record() if self.then else None}  # fmt: skip


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
