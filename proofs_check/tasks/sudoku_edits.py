"""What rows of a Sudoku do in a decoding step, from what they have found: the last layer of the rules, and all rules together.

A step is a round of singles, a guess, or a step back (docs/tasks.md). Besides the fields, the rules rest on these facts:

- *a full board is not wrong, once something was guessed*. Two equal digits meet in no house: a digit is written where its pair is alive, so
  it stands in no house of its cell; of two singles of one digit in a house only the first is written; and a guess is one cell. Givens that
  clash leave a digit without a place for ever, so nothing is guessed. A full board without equal digits in a house has each digit there;
- *levels end before their bits do*: a guess fills a cell, so there are fewer guesses than cells, and a guess is made only if one is masked;
- *digits are below n^2*: those of starts are, and the proof shows it of each digit that is written;
- *rows keep their roles*: rows are inserted and deleted while all rows behind the cells hold masks, but for marks at the end, which are
  masked first, and for the first solution, whose rows are masked together or stay together.

All else that the proof rests on is checked in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.models.tokens import MASK
from lockstep.proofs_check.tasks.rules import (
    Fact,
    Finds,
    Flags,
    Follows,
    Layer,
    Nearest,
    Rows,
    Rules,
    Says,
    always,
    any_of,
    bits_of,
)
from lockstep.proofs_check.tasks.sudoku_rules import (
    CELL_ROW,
    DIGIT,
    HOUSES,
    KEPT,
    KEPT_ROW,
    PAIR,
    SHARED,
    TRIED,
    TRIED_ROW,
    SudokuPlaces,
    SudokuSearch,
    first,
    same_cell,
)


def sudoku_rules(side: int, searches_on: bool) -> Rules:
    """The rules for boards of side^2 x side^2 cells."""
    places = SudokuPlaces(side, searches_on)
    search = SudokuSearch(places)
    edits = SudokuEdits(places, search)
    return Rules(
        places.tokens, places.length, places.roles(), places.places(),
        (search.first_layer(), search.second_layer(), search.third_layer(), search.fourth_layer(), edits.fifth_layer()),
        edits.facts(), (Follows("single of the cell", "any single"),),
        nearest=(Nearest("first alive, cell", "first alive, cell: number", lambda number: -number),),
        assumed=("rows that are inserted or deleted leave each token in a row of its role",
                 "fewer guesses stand on a board than it has cells"),
    )  # fmt: skip


@dataclass(frozen=True)
class SudokuEdits:
    """The last layer."""

    places: SudokuPlaces
    search: SudokuSearch

    # -- what happens in this step ---------------------------------------------------------------

    def is_wrong(self, row: Rows) -> Flags:
        return row.flag("anything wrong: found")

    def solved_once(self, row: Rows) -> Flags:
        return row.flag("first time solved") if self.places.searches_on else np.zeros(1, bool)

    def is_guessed(self, row: Rows) -> Flags:
        """This row's cell is guessed: nothing is wrong, there is no single, and it is the cell to guess."""
        here = row.flag("not before the guess") & row.flag("not behind it")
        return np.asarray(row.flag("complete") & ~self.is_wrong(row) & ~row.flag("any single: found") & here)

    def gets_single(self, row: Rows) -> Flags:
        return np.asarray(row.flag("complete") & ~self.is_wrong(row) & row.flag("single of the cell: found"))

    def steps_back(self, row: Rows) -> Flags:
        """The last guess is taken back: after a contradiction, or to search on behind the first solution."""
        return np.asarray((self.is_wrong(row) | self.solved_once(row)) & row.flag("guessed"))

    def _is_full(self, row: Rows) -> Flags:
        """All cells have a digit, and something was guessed, or had been before the first solution."""
        return np.asarray((row.flag("guessed") | self.is_known(row)) & ~row.flag("masked cell: found"))

    def is_exhausted(self, row: Rows) -> Flags:
        """Something is wrong and no guess is left: there is no further solution."""
        return np.asarray(row.flag("complete") & self.is_wrong(row) & ~row.flag("guessed"))

    def is_known(self, row: Rows) -> Flags:
        """A first solution is kept."""
        return row.flag("first solution: found") if self.places.searches_on else np.zeros(1, bool)

    def is_over(self, row: Rows) -> Flags:
        """The board is full, and that is the end."""
        return np.asarray(~row.flag("masked cell: found") & ~self.solved_once(row))

    def returns(self, row: Rows) -> Flags:
        """The workspace is vanishing, and cells are masked: they take the digits of the first solution, which is the only one."""
        return np.asarray(~row.flag("complete") & self.is_known(row))

    # -- what masks take -------------------------------------------------------------------------

    def takes_digit(self, row: Rows) -> Flags:
        """An empty cell takes a single, a guess, or its digit of the first solution."""
        return np.asarray(
            row.stands(CELL_ROW) & row.is_a(MASK) & (self.gets_single(row) | self.is_guessed(row) | self.returns(row))
        )

    def takes_none(self, row: Rows) -> Flags:
        return np.asarray(row.stands(CELL_ROW) & row.is_a(MASK) & self.is_exhausted(row) & self.search.unknown(row))

    def takes_mark(self, row: Rows) -> Flags:
        """The cell of the guess that is taken back is marked with its digit."""
        return np.asarray(row.stands(TRIED_ROW) & row.is_a(MASK) & self.steps_back(row) & row.flag("guess of this level"))

    def is_kept(self, row: Rows) -> Flags:
        if not self.places.searches_on:
            return np.zeros(1, bool)
        return np.asarray(row.stands(KEPT_ROW) & row.is_a(MASK) & self.solved_once(row))

    def digit_taken(self, row: Rows, bit: int) -> Flags:
        """A bit of the digit of what a mask takes."""
        cell = row.stands(CELL_ROW) & row.is_a(MASK)
        found = self.gets_single(row) & row.flag("single of the cell: digit", bit)
        found |= self.is_guessed(row) & row.flag("cell to guess: digit", bit)
        if self.places.searches_on:
            found |= self.returns(row) & row.flag("first solution: digit", bit)
        copies = self.takes_mark(row) | self.is_kept(row)
        return np.asarray((cell & found) | (copies & row.flag("digit of the cell: digit", bit)))

    def level_taken(self, row: Rows, bit: int) -> Flags:
        """A bit of the level of what a cell takes: a single has the level of the board, a guess the next one."""
        cell, level = row.stands(CELL_ROW) & row.is_a(MASK), row.part("level: bits", 0, bit + 1)
        above = (level + 1) >> bit & 1 == 1
        return np.asarray(cell & np.where(self.is_guessed(row), above, self.gets_single(row) & (level >> bit & 1 == 1)))

    # -- edits -----------------------------------------------------------------------------------

    def remasks(self, row: Rows) -> Flags:
        """Masks wait unless they take something; tokens are masked that are taken back."""
        takes = self.takes_digit(row) | self.takes_none(row) | self.takes_mark(row) | self.is_kept(row)
        return np.where(row.is_a(MASK), ~takes, self.cell_goes(row) | self.mark_goes(row) | self.kept_goes(row))

    def cell_goes(self, row: Rows) -> Flags:
        """A digit of the level that is taken back; at the end one that is not that of the only solution."""
        goes = self.steps_back(row) & row.flag("on the highest level") & row.is_a(DIGIT)
        if self.places.searches_on:
            goes |= row.flag("differs from the first solution") & self.is_exhausted(row) & self.is_known(row)
        return np.asarray(row.stands(CELL_ROW) & goes)

    def mark_goes(self, row: Rows) -> Flags:
        """A mark whose cell is guessed again; one that is older than the step back; all at the end."""
        end = self.is_over(row) | (self.is_exhausted(row) & self.is_known(row))
        again = row.flag("masked cell: found") & self.is_guessed(row)
        return np.asarray(row.stands(TRIED_ROW) & row.is_a(TRIED) & (again | self.steps_back(row) | end))

    def kept_goes(self, row: Rows) -> Flags:
        """The first solution is the only one: the cells hold it."""
        if not self.places.searches_on:
            return np.zeros(1, bool)
        return np.asarray(row.is_a(KEPT) & ~row.flag("masked cell: found") & ~row.flag("second solution: found"))

    def deletes(self, row: Rows) -> Flags:
        """Masks of the workspace: all if the board is full; those of marks and pairs where the digits of the first solution return."""
        goes = ~row.stands(CELL_ROW) & self.is_over(row)
        goes |= row.stands(TRIED_ROW) & self.is_exhausted(row) & self.is_known(row)
        goes |= row.stands(TRIED_ROW, PAIR) & row.flag("masked cell: found") & self.returns(row)
        return np.asarray(row.is_a(MASK) & goes)

    def fifth_layer(self) -> Layer:
        """The single of a cell, and edits."""
        single = Finds(
            lambda q: q.stands(CELL_ROW), self._may_be_written,
            {"single of the cell: found": always, "single of the cell: digit": lambda k: k.at("digit")}, lambda k: k.at("digit"),
        )  # fmt: skip
        digit, level = self.places.digit_bits, self.places.level_bits
        is_guess = digit + level
        says: dict[Bit, Says] = {
            ("control.remask", 0): self.remasks,
            ("control.delete", 0): self.deletes,
            ("take.DIGIT", 0): self.takes_digit,
            ("take.NONE", 0): self.takes_none,
            ("take.TRIED", 0): self.takes_mark,
            **bits_of("out", digit, self.digit_taken),
            **{("out", digit + j): (lambda row, j=j: self.level_taken(row, j)) for j in range(level)},  # type: ignore[misc]
            ("out", is_guess): lambda row: row.stands(CELL_ROW) & row.is_a(MASK) & self.is_guessed(row),
        }
        if self.places.searches_on:
            says["take.KEPT", 0] = self.is_kept
        return Layer({"single of the cell": single}, says)

    def _may_be_written(self, q: Rows, k: Rows) -> Flags:
        """A single of this cell, and no other one of its digit stands in front of it in a house."""
        in_the_way = any_of(k.flag(f"later single, {house}") for house in HOUSES)
        return np.asarray(same_cell(q, k) & k.flag("single") & ~in_the_way)

    def _takes_below_m(self, row: Rows) -> Flags:
        return np.asarray(row.part("out", 0, self.places.digit_bits) < self.places.digits)

    def facts(self) -> tuple[Fact, ...]:
        """Two of the text above, and what follows from what rows say or from other facts."""
        return (
            Fact(lambda row: self.search.digit(row) < self.places.digits, "digits that stand on a board are below n^2"),
            Fact(lambda row: ~(self.is_wrong(row) & self._is_full(row)), "a full board is not wrong, once something was guessed"),
            Fact(self._takes_below, "a digit that is taken is below n^2", layer=4),
            implies("least digit", lambda row: row.flag("alive") & (row.at("digit") <= first(row, "cell")), 1),
            Fact(
                lambda row: ~row.flag("least digit") | (row.at("digit") == first(row, "cell")),
                "a cell has one least digit",
                fields=("alive",),
            ),
            implies("guess of this level", lambda row: row.stands(TRIED_ROW), 0),
            *(implies(name, lambda row: row.stands(PAIR), layer) for name, layer in self._of_pairs().items()),
            *(implies(f"later single, {house}", lambda row: row.flag("single"), 3) for house in HOUSES),
            *(self._of_first_solution() if self.places.searches_on else ()),
        )

    def _of_pairs(self) -> dict[str, int]:
        """What only pairs are, with the layer in which they say so."""
        alone = {f"alone, {name}": 1 for name in SHARED}
        return {"alive": 0, "least digit": 1, "above the least": 1, **alone, "single": 2}

    def _takes_below(self, row: Rows) -> Flags:
        return np.asarray(row.part("out", 0, self.places.digit_bits) < self.places.digits)

    def _of_first_solution(self) -> tuple[Fact, ...]:
        fields = "masked cell: found", "guessed", "first solution: found"
        return (
            implies("differs from the first solution", lambda row: row.is_a(DIGIT), 0),
            implies("first time solved", self._is_full, 1),
            Fact(
                lambda row: ~(row.flag("first time solved") & self.is_wrong(row)),
                "a board that is solved is not wrong",
                fields=fields,
            ),
        )


def implies(field: str, then: Callable[[Rows], Flags], layer: int) -> Fact:
    """Rows say something in a layer only where something holds."""
    return Fact(lambda row: ~row.flag(field) | then(row), f"{field}: it implies more", layer=layer)


__all__ = ["SudokuEdits", "sudoku_rules"]
