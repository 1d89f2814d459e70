"""The rows of a Sudoku: which position holds what, and the encodings of positions.

| rows   | number | what they hold                                                                          |
|--------|--------|-----------------------------------------------------------------------------------------|
| BOS    | 1      | the sink of every head                                                                  |
| cell   | q      | DIGIT, or a mask where the cell is empty; NONE if there is no solution                  |
| kept   | q      | KEPT: the first solution, while the model looks for a second one                        |
| tried  | q      | TRIED: digits up to this one have failed in the cell                                    |
| pair   | q m    | masks: each stands for a cell and a digit that it may take                              |

A board of side n has m = n^2 digits and q = m^2 cells. The sequence starts and ends as BOS and the cells; the rest is workspace,
but for the kept rows of a board with several solutions, which stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import Circuit
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions

CELL, KEPT_ROW, TRIED_ROW, PAIR = "cell", "kept", "tried", "pair"
#: The groups of cells in which each digit stands once.
GROUPS = ("row", "column", "box")

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Board:
    """A board whose boxes have n x n cells. searches_on: the model goes on behind a first solution, so there are kept rows."""

    side: int
    searches_on: bool

    @property
    def digits(self) -> int:
        """m."""
        return self.side**2

    @property
    def cells(self) -> int:
        """q."""
        return self.digits**2

    @property
    def digit_bits(self) -> int:
        """Bits of a digit, counted from 0."""
        return (self.digits - 1).bit_length()

    @property
    def cell_bits(self) -> int:
        return (self.cells - 1).bit_length()

    @property
    def level_bits(self) -> int:
        """Bits of a level: how many guesses stand on the board, at most one for each cell."""
        return self.cells.bit_length()

    @cached_property
    def rows(self) -> Mapping[str, slice]:
        """The positions of each role, when the sequence is complete."""
        q, found, start = self.cells, {}, 1
        for role, number in ((CELL, q), (KEPT_ROW, q * self.searches_on), (TRIED_ROW, q), (PAIR, q * self.digits)):
            found[role] = slice(start, start + number)
            start += number
        return {role: rows for role, rows in found.items() if rows.stop > rows.start}

    @property
    def length(self) -> int:
        """N, the length of the complete sequence."""
        return 1 + self.cells * (2 + self.searches_on + self.digits)

    def group_of(self, cells: Integers) -> dict[str, Integers]:
        """The row, the column and the box of cells, by name of the group."""
        row, column = np.divmod(cells, self.digits)
        return {"row": row, "column": column, "box": row // self.side * self.side + column // self.side}

    def positions(self, circuit: Circuit) -> Positions:
        """Return the encodings of positions 0 .. N - 1."""
        fields, n = PositionFields(circuit, self.length), self.length
        fields.set("one", slice(None), 1)
        fields.set("rank", slice(None), np.arange(n))
        fields.set("grows", slice(self.cells, None), 1)
        cells, pairs = np.arange(self.cells), np.arange(self.cells * self.digits)
        for role, rows in self.rows.items():
            here = pairs // self.digits if role == PAIR else cells
            fields.set(role, rows, 1)
            fields.set_bits("place", rows, here)
            fields.set("place from the end", rows, (1 << self.cell_bits) - 1 - here)
            for name, number in self.group_of(here).items():
                fields.set_bits(name, rows, number)
        digit = pairs % self.digits
        fields.set_bits("digit", self.rows[PAIR], digit)
        fields.set("digit from the end", self.rows[PAIR], (1 << self.digit_bits) - 1 - digit)
        return fields.positions
