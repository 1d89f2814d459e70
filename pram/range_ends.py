"""Emits the ends of ranges. An end that is a difference may be negative, which is no word; then the range is empty.

So the machine computes no such end. It compares i + y <= x in place of i <= x - y, i < e in place of i <= e - 1, and
elsewhere it computes max(x + 1, y) - y: the exclusive end, which is never negative. Signed words hold negative ends, and with
`wrap` no word is negative: there an end is a word like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.pram import clamping, derived
from lockstep.pram.emitting import Emitter
from lockstep.pram.instructions import Operand, Subject, Trap, constant
from lockstep.pram.syntax import Binary, Expression, Number


@dataclass(frozen=True)
class FirstEnd:
    """The end of the first range of a `parallel for`. An item i is in it if i + shift `test` bound.

    The end is exactly `high` - `less`.
    """

    test: str
    bound: Operand
    high: Subject
    less: Subject = constant(0)
    shift: Operand | None = None

    @property
    def trap(self) -> Trap:
        """A bound that is no word cannot be compared with words. One without a shift is judged with the items."""
        return Trap.OPERANDS if self.shift is not None else Trap.NOTHING


@dataclass(frozen=True)
class InnerEnd:
    """The end of a further range: `operand` - `less`."""

    operand: Operand
    less: Operand = constant(0)


class EndEmitter(Emitter):
    """Emits ends of ranges that are words."""

    def may_be_negative(self, end: Expression) -> bool:
        """Return whether an end is a difference of words, without a word for negative numbers."""
        if self.symbols.signed or not self.judges_sums or self.symbols.is_parametric(end):
            return False
        return clamping.sides(end, self.symbols.is_parametric) is not None

    def is_difference(self, end: Expression) -> bool:
        """Return whether an end may be negative, and is not `e - 1`, which loops that processors leave one by one compare as e."""
        return self.may_be_negative(end) and self.less_than(end) is None

    def less_than(self, end: Expression) -> Expression | None:
        """Return e for an end `e - 1` in which words are added."""
        adds = clamping.taken_from_parameters(end, self.symbols.is_parametric) is None
        return derived.before_one(end) if adds else None

    def first_end(self, end: Expression) -> FirstEnd:
        """Emit the end of a first range."""
        if self.symbols.is_parametric(end):
            return FirstEnd("lt", self.parameter(derived.exclusive(end, self.symbols.signed)), end)
        if not self.may_be_negative(end):
            high = self.value(end)
            return FirstEnd("le", high, high)
        if self.less_than(end) is not None:
            above = self.exclusive_end(end)
            return FirstEnd("lt", above, above, constant(1))
        taken = clamping.taken_from_parameters(end, self.symbols.is_parametric)
        if taken is not None:
            bound, shift = self.parameter(derived.exclusive(taken[0], signed=False)), self.value(taken[1])
            return FirstEnd("lt", bound, taken[0], shift, shift)
        found = clamping.sides(end, self.symbols.is_parametric)
        assert found is not None
        bound, shift = map(self.value, found)
        return FirstEnd("le", bound, bound, shift, shift)

    def exclusive_end(self, end: Expression, rd: int | None = None) -> Operand:
        """Emit max(0, end + 1), for an end that may be negative."""
        at = end.at
        if (above := self.less_than(end)) is not None:
            free = self.free
            x = self.value(above)
            self.free = free
            target = self.register() if rd is None else rd
            self.emit("mov", x, rd=target, at=at, trap=Trap.OPERANDS)
            return Operand("register", target)
        taken = clamping.taken_from_parameters(end, self.symbols.is_parametric)
        if taken is not None:
            return self.difference(derived.exclusive(taken[0], signed=False), taken[1], at, rd).operand
        found = clamping.sides(Binary("+", end, Number(1), at), self.symbols.is_parametric)
        assert found is not None
        return self.difference(*found, at, rd).operand
