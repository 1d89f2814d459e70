"""Sudoku: a model that fills in a board of n^2 x n^2 cells, and says whether there is no solution or more than one.

The start is BOS and the cells alone. The model grows its workspace, searches, and shrinks to the cells again. What is left says how
it ended: digits in all cells are a solution; NONE stands in the empty cells of a board without one; and behind a board with several
solutions stands another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.models.positions import Positions
from lockstep.models.transformer import Tokens
from lockstep.tasks.kit import BOS, Task
from lockstep.tasks.pictures import Picture, Region, Sign
from lockstep.tasks.sudoku_circuit import DIGIT, KEPT, NONE, TRIED, circuit_of
from lockstep.tasks.sudoku_rows import KEPT_ROW, PAIR, TRIED_ROW, Board

#: A board as numbers, row by row: 1 .. m, and 0 for an empty cell.
Grid = tuple[int, ...]


#: What a sequence says of a board: SOLVED where the model stops at the first solution, ONE and SEVERAL where it searches on.
SOLVED, ONE, SEVERAL, NO_SOLUTION, UNFINISHED = "solved", "one solution", "several solutions", "no solution", "not finished"


@dataclass(frozen=True)
class Ending:
    """What a sequence says. verdict: one of those above. board: a solution, if there is one. other: a second one."""

    verdict: str
    board: Grid
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
        q, board = self.board.cells, self.cells(tokens)
        kinds = {self.circuit.vocabulary.split(int(token))[0] for token in tokens[1 : 1 + q]}
        if kinds <= {DIGIT, NONE} and len(tokens) == 1 + q:
            return Ending(NO_SOLUTION if NONE in kinds else ONE if self.board.searches_on else SOLVED, board)
        first = self.digits(tokens[1 + q :])
        if kinds == {DIGIT} and len(first) == q and 0 not in first:
            return Ending(SEVERAL, first, board)
        return Ending(UNFINISHED, board)

    def cells(self, tokens: Sequence[int] | Tokens) -> Grid:
        """The digits on the board; 0 in a cell without one."""
        return self.digits(tokens[1 : 1 + self.board.cells])

    def guesses(self, tokens: Sequence[int] | Tokens) -> set[int]:
        """The cells that hold a guess."""
        split = (self.circuit.vocabulary.split(int(token)) for token in tokens[1 : 1 + self.board.cells])
        bit = self.circuit.vocabulary.bits(DIGIT) - 1
        return {cell for cell, (kind, value) in enumerate(split) if kind == DIGIT and value >> bit}

    def keeps_first(self, tokens: Sequence[int] | Tokens) -> bool:
        """Whether a first solution is kept, while the model looks for a second one."""
        return self.board.searches_on and any(self.circuit.vocabulary.split(int(token))[0] == KEPT for token in tokens)

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


def picture_of(board: Board) -> Picture:
    """How a sequence is shown: digits from 1, and boards as squares."""
    bits, size = board.digit_bits, board.digits
    signs = {DIGIT: Sign("", bits, 1), TRIED: Sign("x", bits, 1), KEPT: Sign("", bits, 1), NONE: Sign("-")}
    names = {KEPT_ROW: "first solution", TRIED_ROW: "tried", PAIR: "pairs"}
    regions = [
        Region("BOS", 1),
        *(Region(names.get(role, role), rows.stop - rows.start, size) for role, rows in board.rows.items()),
    ]
    return Picture(signs, tuple(regions))
