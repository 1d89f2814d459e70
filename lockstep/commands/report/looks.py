"""Names, colours and marks of each construction in reports."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

from lockstep.compiler.names import PARTS, Parts


@dataclass(frozen=True)
class Look:
    """How one construction looks. light, dark: its colour on a light and on a dark page. mark: its mark in plots, by Matplotlib's name.

    glyph: a character like the mark, for texts.
    """

    title: str
    light: str
    dark: str
    mark: str
    glyph: str


#: Taken in turn by the constructions, so that a new one needs no entry here.
PALETTE = (
    ("#1f6fb5", "#6cb2f2", "o", "●"),
    ("#c4570c", "#f2994a", "s", "■"),
    ("#6f42a8", "#bf9bf0", "^", "▲"),
    ("#2e7d32", "#81c784", "D", "◆"),
    ("#ad1457", "#f48fb1", "v", "▼"),
    ("#00697a", "#4dd0e1", "P", "✚"),
)


def _title(parts: Parts) -> str:
    """The process in capitals, and its schedule."""
    return parts.process.upper() + (f", {parts.schedule}" if parts.schedule else "")


LOOKS = {name: Look(_title(parts), *look) for (name, parts), look in zip(PARTS.items(), cycle(PALETTE))}


def token(construction: str) -> str:
    """The construction's name as a class and a variable of the style sheet."""
    return construction.replace(" ", "-")
