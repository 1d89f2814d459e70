"""What a decoding step of the model of Sudoku does, in plain Python: rounds of singles, guesses, steps back. It counts the steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Ended:
    """verdict, the boards that are left, and the decoding steps by kind: growing, searching, ending."""

    verdict: str
    boards: list[tuple[int, ...]]
    growing: int
    searching: int
    ending: int

    @property
    def steps(self) -> int:
        return self.growing + self.searching + self.ending


@dataclass
class Search:
    """A board in search.

    digits, levels: by cell, of cells with a digit. guessed: the cell of each level. marks: the cell whose guess failed last, with the
    digit; none once it is guessed again.
    """

    side: int
    digits: dict[int, int]
    levels: dict[int, int]
    marks: dict[int, int] = field(default_factory=dict)
    guessed: list[int] = field(default_factory=list)

    def groups(self, cell: int) -> list[tuple[str, int]]:
        row, column = divmod(cell, self.side**2)
        return [("row", row), ("column", column), ("box", row // self.side * self.side + column // self.side)]

    def alive(self) -> dict[int, list[int]]:
        """The digits that each empty cell may take, ascending."""
        size, taken = self.side**2, {(group, digit) for cell, digit in self.digits.items() for group in self.groups(cell)}
        return {
            cell: [
                digit
                for digit in range(1, size + 1)
                if digit > self.marks.get(cell, 0) and not any((group, digit) in taken for group in self.groups(cell))
            ]
            for cell in range(size * size)
            if cell not in self.digits
        }

    def places(self, alive: dict[int, list[int]]) -> dict[tuple[tuple[str, int], int], list[int]]:
        """The cells that each digit of each group may take, of digits that do not stand there."""
        size = self.side**2
        found: dict[tuple[tuple[str, int], int], list[int]] = {
            ((name, number), digit): []
            for name in ("row", "column", "box")
            for number in range(size)
            for digit in range(1, size + 1)
        }
        for cell, digit in self.digits.items():
            for group in self.groups(cell):
                found.pop((group, digit), None)
        for cell, digits in alive.items():
            for digit in digits:
                for group in self.groups(cell):
                    found[group, digit].append(cell)
        return found

    def singles(self, alive: dict[int, list[int]], places: dict[tuple[tuple[str, int], int], list[int]]) -> set[tuple[int, int]]:
        alone = {(cell, digits[0]) for cell, digits in alive.items() if len(digits) == 1}
        return alone | {(cells[0], digit) for (_, digit), cells in places.items() if len(cells) == 1}

    def written(self, singles: set[tuple[int, int]]) -> dict[int, int]:
        """Of singles of one digit in one group only the first is written, and of one cell the greatest."""
        first: dict[tuple[tuple[str, int], int], int] = {}
        for cell, digit in sorted(singles):
            for group in self.groups(cell):
                first.setdefault((group, digit), cell)
        early = sorted((c, d) for c, d in singles if all(first[group, d] == c for group in self.groups(c)))
        return dict(early)

    def step_back(self) -> None:
        """Take all of the last guess back, and mark its cell."""
        level, cell = len(self.guessed), self.guessed.pop()
        tried = self.digits[cell]
        for other in [c for c, at in self.levels.items() if at >= level]:
            del self.digits[other], self.levels[other]
        self.marks = {cell: tried}

    def guess(self, alive: dict[int, list[int]]) -> None:
        """Guess the least digit of a cell: the one with the mark, else the first with two digits left, else the first."""
        best = max(alive, key=lambda c: (c in self.marks, len(alive[c]) == 2, -c))
        self.guessed.append(best)
        self.marks.pop(best, None)
        self.digits[best], self.levels[best] = alive[best][0], len(self.guessed)

    def search(self) -> Iterator[str]:
        """One decoding step after the other: what it meets."""
        while True:
            alive = self.alive()
            if not alive:
                yield "solved"
                continue
            places = self.places(alive)
            if not all(alive.values()) or not all(places.values()):
                yield "wrong"
            elif singles := self.singles(alive, places):
                for cell, digit in self.written(singles).items():
                    self.digits[cell], self.levels[cell] = digit, len(self.guessed)
                yield "singles"
            else:
                self.guess(alive)
                yield "guess"


def growing(side: int, searches_on: bool) -> int:
    """The steps in which a workspace of that many rows doubles from nothing: each row inserts one, and so does the last cell."""
    rows, steps, wanted = 0, 0, side**4 * (1 + searches_on) + side**6
    while rows < wanted:
        rows, steps = min(2 * rows + 1, wanted), steps + 1
    return steps


def solve(grid: tuple[int, ...], side: int, searches_on: bool, most: int = 100_000) -> Ended:
    """Solve a board as the model does. A board that is full from the start takes no step."""
    board = {cell: digit for cell, digit in enumerate(grid) if digit}
    search, first, steps = Search(side, board, dict.fromkeys(board, 0)), None, 0
    if len(board) == len(grid):
        return Ended("one solution" if searches_on else "solved", [grid], 0, 0, 0)
    for met in search.search():
        assert steps < most, "the search takes too long"
        ending = 1 + bool(search.marks)  # masks vanish in one step, and marks are masked first
        now = tuple(search.digits.get(cell, 0) for cell in range(len(grid)))
        if met == "solved" and not searches_on:
            return Ended("solved", [now], growing(side, searches_on), steps, ending)
        if met == "solved" and first is None and not search.guessed:
            return Ended("one solution", [now], growing(side, searches_on), steps, ending)
        if met == "solved" and first is not None:
            return Ended("several solutions", [first, now], growing(side, searches_on), steps, ending)
        if met == "wrong" and not search.guessed and first is None:
            return Ended("no solution", [now], growing(side, searches_on), steps + 1, ending)  # NONE is written first
        if met == "wrong" and not search.guessed:  # the digits of the first solution come back, and then its rows vanish
            return Ended("one solution", [first], growing(side, searches_on), steps, 4)
        steps += 1
        if met == "solved":
            first = now
        if met in ("solved", "wrong"):
            search.step_back()
    raise AssertionError
