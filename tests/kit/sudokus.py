"""Sudokus for tests: the examples, and puzzles drawn by a seed.

To write puzzles to a file, one in each line:

    PYTHONPATH=tests python -m kit.sudokus --side 3 --number 300 --seed 1 > drawn.txt
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from lockstep.proofs_check.exact_cover import Undecided, solutions

EXAMPLES = Path(__file__).parents[2] / "examples" / "tasks"
LETTERS = ".123456789ABCDEFG"
#: Choices of the oracle for one question of the generator.
CHOICES = 5_000

Cells = tuple[int, ...]


def cells_of(text: str) -> Cells:
    """A puzzle from a line of a file."""
    return tuple(LETTERS.index(letter.replace("0", ".")) for letter in text)


def examples(name: str) -> list[Cells]:
    """The puzzles of an example."""
    lines = (EXAMPLES / f"{name}.txt").read_text().splitlines()
    return [cells_of(line) for line in lines if line and not line.startswith("#")]


def drawn_board(side: int, rng: random.Random) -> Cells:
    """A full board: random boxes on the diagonal, which exclude nothing of each other, and the oracle fills in the rest."""
    size = side * side
    while True:
        cells = [0] * size**2
        for box in range(side):
            digits = rng.sample(range(1, size + 1), size)
            for i, digit in enumerate(digits):
                cells[(box * side + i // side) * size + box * side + i % side] = digit
        try:
            for board in solutions(cells, side, most=1, choices=CHOICES):
                return board
        except Undecided:
            pass


def drawn_puzzle(side: int, rng: random.Random, most: int | None = None) -> Cells:
    """A puzzle with one solution: holes are dug at random while it has no other one, at most so many.

    A hole after which the oracle does not decide is not dug.
    """
    cells = list(drawn_board(side, rng))
    for cell in rng.sample(range(len(cells)), len(cells)):
        if most is not None and cells.count(0) == most:
            break
        digit, cells[cell] = cells[cell], 0
        try:
            if len(solutions(cells, side, choices=CHOICES)) == 1:
                continue
        except Undecided:
            pass
        cells[cell] = digit
    return tuple(cells)


def with_wrong_clue(puzzle: Cells, side: int, rng: random.Random) -> Cells:
    """The puzzle with one more clue that differs from its solution, but stands in no group that has it already."""
    (solution,) = solutions(puzzle, side)
    size = side * side
    while True:
        cell, digit = rng.randrange(size**2), rng.randrange(1, size + 1)
        wrong = (*puzzle[:cell], digit, *puzzle[cell + 1 :])
        if not puzzle[cell] and digit != solution[cell] and not repeats(wrong, side):
            return wrong


def repeats(cells: Cells, side: int) -> bool:
    """Whether a digit stands in a row, column or box twice."""
    size = side * side
    rows = [cells[i * size : (i + 1) * size] for i in range(size)]
    boxes = [
        tuple(rows[i][j] for i in range(a, a + side) for j in range(b, b + side))
        for a in range(0, size, side)
        for b in range(0, size, side)
    ]
    groups = ([digit for digit in group if digit] for group in (*rows, *zip(*rows), *boxes))
    return any(len(group) != len(set(group)) for group in groups)


def main() -> None:
    options = argparse.ArgumentParser()
    for name, default in (("side", 3), ("number", 100), ("seed", 1), ("holes", 0)):
        options.add_argument(f"--{name}", type=int, default=default)
    given = options.parse_args()
    rng = random.Random(given.seed)
    for _ in range(given.number):
        puzzle = drawn_puzzle(given.side, rng, given.holes or None)
        print("".join(LETTERS[digit] for digit in puzzle), flush=True)


if __name__ == "__main__":
    main()
