"""Columns of integers, packed as docs/trace.md says."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
#: The bytes that an integer may take.
WIDTHS = (1, 2, 4)


class Columns:
    """Collects columns. `index` says where each is, and how it is written."""

    def __init__(self) -> None:
        self.index: dict[str, tuple[int, int, int, bool]] = {}
        self.parts: list[bytes] = []
        self._end = 0

    def add(self, name: str, values: Integers | Sequence[Any]) -> None:
        """Add a column: as it is, or as differences, whichever is shorter when it is compressed."""
        flat = np.ravel(np.asarray(values, np.int64))
        ways = [(delta, *_planes(each)) for delta, each in ((False, flat), (True, np.diff(flat, prepend=0))) if _fits(each)]
        if not ways:
            raise ValueError(f"column {name} holds integers of more than {8 * WIDTHS[-1]} bits")
        delta, width, data = min(ways, key=lambda way: len(zlib.compress(way[2], 6)))
        self.index[name] = self._end, len(flat), width, delta
        self.parts.append(data)
        self._end += len(data)

    def packed(self) -> bytes:
        """All columns, compressed."""
        return zlib.compress(b"".join(self.parts), 9)


def _width(values: Integers) -> int | None:
    """The bytes that each of these integers needs, with its sign; None if there is no such width."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    return next((w for w in WIDTHS if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1), None)


def _fits(values: Integers) -> bool:
    return _width(values) is not None


def _planes(values: Integers) -> tuple[int, bytes]:
    """The width, and the bytes: the lowest of all integers first."""
    width = _width(values)
    assert width is not None
    return width, values.astype(f"<i{width}").view(np.uint8).reshape(-1, width).T.tobytes()
