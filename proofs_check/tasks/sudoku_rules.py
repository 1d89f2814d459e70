"""The rules of the search for a Sudoku, stated apart from its circuit: what each row does, from its token, its place and what it finds.

The page docs/tasks.md has the same in words: `SudokuRules` goes through the table there, layer by layer, and says what a pair, a cell or a
mark may know. `lockstep.proofs_check.tasks.sudoku_edits` says what rows then do.

Cells are numbered row by row, digits count from 0. A pair is a cell and a digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.models.tokens import MASK
from lockstep.proofs_check.tasks.rules import Finds, Flags, Ints, Layer, Role, Rows, Says, Sole, always, any_of, flags_of

DIGIT, TRIED, KEPT, NONE = "DIGIT", "TRIED", "KEPT", "NONE"
CELL_ROW, KEPT_ROW, TRIED_ROW, PAIR = "cell row", "kept row", "tried row", "pair row"
HOUSES = ("row", "column", "box")
#: What pairs share: a cell, or a digit and a house.
SHARED = ("cell", *HOUSES)


@dataclass(frozen=True)
class SudokuPlaces:
    """What stands where. searches_on: there are kept rows."""

    side: int
    searches_on: bool

    @property
    def digits(self) -> int:
        return self.side**2

    @property
    def cells(self) -> int:
        return self.digits**2

    @property
    def digit_bits(self) -> int:
        return (self.digits - 1).bit_length()

    @property
    def level_bits(self) -> int:
        return self.cells.bit_length()

    @property
    def length(self) -> int:
        return 1 + self.cells * (self.digits + 2 + self.searches_on)

    @property
    def tokens(self) -> tuple[tuple[str, int], ...]:
        digit = self.digit_bits
        kept = ((KEPT, digit),) if self.searches_on else ()
        return ("BOS", 0), (MASK, 0), (DIGIT, digit + self.level_bits + 1), (TRIED, digit), (NONE, 0), *kept

    def roles(self) -> dict[str, Role]:
        """The positions of each role, in their order."""
        found, start = {}, 1
        for name, each, kinds in ((CELL_ROW, 1, (MASK, DIGIT, NONE)), (KEPT_ROW, int(self.searches_on), (MASK, KEPT)),
                                  (TRIED_ROW, 1, (MASK, TRIED)), (PAIR, self.digits, (MASK,))):  # fmt: skip
            found[name] = Role(slice(start, start + self.cells * each), kinds)
            start += self.cells * each
        return found

    def places(self) -> dict[str, Ints]:
        """What is known of each position."""
        roles, number = self.roles(), np.arange(self.length)
        found = {name: flags_of(self.length, role.rows) for name, role in roles.items()}
        starts = sum(found[name] * role.rows.start for name, role in roles.items())
        offset = number - starts
        cell = np.where(found[PAIR], offset // self.digits, offset)
        row, column = cell // self.digits, cell % self.digits
        box = row // self.side * self.side + column // self.side
        return found | {"number": number, "cell": cell, "digit": np.where(found[PAIR], offset % self.digits, 0),
                        "row": row, "column": column, "box": box}  # fmt: skip


@dataclass(frozen=True)
class SudokuSearch:
    """The layers before the last one: what rows find, and what follows for them."""

    places: SudokuPlaces

    # -- a token, and what rows share ------------------------------------------------------------

    def digit(self, row: Rows) -> Ints:
        """The digit of a token."""
        return row.value(0, self.places.digit_bits)

    def level(self, row: Rows) -> Ints:
        """The level of a token DIGIT."""
        return row.value(self.places.digit_bits, self.places.level_bits)

    def is_guess(self, row: Rows) -> Ints:
        return row.value(self.places.digit_bits + self.places.level_bits, 1)

    def level_now(self, row: Rows) -> Ints:
        """The highest level on the board."""
        return row.number("level: number")

    def unknown(self, row: Rows) -> Flags:
        """No first solution is kept for this cell."""
        if not self.places.searches_on:
            return np.ones(1, bool)
        return ~row.flag("first solution: found") & ~row.is_a(KEPT)

    # -- layer 1 ----------------------------------------------------------------------------------

    def first_layer(self) -> Layer:
        """What stands in a row's cell and houses; the level; whether a cell is masked; how far the sequence has grown."""
        finds = {
            "digit of the cell": Finds(
                lambda q: q.stands(*self._rows(TRIED_ROW, PAIR, KEPT_ROW)),
                lambda q, k: k.is_a(DIGIT) & same_cell(q, k),
                {"digit of the cell: found": always, "digit of the cell: level": self.level, "digit of the cell: guess": self.is_guess,
                 "digit of the cell: digit": self.digit},
            ),
            **{f"digit in the {house}": self._near(house) for house in HOUSES},
            "mark of the cell": Finds(
                lambda q: q.stands(PAIR), lambda q, k: k.is_a(TRIED) & same_cell(q, k),
                {"mark of the cell: found": always, "mark of the cell: digits": lambda k: self.digit(k) + 1},
            ),
            "level": Finds(
                always, lambda q, k: k.is_a(DIGIT), {"level: number": self.level, "level: bits": self.level},
                lambda k: self.level(k) * self.places.cells + k.at("cell"),
            ),
            "masked cell": Finds(always, lambda q, k: k.stands(CELL_ROW) & k.is_a(MASK), {"masked cell: found": always}, latest),
            "last row": Finds(always, lambda q, k: np.ones(1, bool), {"last row: rank": latest}, latest),
        }  # fmt: skip
        says: dict[Bit, Says] = {
            ("alive", 0): self.alive,
            ("on the highest level", 0): lambda row: row.is_a(DIGIT) & (self.level(row) >= self.level_now(row)),
            ("guess of this level", 0): lambda row: row.stands(TRIED_ROW) & row.flag("digit of the cell: guess")
            & (row.number("digit of the cell: level") >= self.level_now(row)),
            ("guessed", 0): lambda row: self.level_now(row) > 0,
            ("complete", 0): lambda row: row.number("last row: rank") == self.places.length - 1,
            ("control.insert", 0): self.grows,
        }  # fmt: skip
        if self.places.searches_on:
            finds["first solution"] = Finds(
                lambda q: ~q.stands(KEPT_ROW), lambda q, k: k.is_a(KEPT) & same_cell(q, k),
                {"first solution: found": always, "first solution: digit": self.digit},
            )  # fmt: skip
            says["differs from the first solution", 0] = self.differs
        return Layer(finds, says)

    def _rows(self, *names: str) -> tuple[str, ...]:
        return tuple(name for name in names if name != KEPT_ROW or self.places.searches_on)

    def _near(self, house: str) -> Finds:
        """Whether a pair's digit stands in a house of its cell."""
        return Finds(
            lambda q: q.stands(PAIR),
            lambda q, k: k.is_a(DIGIT) & (q.at("digit") == self.digit(k)) & (q.at(house) == k.at(house)),
            {f"digit in the {house}: found": always},
            latest,
        )

    def alive(self, row: Rows) -> Flags:
        """A pair whose cell may still take its digit."""
        excluded = any_of(row.flag(f"digit in the {house}: found") for house in HOUSES)
        free = row.stands(PAIR) & ~row.flag("digit of the cell: found") & ~excluded
        return np.asarray(free & (row.at("digit") >= row.number("mark of the cell: digits")))

    def grows(self, row: Rows) -> Flags:
        """The last cell and the rows behind the cells insert a row each, as many as are missing."""
        missing = self.places.length - 1 - row.number("last row: rank")
        behind = row.at("number") - self.places.cells
        return np.asarray(row.flag("masked cell: found") & self.unknown(row) & (behind >= 0) & (behind < missing))

    def differs(self, row: Rows) -> Flags:
        other = row.number("first solution: digit") != self.digit(row)
        return np.asarray(row.stands(CELL_ROW) & row.is_a(DIGIT) & row.flag("first solution: found") & other)

    # -- layers 2 and 3 ------------------------------------------------------------------------------

    def second_layer(self) -> Layer:
        """Of what shares a cell, or a digit and a house: the first and the last pair that is alive."""
        finds: dict[str, Finds] = {}
        says: dict[Bit, Says] = {}
        for name in SHARED:
            finds |= self._ends(name)
            says["alone, " + name, 0] = lambda row, name=name: row.flag("alive") & (first(row, name) >= last(row, name))  # type: ignore[misc]
        for house in HOUSES:
            says[f"no place, {house}", 0] = lambda row, house=house: (  # type: ignore[misc]
                row.stands(PAIR) & ~row.flag(f"last alive, {house}: found") & ~row.flag(f"digit in the {house}: found")
            )
        says |= {
            ("no digit", 0): lambda row: row.stands(CELL_ROW) & row.is_a(MASK) & ~row.flag("last alive, cell: found"),
            ("least digit", 0): lambda row: row.flag("alive") & (row.at("digit") <= first(row, "cell")),
            ("above the least", 0): lambda row: row.flag("alive") & (row.at("digit") > first(row, "cell")),
            ("below the greatest", 0): lambda row: row.flag("alive") & (row.at("digit") < last(row, "cell")),
        }
        if self.places.searches_on:
            finds["second solution"] = Finds(
                lambda q: q.stands(KEPT_ROW), lambda q, k: k.flag("differs from the first solution"),
                {"second solution: found": always}, latest,
            )  # fmt: skip
            says["first time solved", 0] = self.solved_once
        return Layer(finds, says)

    def _ends(self, name: str) -> dict[str, Finds]:
        what = "digit" if name == "cell" else "cell"

        def meets(q: Rows, k: Rows) -> Flags:
            same = same_cell(q, k) if name == "cell" else (q.at("digit") == k.at("digit")) & (q.at(name) == k.at(name))
            return np.asarray(k.flag("alive") & same)

        asks: tuple[str, ...] = (PAIR, CELL_ROW) if name == "cell" else (PAIR,)
        return {
            f"last alive, {name}": Finds(
                lambda q: q.stands(*asks), meets,
                {f"last alive, {name}: found": always, f"last alive, {name}: number": lambda k: k.at(what)}, lambda k: k.at(what),
            ),
            f"first alive, {name}": Finds(
                lambda q: q.stands(PAIR), meets, {f"first alive, {name}: number": lambda k: k.at(what)}, lambda k: -k.at(what)
            ),
        }  # fmt: skip

    def solved_once(self, row: Rows) -> Flags:
        """The board is full, by guesses, and no solution is kept yet: it is the first one."""
        full = ~row.flag("masked cell: found") & row.flag("complete")
        return np.asarray(full & row.flag("guessed") & self.unknown(row))

    def third_layer(self) -> Layer:
        """Singles; what is wrong; cells with two digits left."""
        third = Finds(
            lambda q: q.flag("least digit"),
            lambda q, k: same_cell(q, k) & k.flag("above the least") & k.flag("below the greatest"),
            {"third digit: found": always},
            latest,
        )
        lost = ("no digit", *(f"no place, {house}" for house in HOUSES))
        says: dict[Bit, Says] = {
            ("single", 0): lambda row: any_of(row.flag(f"alone, {name}") for name in SHARED),
            ("wrong", 0): lambda row: any_of(row.flag(name) for name in lost),
            ("two digits left", 0): lambda row: row.flag("least digit") & ~row.flag("third digit: found"),
        }
        return Layer({"third digit": third}, says)

    # -- layer 4 ----------------------------------------------------------------------------------------

    def fourth_layer(self) -> Layer:
        """Whether anything is wrong, or single; the cell to guess; of singles of one digit in a house, the first."""

        def asks(q: Rows) -> Flags:
            return q.stands(CELL_ROW, TRIED_ROW)

        finds = {
            "anything wrong": Finds(asks, lambda q, k: k.flag("wrong"), {"anything wrong: found": always}, latest),
            "any single": Finds(asks, lambda q, k: k.flag("single"), {"any single: found": always}, latest),
            "cell to guess": Finds(
                asks, lambda q, k: k.flag("least digit"),
                {"cell to guess: place": lambda k: k.at("cell"), "cell to guess: found": always,
                 "cell to guess: digit": lambda k: k.at("digit")},
                self.preferred, alone=Sole("first alive, cell: number", "cell"),
            ),
            **{f"first single, {house}": self._first_single(house) for house in HOUSES},
        }  # fmt: skip
        place = "cell to guess: place"
        says: dict[Bit, Says] = {
            ("not before the guess", 0): lambda row: row.flag("cell to guess: found") & (row.at("cell") >= row.number(place)),
            ("not behind it", 0): lambda row: row.flag("cell to guess: found") & (row.at("cell") <= row.number(place)),
        }
        for house in HOUSES:
            says["later single, " + house, 0] = lambda row, house=house: (  # type: ignore[misc]
                row.flag("single") & (row.at("cell") > row.number(f"first single, {house}: place"))
            )
        return Layer(finds, says)

    def preferred(self, row: Rows) -> Ints:
        """The cell with a mark, else the first with two digits left, else the first: the greatest is guessed."""
        wins = 2 * row.number("mark of the cell: found") + row.number("two digits left")
        return np.asarray(wins * self.places.cells - row.at("cell"))

    def _first_single(self, house: str) -> Finds:
        return Finds(
            lambda q: q.flag("single"),
            lambda q, k: k.flag("single") & (q.at("digit") == k.at("digit")) & (q.at(house) == k.at(house)),
            {f"first single, {house}: place": lambda k: k.at("cell")},
            lambda k: -k.at("cell"),
        )


def latest(row: Rows) -> Ints:
    """The last row is found."""
    return row.at("number")


def same_cell(q: Rows, k: Rows) -> Flags:
    return np.asarray(q.at("cell") == k.at("cell"))


def first(row: Rows, name: str) -> Ints:
    """The first alive pair that shares something: its digit in a cell, else its cell."""
    return row.number(f"first alive, {name}: number")


def last(row: Rows, name: str) -> Ints:
    return row.number(f"last alive, {name}: number")
