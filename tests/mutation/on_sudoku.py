"""Checks of the model of Sudoku, each on a fresh circuit: boards, verdicts and decoding steps against its rules in plain Python."""

from __future__ import annotations

from collections.abc import Sequence

from kit.sudokus import Cells, cells_of, examples
from test_sudoku import CLASHES, check, small_boards, test_a_cell_with_a_mark_is_guessed_again, test_the_oracle_counts

from lockstep.compiler.invariants import CircuitError
from lockstep.models.editing import NotCertain, OutOfPositions
from lockstep.tasks.sudoku import sudoku
from mutation.table import Check

#: Guesses, steps back, and cells with three digits left: examples, quick ones with all of it.
HARD = (2, 21)


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


OWN = (CircuitError, NotCertain, OutOfPositions)
CHECKS = (
    Check(
        "sudoku 4x4", "boards of 4x4 cells: verdict, boards and decoding steps are those of the rules in plain Python", small, OWN
    ),
    Check("sudoku 9x9", "hard Sudokus: the same", hard, OWN),
    Check("sudoku 9x9, first solution", "hard Sudokus, up to the first solution: the same", first, OWN),
    Check(
        "sudoku, built steps",
        "a step from a sequence with a mark: its cell is guessed again, though another is ahead",
        test_a_cell_with_a_mark_is_guessed_again,
        OWN,
    ),
    Check("exact cover", "the oracle counts the full boards of 4x4 cells", test_the_oracle_counts),
)
