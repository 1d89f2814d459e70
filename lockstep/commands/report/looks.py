"""How reports show each construction, in texts, plots and on the page."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.compiler.names import MDM, ONE_STEP, TWO_STEP


@dataclass(frozen=True)
class Look:
    """title: in texts. light, dark: its colour on such a page. mark: Matplotlib's name of the mark in plots; glyph: like it, in texts."""

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
    """Its name as a class and a variable of the style sheet."""
    return construction.replace(" ", "-")
