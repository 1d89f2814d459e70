"""Checks of the model of Sudoku, each on a fresh circuit: boards, verdicts and decoding steps against its rules in plain Python."""

from __future__ import annotations

from collections.abc import Sequence

from kit.sudokus import Cells, cells_of, examples
from test_sudoku import check, small_boards, test_the_oracle_counts

from lockstep.compiler.invariants import CircuitError
from lockstep.models.editing import OutOfPositions
from lockstep.tasks.sudoku import sudoku
from mutation.table import Check

#: Guesses, steps back, marks on several levels, and cells with three digits left: from the examples, the quickest ones with all of it.
HARD = (1, 2, 21)
#: The 4x4 boards without a solution whose last cells are singles of one digit, in one row.
CLASHES = ("12.....3........", "12....3...4.....")


def _hold(side: int, searches_on: bool, boards: Sequence[Cells]) -> None:
    task = sudoku(side, searches_on)
    model = task.model()
    for cells in boards:
        check(task, model, cells)


def small() -> None:
    _hold(2, True, [*small_boards(40, 3), *map(cells_of, CLASHES), (0,) * 16])


def hard() -> None:
    _hold(3, True, [examples("sudoku_hard")[number] for number in HARD])


def first() -> None:
    _hold(3, False, [examples("sudoku_hard")[number] for number in HARD])


OWN = (CircuitError, OutOfPositions)
CHECKS = (
    Check(
        "sudoku 4x4", "boards of 4x4 cells: verdict, boards and decoding steps are those of the rules in plain Python", small, OWN
    ),
    Check("sudoku 9x9", "hard Sudokus: the same", hard, OWN),
    Check("sudoku 9x9, first solution", "hard Sudokus, up to the first solution: the same", first, OWN),
    Check("exact cover", "the oracle counts the full boards of 4x4 cells", test_the_oracle_counts),
)
