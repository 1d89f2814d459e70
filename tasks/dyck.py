"""Dyck languages by editing: samples of one layer that grows a word from nothing, at any place, and never takes a letter back.

Two-sided Dyck-k: the words of k letters and their inverses that cancel to nothing (x x^-1 and x^-1 x both do). One-sided: only x x^-1
does, so a letter is an opening bracket. A letter is a kind of token with one bit: `L0 0`, and its inverse `L0 1`.

Two cells stand before the word. They hold GO, STOP or MASK, and what they hold is the phase that every row is in:

| cells              | what happens                                                                                   |
|--------------------|------------------------------------------------------------------------------------------------|
| GO GO              | every row but the first cell has a mask inserted after it; the first cell is remasked          |
| MASK GO            | masks behind the cells draw a letter or SKIP, and have a mask inserted after them; both cells are remasked |
| MASK MASK          | a mask right of a letter takes its inverse, one right of SKIP is deleted, SKIP is remasked;    |
|                    | the first cell draws GO or STOP                                                                |
| GO MASK            | masks behind the cells are deleted, and the second cell takes GO                               |
| STOP MASK          | masks are deleted, the second cell among them; the first cell is remasked                      |
| MASK, then no cell | the first cell is deleted: BOS and the word are left, a fixed point                            |

So each round of four steps inserts x x^-1, for some letter x, or nothing into every gap of the word. Source: Theorem 5 of arXiv
2510.06190, for which this construction is ours.
"""

from __future__ import annotations

from lockstep.compiler.circuit import At, Readout
from lockstep.compiler.linear import Linear, total
from lockstep.models.tokens import MASK
from lockstep.tasks.kit import LEFT, Task, TaskBuilder
from lockstep.tasks.pictures import Picture, Sign

GO, STOP, SKIP = "GO", "STOP", "SKIP"
#: The roles of the rows that hold the two cells.
FIRST, SECOND = "first", "second"
#: Behind BOS, where a decode starts.
START = (MASK, MASK)
#: The logit of what may be drawn. Nothing else has more than 0, and exp(-HOT) is 0 in float32 and in float64.
HOT = 1024


def letters(k: int) -> list[str]:
    """The kinds of letters."""
    return [f"L{number}" for number in range(k)]


def skip_bits(k: int) -> int:
    """The bits of SKIP: it has at least twice as many tokens as there are letters, so a gap stays empty more often than not."""
    return (2 * k - 1).bit_length() + 1


def dyck(k: int, index_bits: int, two_sided: bool = True) -> Task:
    """A generator of Dyck-k. Its start is START behind BOS."""
    b = _Dyck(k, index_bits, two_sided)
    rest = (Linear(),) * (b.vocabulary.most_bits - 1)
    kinds = {kind: field.flag * HOT for kind, field in b.draws.items()}
    return b.task(Readout(kinds, (b.one_bit.flag * HOT, *rest), (b.zero_bit.flag * HOT, *rest)))


def picture_of(k: int) -> Picture:
    """How sequences are shown: letters as a, b, .. and their inverses as A, B, .."""
    marks = {GO: Sign(">"), STOP: Sign("#"), SKIP: Sign("~")}
    named = {kind: Sign("", 1, names=(chr(ord("a") + n), chr(ord("A") + n))) for n, kind in enumerate(letters(k))}
    return Picture(marks | named)


class _Dyck(TaskBuilder):
    def __init__(self, k: int, index_bits: int, two_sided: bool) -> None:
        self.letters, self.two_sided = letters(k), two_sided
        bits = {SKIP: skip_bits(k)} | dict.fromkeys(self.letters, 1)
        super().__init__([GO, STOP, SKIP, *self.letters], index_bits, {FIRST: [1], SECOND: [2]}, bits)
        self.draws = {kind: self.field(f"draw.{kind}") for kind in (GO, STOP, SKIP, *self.letters)}
        self.one_bit, self.zero_bit = self.field("draw.one"), self.field("draw.zero")
        first, second = self.flags[FIRST].flag, self.flags[SECOND].flag
        self.first, self.second, self.cells = first, second, first + second
        self.masks = [self.body - self.cells, self.is_kind(MASK)]  # literals: a mask behind the cells
        self.phases = self._phases()
        self._grow()
        self._draw()
        self._complete()
        self._end()

    def _phases(self) -> dict[str, list[Linear]]:
        """The literals of each row of the table, from what the cells hold."""
        one, two = self.at(FIRST, (GO, STOP, MASK)), self.at(SECOND, (GO, MASK))
        return {
            "grow": [one[GO], two[GO]], "draw": [one[MASK], two[GO]], "complete": [one[MASK], two[MASK]],
            "clear": [one[GO], two[MASK]], "stop": [one[STOP], two[MASK]], "end": [one[MASK], 1 - two[GO] - two[MASK]],
        }  # fmt: skip

    def _draws(self, phase: str, literals: list[Linear], *kinds: str) -> None:
        self.when(At.ROM, [*self.phases[phase], *literals], {self.draws[kind].bit(): 1 for kind in kinds})

    def _grow(self) -> None:
        self.edit("insert", [*self.phases["grow"], self.body - self.first])
        self.edit("remask", [*self.phases["grow"], self.first])

    def _draw(self) -> None:
        self._draws("draw", self.masks, SKIP, *self.letters)
        self.edit("insert", [*self.phases["draw"], *self.masks])
        self.edit("remask", [*self.phases["draw"], self.cells])
        if not self.two_sided:  # the letter itself comes first, its inverse second
            self.when(At.ROM, [*self.phases["draw"], *self.masks], {self.zero_bit.bit(): 1})

    def _complete(self) -> None:
        here, (left, bit) = self.phases["complete"], self.neighbours(LEFT, (SKIP, *self.letters), self.body)
        letter = total(left[kind] for kind in self.letters)
        for kind in self.letters:
            self._draws("complete", [*self.masks, left[kind]], kind)
        self.when(At.ROM, [*here, *self.masks, letter, 1 - bit], {self.one_bit.bit(): 1})
        self.when(At.ROM, [*here, *self.masks, letter, bit], {self.zero_bit.bit(): 1})
        self.edit("delete", [*here, *self.masks, left[SKIP]])
        self.edit("remask", [*here, self.is_kind(SKIP)])
        self.edit("remask", [*here, self.second])
        self._draws("complete", [self.first], GO, STOP)

    def _end(self) -> None:
        self.edit("delete", [*self.phases["clear"], *self.masks])
        self._draws("clear", [self.second], GO)
        self.edit("delete", [*self.phases["stop"], self.is_kind(MASK)])
        self.edit("remask", [*self.phases["stop"], self.first])
        self.edit("delete", [*self.phases["end"], self.first])
