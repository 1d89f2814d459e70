"""Position encodings, stored by column. Most columns are 0 everywhere, and most others hold a bit.

Dense rows of half a million positions would take gigabytes. Here a position takes a bit for each column that holds nothing but
0 and 1, and four or eight bytes for each other column in use. Dense rows are made on demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Rows that are reduced side by side: NumPy is many times faster on long rows.
SIDE_BY_SIDE = 64
#: Integers from 0 to this number may be stored in four bytes.
MOST_COUNTED = (1 << 32) - 1

Octets = NDArray[np.uint8]
Numbers = NDArray[np.uint32] | NDArray[np.float64]


@dataclass(frozen=True)
class Positions:
    """PE[i] for i = 0 .. N_max - 1. Columns that are in neither part are 0.

    width: d_model. bits: uint8 [N_max, a / 8, rounded up], the columns `bit_columns` [a]: that of number j is bit j % 8 of byte
    j / 8. numbers: uint32 or float64 [N_max, b], the columns `number_columns` [b].
    """

    width: int
    bit_columns: NDArray[np.int64]
    bits: Octets
    number_columns: NDArray[np.int64]
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.bits)

    @staticmethod
    def of(rows: NDArray[np.floating[Any]] | Positions) -> Positions:
        """Return the encoding of dense rows [N_max, d]. Positions are returned unchanged."""
        if isinstance(rows, Positions):
            return rows
        dense = rows.astype(np.float64)
        bits, used = ((dense == 0) | (dense == 1)).all(axis=0), (dense != 0).any(axis=0)
        a, b = np.flatnonzero(bits & used), np.flatnonzero(~bits)
        return Positions(dense.shape[1], a, packed(dense[:, a]), b, dense[:, b].copy())

    @staticmethod
    def concatenated(parts: Sequence[Positions]) -> Positions:
        """Concatenate the encodings of several sequences."""
        if len(parts) == 1:
            return parts[0]
        b = np.unique(np.concatenate([p.number_columns for p in parts]))
        a = np.setdiff1d(np.concatenate([p.bit_columns for p in parts]), b)
        length, at = sum(map(len, parts)), 0
        bits, numbers = np.zeros((length, len(a)), np.uint8), np.zeros((length, len(b)))
        for part in parts:
            rows = slice(at, at := at + len(part))
            alone, found = np.isin(part.bit_columns, a), part.unpacked(slice(None))
            bits[rows, np.searchsorted(a, part.bit_columns[alone])] = found[:, alone]
            numbers[rows, np.searchsorted(b, part.bit_columns[~alone])] = found[:, ~alone]
            numbers[rows, np.searchsorted(b, part.number_columns)] = part.numbers
        return Positions(parts[0].width, a, packed(bits), b, numbers)

    def unpacked(self, which: slice | NDArray[np.int64]) -> Octets:
        """Return the columns of bits of some positions, [n, a], a byte each."""
        return np.unpackbits(self.bits[which], axis=1, count=len(self.bit_columns), bitorder="little")

    def rows(self, which: slice | NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return dense rows [n, d] of some positions."""
        bits = self.unpacked(which)
        dense = np.zeros((len(bits), self.width), dtype)
        dense[:, self.bit_columns] = bits
        dense[:, self.number_columns] = self.numbers[which]
        return dense

    def dense(self) -> NDArray[np.int64]:
        """Return all rows, int64 [N_max, d]. The encoding must hold integers."""
        return self.rows(slice(None), np.dtype(np.int64))

    @cached_property
    def are_integers(self) -> bool:
        """Whether all values are integers."""
        return self.numbers.dtype.kind == "u" or bool((self.numbers == np.rint(self.numbers)).all())

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the largest value of each column, [d] each."""
        return self._extremes

    @cached_property
    def _extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        least, most = np.zeros(self.width), np.zeros(self.width)
        for found, of_bits, of_numbers in ((least, np.bitwise_and, np.minimum), (most, np.bitwise_or, np.maximum)):
            if len(self):
                octets = _over_rows(of_bits, self.bits)
                found[self.bit_columns] = np.unpackbits(octets, count=len(self.bit_columns), bitorder="little")
                found[self.number_columns] = _over_rows(of_numbers, self.numbers)
            found.flags.writeable = False
        return least, most


def packed(bits: NDArray[Any]) -> Octets:
    """Pack columns of bits, [n, a], as `Positions.bits`."""
    return np.packbits(bits != 0, axis=1, bitorder="little")


def _over_rows(reduce: np.ufunc, part: NDArray[Any]) -> NDArray[Any]:
    """What a function makes of each column of [n, a], n >= 1."""
    whole = len(part) // SIDE_BY_SIDE * SIDE_BY_SIDE
    found = [part[whole:]]
    if whole and part.shape[1]:
        blocks = np.ascontiguousarray(part[:whole]).reshape(-1, SIDE_BY_SIDE * part.shape[1])
        found.append(reduce.reduce(blocks, axis=0).reshape(SIDE_BY_SIDE, part.shape[1]))
    return np.asarray(reduce.reduce(np.concatenate(found), axis=0)) if part.shape[1] else part[0]
