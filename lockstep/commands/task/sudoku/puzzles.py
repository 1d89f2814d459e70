"""Puzzles as users write them: one in a line, row by row, and `.` or `0` for an empty cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lockstep.pram.errors import Diagnostic, PramError, Source, Span
from lockstep.pram.texts import read_text

#: The side of a box, by the number of cells.
SIDES = {side**4: side for side in (2, 3, 4)}
#: What digits are written as, from 1.
LETTERS = "123456789ABCDEFG"
EMPTY = ".0"
#: Puzzles that come with Lockstep.
EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "tasks"


@dataclass(frozen=True)
class Puzzle:
    """A board, row by row: digits from 1, and 0 for an empty cell. line: its line in the file."""

    cells: tuple[int, ...]
    line: int = 1

    @property
    def side(self) -> int:
        """Of a box."""
        return SIDES[len(self.cells)]

    @property
    def clues(self) -> int:
        return sum(digit > 0 for digit in self.cells)


def read_puzzles(given: str) -> tuple[Puzzle, ...]:
    """Read the puzzles of a file, of an example by its name, or the one that is the argument itself: a file that is called as a
    puzzle is written is `./FILE`.

    Raises: PramError: there is no such file, a line is no puzzle, or two equal digits of it stand in one row, column or box.
    """
    path, example, letters = Path(given), EXAMPLES / f"{given}.txt", set(given.upper())
    if len(given) in SIDES and letters <= {*LETTERS, *EMPTY}:  # it may be too long for a file's name
        return _read(Source("PUZZLE", given))
    if letters <= {*"0123456789."} and not path.exists():
        return _read(Source("PUZZLE", given))
    path = path if path.exists() or path.parent != Path() or not example.exists() else example
    found = _read(Source(str(path), read_text(path)))
    if not found:
        raise PramError(Diagnostic("there is no puzzle in this file", Source(str(path), "")))
    return found


def _read(source: Source) -> tuple[Puzzle, ...]:
    found, wrong = [], []
    for number, line in enumerate(source.text.split("\n"), 1):
        text = line.partition("#")[0].rstrip()
        if not text:
            continue
        problem = next(_problems(text), None)
        if problem is None:
            found.append(Puzzle(_cells(text), number))
        else:
            column, message = problem
            wrong.append(Diagnostic(message, source, Span(number, column)))
    if wrong:
        raise PramError(wrong)
    return tuple(found)


def _cells(text: str) -> tuple[int, ...]:
    return tuple(0 if letter in EMPTY else LETTERS.index(letter.upper()) + 1 for letter in text)


def _problems(text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with a line, and the column where it is."""
    if len(text) not in SIDES:
        yield 1, f"a puzzle has 16, 81 or 256 cells, and this line has {len(text)} characters"
        return
    size = SIDES[len(text)] ** 2
    allowed = LETTERS[:size] + EMPTY
    for cell, letter in enumerate(text):
        if letter.upper() not in allowed:
            last = LETTERS[size - 1]
            yield cell + 1, f"{letter!r} in {_name(cell, size)} is no digit from 1 to {last}; an empty cell is `.` or `0`"
            return
    yield from _repeated(_cells(text), SIDES[len(text)])


def _repeated(cells: tuple[int, ...], side: int) -> Iterator[tuple[int, str]]:
    """Digits that stand in a group a second time."""
    size = side * side
    seen: dict[tuple[str, int, int], int] = {}
    for cell, digit in enumerate(cells):
        row, column = divmod(cell, size)
        for group, number in (("row", row), ("column", column), ("box", row // side * side + column // side)):
            if digit and (earlier := seen.setdefault((group, number, digit), cell)) != cell:
                yield (
                    cell + 1,
                    f"{LETTERS[digit - 1]} stands twice in one {group}: in {_name(earlier, size)}, and in {_name(cell, size)}",
                )


def _name(cell: int, size: int) -> str:
    row, column = divmod(cell, size)
    return f"row {row + 1}, column {column + 1}"
