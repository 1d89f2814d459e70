"""Sudoku: a model that fills in a board of n^2 x n^2 cells, and says whether there is no solution or more than one.

The start is BOS and the cells alone. The model grows its workspace, searches, and shrinks to the cells again. What is left says how
it ended: digits in all cells are a solution; NONE stands in the empty cells of a board without one; and behind a board with several
solutions stands another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.circuit import Circuit
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, Task
from lockstep.tasks.sudoku_circuit import DIGIT, KEPT, NONE, circuit_of
from lockstep.tasks.sudoku_rows import CELL, KEPT_ROW, Board

#: A board as numbers, row by row: 1 .. m, and 0 for an empty cell.
Grid = tuple[int, ...]


@dataclass(frozen=True)
class Ending:
    """What a sequence says of a board. cells: digits of the board, 0 where there is none. other: a second solution.

    verdict: "solved" or, where the model searches on, "one solution"; "several solutions"; "no solution"; "not finished".
    """

    verdict: str
    cells: Grid
    other: Grid | None = None


@dataclass(frozen=True)
class Sudoku(Task):
    """The circuit for one size of boards."""

    board: Board

    def positions(self, length: int) -> Positions:
        """Return the encodings of all positions, whatever the length of the start is.

        Raises: ValueError: there are not so many.
        """
        if length > self.board.length:
            raise ValueError(f"{length} positions, and a complete sequence has {self.board.length}")
        return self.board.positions(self.circuit)

    def start(self, grid: Sequence[int]) -> Tokens:
        """Return BOS and the cells: digits on level 0, and masks.

        Raises: ValueError: the grid has another number of cells, or a number that is no digit.
        """
        if len(grid) != self.board.cells or not all(0 <= digit <= self.board.digits for digit in grid):
            raise ValueError(f"a board has {self.board.cells} cells, each 0 .. {self.board.digits}")
        vocabulary = self.circuit.vocabulary
        cells = [vocabulary.token(DIGIT, digit - 1) if digit else vocabulary.mask for digit in grid]
        return np.array([vocabulary.token(BOS), *cells], np.int64)

    def ending(self, tokens: Sequence[int] | Tokens) -> Ending:
        """Return what a sequence says."""
        cells = tokens[self.board.rows[CELL]]
        grid, kinds = self.digits(cells), {self.circuit.vocabulary.split(int(token))[0] for token in cells}
        solved = "one solution" if self.board.searches_on else "solved"
        if MASK in kinds:
            return Ending("not finished", grid)
        if len(tokens) == 1 + self.board.cells:
            return Ending("no solution" if NONE in kinds else solved, grid)
        kept = tokens[self.board.rows[KEPT_ROW]] if self.board.searches_on else cells[:0]
        first = self.digits(kept)
        if kinds == {DIGIT} and len(tokens) == 1 + 2 * self.board.cells and 0 not in first:
            return Ending("several solutions", first, grid)
        return Ending("not finished", grid)

    def digits(self, tokens: Iterable[int]) -> Grid:
        """The digits of cells or kept rows; 0 for other tokens."""
        split = (self.circuit.vocabulary.split(int(token)) for token in tokens)
        return tuple((value & (1 << self.board.digit_bits) - 1) + 1 if kind in (DIGIT, KEPT) else 0 for kind, value in split)


def sudoku(side: int, searches_on: bool = True) -> Sudoku:
    """Return the circuit for boards of side^2 x side^2 cells.

    Args: searches_on: whether it looks for a second solution behind a first one.
    """
    board = Board(side, searches_on)
    return Sudoku(circuit_of(board), (board.length - 1).bit_length(), board.rows, board)
