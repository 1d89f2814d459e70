"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Is called now and then with what is done and what there is to do.
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Nobody wants to know."""
