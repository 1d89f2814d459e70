"""The ends of ranges of the evaluator, which may be negative: then a range is empty.

An end that is a difference of unsigned words comes out as an integer. Its steps: in the first range of a `parallel for` the plus
terms, the minus terms and a sum; elsewhere the plus terms with 1, the minus terms, a larger one and a difference. If no word is
added, all parameters together are the plus term. In `e - 1`, if words are added, e is a word, and there is a move.
"""

from __future__ import annotations

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, ProgramText, walk
from oracles.memory import Arrays
from oracles.plain import Params, Trap, constant
from oracles.words import Words, signed_terms

ONE = syntax.Number(1)


class Ends(Words):
    """A run that knows which expressions end ranges."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None, max_steps: int) -> None:
        super().__init__(tree, params, arrays, word_bits, max_steps)
        parallel = [s for s in walk(self.tree) if isinstance(s, syntax.Parallel)]
        loops = [s for s in walk(self.tree) if isinstance(s, syntax.For)]
        self.first_ends = {id(s.ranges[0].high) for s in parallel}
        self.ends = {id(r.high) for s in parallel for r in s.ranges} | {id(s.first if s.down else s.last) for s in loops}

    def bound(self, e: Expression, active: list[int]) -> list[int]:
        return self.end(e, active) if id(e) in self.ends else self.value(e, active)

    def takes_words(self, e: Expression) -> bool:
        """Whether an end is a difference that may be negative, though no word is."""
        plain = self.signed or self.wrap or id(e) in self.constants
        return not plain and any(sign < 0 for sign, _ in signed_terms(e))

    def adds_words(self, e: Expression) -> bool:
        return any(sign > 0 and id(t) not in self.constants for sign, t in signed_terms(e))

    def is_below(self, e: Expression) -> bool:
        """Whether an end is `e - 1`, and adds words."""
        return isinstance(e, syntax.Binary) and e.operator == "-" and e.right == ONE and self.adds_words(e)

    def end(self, e: Expression, active: list[int]) -> list[int]:
        if not self.takes_words(e):
            return self.value(e, active)
        if isinstance(e, syntax.Binary) and self.is_below(e):
            above = self.value(e.left, active)
            self.step()
            return [v - 1 for v in above]
        first = id(e) in self.first_ends
        terms = signed_terms(e)
        if self.adds_words(e):
            plus = self.side([t for sign, t in terms if sign > 0], active, 0 if first else 1)
            minus = self.side([t for sign, t in terms if sign < 0], active)
            less = 0 if first else 1
        else:
            plus, less = [self.known(e)] * len(active), 0
            minus = self.side([t for _, t in terms if id(t) not in self.constants], active)
        self.step()
        if not first and not self.adds_words(e):
            self.check_edge(e, active)
        if active and all(id(t) in self.constants for sign, t in terms if sign < 0) and not 0 <= minus[0] <= self.most:
            raise Trap("parameter", f"{minus[0]} is no word of {self.bits} bits")
        if not first:
            self.step()
        return [a - b - less for a, b in zip(plus, minus)]

    def known(self, e: Expression) -> int:
        """The sum of the parameters in an end."""
        return sum(sign * constant(t, self.params) for sign, t in signed_terms(e) if id(t) in self.constants)

    def check_edge(self, e: Expression, active: list[int]) -> None:
        """Parameters from which words are taken: the number after them must be a word."""
        if active and self.takes_words(e) and not self.adds_words(e) and self.known(e) + 1 > self.most:
            raise Trap("parameter", f"{self.known(e)} + 1 is no word of {self.bits} bits")

    def starts_at_the_largest(self, e: Expression) -> bool:
        """Whether words are taken from the largest word."""
        if not self.takes_words(e) or self.is_below(e) or not self.adds_words(e):
            return False
        costs = self.time, self.shared_accesses
        (plus, *_) = self.side([t for sign, t in signed_terms(e) if sign > 0], self.everyone)
        self.time, self.shared_accesses = costs
        return plus == self.most
