"""Fills position encodings field by field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import Circuit, Field
from lockstep.models.positions import MOST_SMALL, Positions


class PositionFields:
    """Fills the columns of positions field by field. Asserts that values stay within the range of the field."""

    def __init__(self, circuit: Circuit, length: int) -> None:
        self.fields: dict[str, Field] = {name: circuit.fields[name] for name in circuit.fields if name in circuit.positions}
        offsets, places = circuit.offsets(), {}
        columns: tuple[list[int], list[int]] = ([], [])
        for name, field in self.fields.items():
            large = max(field.highs) > MOST_SMALL
            places[name] = (large, len(columns[large]))
            columns[large].extend(range(offsets[name], offsets[name] + field.width))
        self.places: dict[str, tuple[bool, int]] = places
        small, large_ones = (np.array(c, np.int64) for c in columns)
        self.positions = Positions(
            circuit.width, small, np.zeros((length, len(small)), np.uint8), large_ones, np.zeros((length, len(large_ones)))
        )

    def set(self, name: str, rows: slice, values: NDArray[np.int64] | NDArray[np.bool_] | int) -> None:
        """Write values into the only column of a field."""
        assert np.min(values, initial=0) >= 0 and np.max(values, initial=0) <= max(self.fields[name].highs), name
        large, place = self.places[name]
        if large:
            self.positions.large[rows, place] = values
        else:
            self.positions.small[rows, place] = values

    def set_bits(self, name: str, rows: slice, values: NDArray[np.int64]) -> None:
        """Write the bits of values into the columns of a field."""
        large, start = self.places[name]
        assert not large, f"{name} does not hold bits"
        width = self.fields[name].width
        octets = values.astype("<i8").view(np.uint8).reshape(-1, 8)[:, : -(-width // 8)]
        self.positions.small[rows, start : start + width] = np.unpackbits(octets, axis=1, count=width, bitorder="little")
