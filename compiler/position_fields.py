"""Fills position encodings field by field."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import Circuit, Field
from lockstep.models.positions import MOST_COUNTED, Positions


class PositionFields:
    """Fills the columns of positions field by field. Asserts that values stay within the range of the field."""

    def __init__(self, circuit: Circuit, length: int) -> None:
        self.fields: dict[str, Field] = {name: circuit.fields[name] for name in circuit.fields if name in circuit.positions}
        offsets, places = circuit.offsets(), {}
        columns: tuple[list[int], list[int]] = ([], [])
        for name, field in self.fields.items():
            counts = max(field.highs) > 1
            places[name] = (counts, len(columns[counts]))
            columns[counts].extend(range(offsets[name], offsets[name] + field.width))
        self.places: dict[str, tuple[bool, int]] = places
        bits, numbers = (np.array(c, np.int64) for c in columns)
        assert all(max(field.highs) <= MOST_COUNTED for field in self.fields.values())
        self.positions = Positions(
            circuit.width, bits, np.zeros((length, -(-len(bits) // 8)), np.uint8),
            numbers, np.zeros((length, len(numbers)), np.uint32),
        )  # fmt: skip

    def set(self, name: str, rows: slice, values: NDArray[np.int64] | NDArray[np.bool_] | int) -> None:
        """Write values into the only column of a field."""
        assert np.min(values, initial=0) >= 0 and np.max(values, initial=0) <= max(self.fields[name].highs), name
        counts, place = self.places[name]
        if counts:
            self.positions.numbers[rows, place] = values
        else:
            self._write(rows, place, 1, np.asarray(values))

    def set_bits(self, name: str, rows: slice, values: NDArray[np.int64]) -> None:
        """Write the bits of values into the columns of a field."""
        counts, start = self.places[name]
        assert not counts, f"{name} does not hold bits"
        self._write(rows, start, self.fields[name].width, values)

    def _write(self, rows: slice, start: int, width: int, values: NDArray[Any]) -> None:
        """Write the low bits of values into columns of bits, byte by byte: most fields share a byte with others."""
        for octet in range(start // 8, -(-(start + width) // 8)):
            first, end = max(start, 8 * octet), min(start + width, 8 * octet + 8)
            mask, shift = (1 << end - first) - 1, first - 8 * octet
            written = (values >> (first - start) & mask).astype(np.uint8) << np.uint8(shift)
            column = self.positions.bits[rows, octet]
            self.positions.bits[rows, octet] = column & np.uint8(0xFF ^ mask << shift) | written
