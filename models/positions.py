"""Position encodings, stored by column. Most columns are 0 everywhere, and most others hold bits.

Dense rows of half a million positions would take gigabytes. Here a position takes one byte for each column in
use, and dense rows are made on demand.
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
#: Columns of integers from 0 to this number are stored as bytes.
MOST_SMALL = 255


@dataclass(frozen=True)
class Positions:
    """PE[i] for i = 0 .. N_max - 1. Columns that are in neither part are 0.

    width: d_model. small: uint8 [N_max, a], the columns `small_columns` [a]. large: float64 [N_max, b], the columns
    `large_columns` [b].
    """

    width: int
    small_columns: NDArray[np.int64]
    small: NDArray[np.uint8]
    large_columns: NDArray[np.int64]
    large: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.small)

    @staticmethod
    def of(rows: NDArray[np.floating[Any]] | Positions) -> Positions:
        """Return the encoding of dense rows [N_max, d]. Positions are returned unchanged."""
        if isinstance(rows, Positions):
            return rows
        dense = rows.astype(np.float64)
        least, most = dense.min(axis=0, initial=0), dense.max(axis=0, initial=0)
        small = (least >= 0) & (most <= MOST_SMALL) & (dense == np.rint(dense)).all(axis=0)
        used = (least != 0) | (most != 0)
        a, b = np.flatnonzero(small & used), np.flatnonzero(~small & used)
        return Positions(dense.shape[1], a, dense[:, a].astype(np.uint8), b, dense[:, b].copy())

    @staticmethod
    def concatenated(parts: Sequence[Positions]) -> Positions:
        """Concatenate the encodings of several sequences."""
        if len(parts) == 1:
            return parts[0]
        wide = np.unique(np.concatenate([p.large_columns for p in parts]))
        narrow = np.setdiff1d(np.concatenate([p.small_columns for p in parts]), wide)
        length, at = sum(map(len, parts)), 0
        stack = Positions(parts[0].width, narrow, np.zeros((length, len(narrow)), np.uint8), wide, np.zeros((length, len(wide))))
        for part in parts:
            rows = slice(at, at := at + len(part))
            small = np.isin(part.small_columns, narrow)
            stack.small[rows, np.searchsorted(narrow, part.small_columns[small])] = part.small[:, small]
            stack.large[rows, np.searchsorted(wide, part.small_columns[~small])] = part.small[:, ~small]
            stack.large[rows, np.searchsorted(wide, part.large_columns)] = part.large
        return stack

    def rows(self, which: slice | NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[np.floating[Any]]:
        """Return dense rows [n, d] of some positions."""
        small = self.small[which]
        dense = np.zeros((len(small), self.width), dtype)
        dense[:, self.small_columns] = small
        dense[:, self.large_columns] = self.large[which]
        return dense

    def dense(self) -> NDArray[np.int64]:
        """Return all rows, int64 [N_max, d]. The encoding must hold integers."""
        dense = np.zeros((len(self), self.width), np.int64)
        dense[:, self.small_columns] = self.small
        dense[:, self.large_columns] = self.large
        return dense

    @cached_property
    def are_integers(self) -> bool:
        """Whether all values are integers."""
        return bool((self.large == np.rint(self.large)).all())

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the largest value of each column, [d] each."""
        return self._extremes

    @cached_property
    def _extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        least, most = np.zeros(self.width), np.zeros(self.width)
        for columns, part in ((self.small_columns, self.small), (self.large_columns, self.large)):
            if part.size:
                least[columns], most[columns] = _over_rows(np.minimum, part), _over_rows(np.maximum, part)
        least.flags.writeable = most.flags.writeable = False
        return least, most


def _over_rows(reduce: np.ufunc, part: NDArray[np.generic]) -> NDArray[np.generic]:
    """The least or largest of each column of [n, a], n >= 1."""
    whole = len(part) // SIDE_BY_SIDE * SIDE_BY_SIDE
    found = [part[whole:]]
    if whole:
        blocks = np.ascontiguousarray(part[:whole]).reshape(-1, SIDE_BY_SIDE * part.shape[1])
        found.append(reduce.reduce(blocks, axis=0).reshape(SIDE_BY_SIDE, part.shape[1]))
    return np.asarray(reduce.reduce(np.concatenate(found), axis=0))
