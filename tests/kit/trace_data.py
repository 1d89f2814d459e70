"""What a trace of the tests is: packed columns, and the states that a reader must find in them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Columns:
    """Packs columns of integers: raw or as differences, in the narrowest width, byte plane after byte plane."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.index: dict[str, tuple[int, int, int, bool]] = {}
        self.size = 0

    def add(self, name: str, values: Any) -> None:
        raw = np.ravel(np.asarray(values, np.int64))
        ways = [(is_delta, *_planes(v)) for is_delta, v in ((False, raw), (True, np.diff(raw, prepend=0)))]
        is_delta, width, data = min(ways, key=lambda way: len(zlib.compress(way[2])))
        self.index[name] = (self.size, len(raw), width, is_delta)
        self.parts.append(data)
        self.size += len(data)

    def packed(self) -> str:
        return base64.b64encode(zlib.compress(b"".join(self.parts), 9)).decode()


def _planes(values: Integers) -> tuple[int, bytes]:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    width = next(w for w in (1, 2, 4) if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1)
    return width, values.astype(f"<i{width}").view(np.uint8).reshape(-1, width).T.tobytes()


@dataclass(frozen=True)
class Wanted:
    """A decode to trace. broken: changes the weights of the compiled model."""

    construction: str
    order: str = "parallel"
    every: int | None = None
    heads: bool = True
    broken: Callable[[Any], None] | None = None


@dataclass
class Traced:
    """A trace, and the states that a reader must find in it.

    memory, registers: after each step of the machine, from 0. sequences: of each process, after each decoding step, from 0.
    accesses: (step, processor, whether it writes, value, cell), of the steps that were carried out. counters: before each step.
    """

    header: dict[str, Any]
    columns: Columns
    memory: list[list[int]] = field(default_factory=list)
    registers: list[list[int]] = field(default_factory=list)
    sequences: list[list[list[int]]] = field(default_factory=list)
    accesses: list[tuple[int, int, bool, int, int]] = field(default_factory=list)
    counters: list[list[int]] = field(default_factory=list)

    @property
    def packed(self) -> str:
        """The columns, compressed, in base64."""
        return self.columns.packed()
