"""The circuit that solves a Sudoku: five layers. A decoding step is a round of singles, a guess, or a step back.

| layer | heads find                                          | gates say                                                       |
|-------|-----------------------------------------------------|-----------------------------------------------------------------|
| 1     | what stands in a pair's cell, row, column and box;  | is the pair *alive*: may the cell still take the digit?         |
|       | the level; a masked cell; the last row              |                                                                 |
| 2     | the first and last alive pair of each group         | is a pair alone in a group, is a digit or a cell without a pair |
| 3     | a third digit of a cell                             | is a pair a *single*; is something wrong; are two digits left   |
| 4     | anything wrong; any single; the cell to guess;      | am I that cell; is another single in the way                    |
|       | of singles of one digit in a group, the first       |                                                                 |
| 5     | the single of my cell                               | edits                                                           |

A *level* is the number of guesses on the board when a digit was written; givens have level 0. A *single* is a pair alone in a
group: the only digit of its cell, or the only place of its digit in a row, column or box. Two singles that exclude each
other are not written in one step, so equal digits never meet in a group, and a board without masks is solved.

A guess takes the least digit of a cell. If a contradiction follows, all digits of the highest level are masked, and the cell is
marked TRIED with that digit: its pairs up to it are not alive while the mark stands. If no single follows, this cell is guessed
again, and the next guess takes the mark away. So at most one empty cell has a mark, and marks need no level.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockstep.compiler.circuit import Circuit, Field, Match
from lockstep.compiler.linear import Linear, total, word_of
from lockstep.models.tokens import MASK
from lockstep.tasks.kit import YES, EditBuilder, Values
from lockstep.tasks.sudoku_rows import CELL, GROUPS, KEPT_ROW, PAIR, TRIED_ROW, Board

DIGIT, TRIED, KEPT, NONE = "DIGIT", "TRIED", "KEPT", "NONE"
#: What a group of pairs shares: a cell, or a digit and a row, column or box.
SHARED = ("cell", *GROUPS)


def kinds_of(board: Board) -> dict[str, int]:
    """The kinds of tokens with their bits. The lowest bits are a digit. Behind it, DIGIT has its level, and whether it is a guess."""
    digit, level = board.digit_bits, board.level_bits
    return {DIGIT: digit + level + 1, TRIED: digit, NONE: 0} | ({KEPT: digit} if board.searches_on else {})


def circuit_of(board: Board) -> Circuit:
    """Return the circuit.

    Raises: CircuitError: an invariant does not hold.
    """
    return SudokuBuilder(board).circuit()


class SudokuBuilder(EditBuilder):
    """Builds the circuit layer by layer."""

    def __init__(self, board: Board) -> None:
        super().__init__(kinds_of(board), board.length, depth=5)
        self.board = board
        self.role = {role: self.place(role).flag for role in board.rows}
        self.cell, self.tried, self.pair = (self.role[role] for role in (CELL, TRIED_ROW, PAIR))
        self.kept = self.role.get(KEPT_ROW, Linear())
        self.mask, self.grows = self.is_kind(MASK), self.place("grows").flag
        self.where = self.place("place", board.cell_bits)
        self.group = {name: self.place(name, board.digit_bits) for name in GROUPS}
        self.digit = self.place("digit", board.digit_bits)
        self.early = self.place("place from the end", 1, (1 << board.cell_bits) - 1).flag
        self.small = self.place("digit from the end", 1, (1 << board.digit_bits) - 1).flag
        bits, digit, level = [*self.token_bits], board.digit_bits, board.level_bits
        self.own_digit, self.own_level, self.is_guess = bits[:digit], bits[digit : digit + level], bits[digit + level]
        self.here, self.number = word_of([*self.where]), word_of([*self.digit])

    def circuit(self) -> Circuit:
        """Return the circuit."""
        self.read_tokens()
        self.find_alive()
        self.find_ends()
        self.find_singles()
        self.find_anywhere()
        self.write_digits()
        self.step_back()
        self.grow_and_shrink()
        return self.made()

    def same(self, *fields: Field) -> list[Match]:
        """Rows match that agree in these fields."""
        return [Match(bit, bit) for field in fields for bit in field]

    def flag(self, at: int, name: str, form: Linear, literals: Sequence[Linear]) -> Linear:
        """Return a new flag: the form is at least 0, and all literals are 1."""
        field = self.field(name)
        self.at_least(at, form, literals, {field.bit(): 1})
        return field.flag

    def both(self, at: int, name: str, literals: Sequence[Linear]) -> Linear:
        """Return a new flag: all literals are 1."""
        field = self.field(name)
        self.when(at, literals, {field.bit(): 1})
        return field.flag

    # -- layer 1 -------------------------------------------------------------------------------

    def read_tokens(self) -> None:
        """What stands in the row's cell; whether its digit stands in its groups; the level; how far the sequence has grown."""
        here, is_digit, everyone = self.same(self.where), (self.is_kind(DIGIT),), total(self.role.values())
        level = word_of(self.own_level)
        cell: Values = {"found": YES, "level": level, "guess": self.is_guess, "digit": self.own_digit}
        self.there = self.read(0, "digit of the cell", self.tried + self.pair + self.kept, here, is_digit, cell)
        self.near = {}
        for name, field in self.group.items():
            matches = [Match(a, b) for a, b in zip(self.digit, self.own_digit)] + self.same(field)
            self.near[name] = self.exists(0, f"digit in the {name}", self.pair, matches, is_digit)
        mark = {"found": YES, "digits": word_of(self.own_digit) + 1}  # how many have failed
        self.mark = self.read(0, "mark of the cell", self.pair, here, (self.is_kind(TRIED),), mark)
        recency = level * (1 << self.board.cell_bits) + self.here
        self.level = self.read(0, "level", everyone, (), is_digit, {"number": level, "bits": self.own_level}, recency)
        self.open = self.exists(0, "masked cell", everyone, (), (self.cell, self.mask))
        self.last = self.read(0, "last row", everyone, (), (everyone,), {"rank": self.rank.flag}, self.rank.flag)["rank"].flag
        self.unknown = YES
        if self.board.searches_on:
            kept: Values = {"found": YES, "digit": self.own_digit}
            self.known = self.read(0, "first solution", everyone - self.kept, here, (self.is_kind(KEPT),), kept)
            self.unknown = 1 - self.known["found"].flag - self.is_kind(KEPT)

    def find_alive(self) -> None:
        """Which pairs are alive, and how levels compare."""
        level, own = self.level["number"].flag, word_of(self.own_level)
        free = [self.pair, 1 - self.there["found"].flag, *(1 - near for near in self.near.values())]
        self.alive = self.flag(0, "alive", self.number - self.mark["digits"].flag, free)
        self.is_top = self.flag(0, "on the highest level", own - level, [self.is_kind(DIGIT)])
        self.guess_is_top = self.flag(
            0, "guess of this level", self.there["level"].flag - level, [self.tried, self.there["guess"].flag]
        )
        self.guessed = self.flag(0, "guessed", level - 1, [])
        self.ready = self.flag(0, "complete", self.last - (self.board.length - 1), [])

    # -- layers 2 and 3 ------------------------------------------------------------------------

    def find_ends(self) -> None:
        """Of each group of pairs, the first and the last that is alive; so pairs that are alone, and groups without one."""
        self.alone, lost, numbers = [], [], (self.number, self.small, self.same(self.where))
        for name in SHARED:
            number, reverse, matches = (
                numbers if name == "cell" else (self.here, self.early, self.same(self.digit, self.group[name]))
            )
            asks, alive = self.pair + self.cell if name == "cell" else self.pair, (self.alive,)
            last = self.read(1, f"last alive, {name}", asks, matches, alive, {"found": YES, "number": number}, number)
            first = self.read(1, f"first alive, {name}", self.pair, matches, alive, {"number": number}, reverse)["number"].flag
            self.alone.append(self.flag(1, f"alone, {name}", first - last["number"].flag, [self.alive]))
            if name == "cell":
                lost.append(self.both(1, "no digit", [self.cell, self.mask, 1 - last["found"].flag]))
                self.least = self.flag(1, "least digit", first - number, [self.alive])
                middle = (self.flag(1, "above the least", number - first - 1, [self.alive]),
                          self.flag(1, "below the greatest", last["number"].flag - number - 1, [self.alive]))  # fmt: skip
            else:
                lost.append(self.both(1, f"no place, {name}", [self.pair, 1 - last["found"].flag, 1 - self.near[name]]))
        self.lost, self.middle = total(lost), middle

    def find_singles(self) -> None:
        """Singles; what is wrong; cells with two digits left."""
        third = self.exists(2, "third digit", self.least, self.same(self.where), self.middle)
        self.single = self.flag(2, "single", total(self.alone) - 1, [])
        self.wrong = self.flag(2, "wrong", self.lost - 1, [])
        self.two_left = self.both(2, "two digits left", [self.least, 1 - third])

    # -- layer 4 -------------------------------------------------------------------------------

    def find_anywhere(self) -> None:
        """Whether something is wrong anywhere, whether there is a single, which cell is guessed; which singles are in the way."""
        asks = self.cell + self.tried
        self.is_wrong = self.exists(3, "anything wrong", asks, (), (self.wrong,))
        any_single = self.exists(3, "any single", asks, (), (self.single,))
        weight = 1 << self.board.cell_bits
        best = self.early + self.two_left * weight + self.mark["found"].flag * (2 * weight)
        self.guess = self.read(
            3, "cell to guess", asks, (), (self.least,), {"place": self.here, "found": YES, "digit": [*self.digit]}, best
        )
        chosen, found = self.guess["place"].flag, self.guess["found"].flag
        at, to = (
            self.flag(3, "not before the guess", self.here - chosen, [found]),
            self.flag(3, "not behind it", chosen - self.here, [found]),
        )
        self.chosen = [self.ready, 1 - self.is_wrong, 1 - any_single, at, to]
        self.in_the_way = []
        for name in GROUPS:
            matches = self.same(self.digit, self.group[name])
            first = self.read(3, f"first single, {name}", self.single, matches, (self.single,), {"place": self.here}, self.early)
            self.in_the_way.append(self.flag(3, f"later single, {name}", self.here - first["place"].flag - 1, [self.single]))

    # -- layer 5 -------------------------------------------------------------------------------

    def write_digits(self) -> None:
        """Masked cells take a single on this level, or a guess on the next one."""
        write = (self.single, *(self.single - late for late in self.in_the_way))
        mine = self.read(
            4, "single of the cell", self.cell, self.same(self.where), write, {"found": YES, "digit": [*self.digit]}, self.number
        )
        self.edit("remask", [total(self.role.values()), self.mask], at=4)  # masks wait; `take` makes exceptions
        here = [self.cell, self.mask]
        single = [*here, self.ready, 1 - self.is_wrong, mine["found"].flag]
        self.take(DIGIT, single, enumerate(mine["digit"]), at=4)
        self.write_level(single, above=False)
        guess = [*here, *self.chosen]
        self.take(DIGIT, guess, [*enumerate(self.guess["digit"]), (self.vocabulary.most_bits - 1, self.mask)], at=4)
        self.write_level(guess, above=True)
        self.edit("remask", [self.tried, self.is_kind(TRIED), self.open, *self.chosen], at=4)  # its cell is guessed again

    def write_level(self, literals: Sequence[Linear], above: bool) -> None:
        """Write the level, or the one above it, behind the digit."""
        level, out = [*self.level["bits"]], [self.out.bit(self.board.digit_bits + j) for j in range(self.board.level_bits)]
        for j, bit in enumerate(level):
            self.when(4, [*literals, bit], {out[j]: 1})
            if above:  # a bit changes where all below it are 1
                self.when(4, [*literals, *level[:j], 1 - bit], {out[j]: 1})
                self.when(4, [*literals, *level[:j], bit], {out[j]: -1})

    def step_back(self) -> None:
        """After a contradiction, or a first solution: mask all of the highest level, and move the mark to the cell of its guess.

        If no guess is left and no solution is known, there is none, and empty cells say so.
        """
        back, none = self.is_wrong, [self.cell, self.mask, self.ready, self.is_wrong, 1 - self.guessed]
        if self.board.searches_on:
            open_rows = [total(self.role.values()), 1 - self.open, self.ready, self.guessed, self.unknown]
            self.solved_once = self.both(1, "first time solved", open_rows)
            back = back + self.solved_once  # a solved board is not wrong
            self.take(KEPT, [self.kept, self.mask, self.solved_once], enumerate(self.there["digit"]), at=4)
        self.take(NONE, [*none, self.unknown], at=4)
        self.edit("remask", [self.cell, self.is_kind(DIGIT), back, self.is_top, self.guessed], at=4)
        self.edit("remask", [self.tried, self.is_kind(TRIED), back, self.guessed], at=4)
        mark = [self.tried, self.mask, back, self.guess_is_top, self.guessed]
        self.take(TRIED, mark, enumerate(self.there["digit"]), at=4)

    # -- the workspace -------------------------------------------------------------------------

    def grow_and_shrink(self) -> None:
        """While a cell is masked, the workspace doubles until it is complete. When none is, it vanishes."""
        missing = (
            self.board.length - 2 - self.last - (self.rank.flag - self.board.cells)
        )  # at least 0 on as many rows as are missing
        self.at_least(0, missing, [self.open, self.grows, self.unknown], {self.edits["insert"].bit(): 1})
        over = [1 - self.open]
        if self.board.searches_on:
            self.return_to_first()
            over.append(1 - self.solved_once)
        self.edit("delete", [total(self.role.values()) - self.cell, self.mask, *over], at=4)
        self.edit("remask", [self.is_kind(TRIED), *over], at=4)

    def return_to_first(self) -> None:
        """If no guess is left and a solution is known, there is no other one, and the cells take the digits of the first.

        Level 0 then holds what followed from the first solution's exclusion, so digits that differ are masked. Rows of the
        workspace that vanish in the same step say in the next one that it is so: some do, as a given's cell is never marked.
        """
        known, own, first = self.known["found"].flag, word_of(self.own_digit), word_of([*self.known["digit"]])
        differs = self.field("differs from the first solution")
        for form in (own - first - 1, first - own - 1):
            self.at_least(0, form, [self.cell, self.is_kind(DIGIT), known], {differs.bit(): 1})
        two = self.exists(1, "second solution", self.kept, (), (differs.flag,))
        end = [self.ready, self.is_wrong, 1 - self.guessed, known]
        self.edit("remask", [self.cell, differs.flag, *end], at=4)
        self.edit("remask", [self.tried, self.is_kind(TRIED), *end], at=4)
        self.edit("delete", [self.tried, self.mask, *end], at=4)
        self.take(DIGIT, [self.cell, self.mask, 1 - self.ready, known], enumerate(self.known["digit"]), at=4)
        self.edit("delete", [self.tried + self.pair, self.mask, self.open, 1 - self.ready, known], at=4)
        self.edit("remask", [self.is_kind(KEPT), 1 - self.open, 1 - two], at=4)
