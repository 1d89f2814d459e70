"""Position encodings, field by field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.circuit import Circuit, Field


class Rows:
    """Fills a matrix of positions field by field."""

    def __init__(self, circuit: Circuit, length: int) -> None:
        self.fields: dict[str, Field] = circuit.fields
        self.offsets = circuit.offsets()
        self.matrix = np.zeros((length, circuit.width), np.int64)

    def set(self, name: str, rows: slice, values: NDArray[np.int64] | NDArray[np.bool_] | int) -> None:
        self.matrix[rows, self.offsets[name]] = values

    def spell(self, name: str, rows: slice, values: NDArray[np.int64]) -> None:
        start = self.offsets[name]
        for j in range(self.fields[name].width):
            self.matrix[rows, start + j] = values >> j & 1
