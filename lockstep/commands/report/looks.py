"""Names, colours and marks of each construction in reports."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.compiler.names import MDM, ONE_STEP, TWO_STEP


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


LOOKS = {
    MDM: Look("MDM", light="#1f6fb5", dark="#6cb2f2", mark="o", glyph="●"),
    TWO_STEP: Look("AP-MDM, two-step", light="#c4570c", dark="#f2994a", mark="s", glyph="■"),
    ONE_STEP: Look("AP-MDM, one-step", light="#6f42a8", dark="#bf9bf0", mark="^", glyph="▲"),
}


def token(construction: str) -> str:
    """The construction's name as a class and a variable of the style sheet."""
    return construction.replace(" ", "-")
