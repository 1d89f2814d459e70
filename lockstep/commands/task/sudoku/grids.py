"""Boards as pictures, and what each decoding step does to one, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from lockstep.commands.task.sudoku.puzzles import LETTERS
from lockstep.common.tables import GOOD, count

if TYPE_CHECKING:
    from lockstep.models.editing import DecodingStep
    from lockstep.tasks.sudoku import Sudoku

#: An empty cell, and a step's picture of what it changed.
BLANK, STYLE = "·", f"bold {GOOD}"


def letters_of(cells: Iterable[int]) -> str:
    """A board in one line, as files have it."""
    return "".join(LETTERS[digit - 1] if digit else "." for digit in cells)


def picture(cells: Sequence[int], side: int, changed: Iterable[int] = ()) -> Text:
    """A board with its boxes; cells that changed stand out, and have a `*` before them."""
    size, found, new = side * side, Text(), set(changed)
    for cell, digit in enumerate(cells):
        row, column = divmod(cell, size)
        if not column and row:
            found.append("\n" + ("+".join(["-" * (2 * side + 1)] * side) + "\n") * (row % side == 0))
        if column and column % side == 0:
            found.append(" |")
        found.append(f"{'*' if cell in new else ' '}{LETTERS[digit - 1] if digit else BLANK}", STYLE if cell in new else "")
    return found


def side_by_side(boards: Sequence[Sequence[int]], side: int) -> Text:
    """One or two boards beside each other; the cells in which the second one differs stand out."""
    first, *rest = (
        picture(board, side, [cell for cell, digit in enumerate(board) if digit != boards[0][cell]]) for board in boards
    )
    if not rest:
        return first
    return Text("\n").join(left + Text("    ") + right for left, right in zip(first.split("\n"), rest[0].split("\n")))


class StepPictures:
    """Collects what each decoding step does, with a picture of the board where it changed."""

    def __init__(self, task: Sudoku, cells: Sequence[int]) -> None:
        self.task, self.cells, self.length, self.keeps = task, tuple(cells), 1 + len(cells), False
        self.shown: list[Text] = [picture(cells, task.board.side), Text()]
        self.records: list[dict[str, Any]] = []

    def add(self, step: DecodingStep) -> None:
        """Add a step. Steps come in their order."""
        cells = self.task.cells(step.sequence)
        changed = {cell: after for cell, (before, after) in enumerate(zip(self.cells, cells)) if before != after}
        what = self._what(step, changed)
        self.records.append({"step": step.number, "context": step.change.length, "does": what}
                            | ({"board": letters_of(cells)} if changed else {}))  # fmt: skip
        self.shown.append(Text(f"step {step.number:,}: {what}"))
        if changed:
            self.shown += [picture(cells, self.task.board.side, changed), Text()]
        self.cells, self.length, self.keeps = cells, step.change.length, self.task.keeps_first(step.sequence)

    def _what(self, step: DecodingStep, changed: Mapping[int, int]) -> str:
        """What a step does, in words. changed: the new digits of cells, 0 where a digit was masked."""
        found, length = [], step.change.length
        if length != self.length:
            verb = "grows" if length > self.length else "shrinks"
            found.append(f"the workspace {verb} to {count(length - 1 - len(self.cells), 'row')}")
        if not self.keeps and self.task.keeps_first(step.sequence):
            found.append("the first solution is kept")
        guesses = self.task.guesses(step.sequence) & changed.keys()
        filled, masked = sum(digit > 0 for digit in changed.values()), sum(digit == 0 for digit in changed.values())
        for cell in guesses:
            row, column = divmod(cell, self.task.board.digits)
            found.append(f"guess {LETTERS[changed[cell] - 1]} in row {row + 1}, column {column + 1}")
        if filled > len(guesses):
            found.append(f"{count(filled, 'cell')} filled in")
        if masked:
            found.append(f"{count(masked, 'cell')} masked")
        return "; ".join(found) or "edits of the workspace"

    def table(self) -> Group:
        """All steps."""
        return Group(*self.shown)
