"""How long-running work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

#: Called from time to time with the amount done and the total.
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Report nothing."""
