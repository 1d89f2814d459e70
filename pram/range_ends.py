"""Emits the ends of ranges, and the starts of `for`.

An end that is a difference may be negative, which is no word; then the range is empty. So the machine computes no such end. It
compares i + y <= x in place of i <= x - y, and i < e in place of i <= e - 1. Elsewhere it computes max(x + 1, y) - y: the
exclusive end, which is never negative. Signed words hold negative ends, and with `wrap` no word is negative: there an end is a
word like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.pram import clamping, derived
from lockstep.pram.emitting import Emitter
from lockstep.pram.errors import Span
from lockstep.pram.instructions import Operand, Subject, Trap, constant
from lockstep.pram.syntax import Binary, Expression, For, Number


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

    # -- the starts of `for` --------------------------------------------------------------------

    def loop_test(self, loop: For) -> str:
        if loop.down:
            return "gt"
        return "lt" if self.symbols.is_parametric(loop.last) or self.may_be_negative(loop.last) else "le"

    def start_up(self, loop: For, variable: int) -> Operand:
        """Emit variable := first, and return the last bound; a parametric bound is made exclusive."""
        first, last, parametric = loop.first, loop.last, self.symbols.is_parametric
        if parametric(first) and parametric(last) and not isinstance(first, Number):
            first = derived.clamp_if_empty(first, Binary("<=", first, last))
        with self.scope():
            self.assign(variable, first, loop.at, Trap.OPERANDS)
        if parametric(last):
            return self.parameter(derived.exclusive(last, self.symbols.signed))
        return self.exclusive_end(last) if self.may_be_negative(last) else self.value(last)

    def start_down(self, loop: For, variable: int) -> Operand:
        """Emit variable := first + 1, and return the last bound. The variable is decremented before the body."""
        first, last, parametric = loop.first, loop.last, self.symbols.is_parametric
        if parametric(first):
            start = self.parameter(derived.exclusive(first, self.symbols.signed))
            self.emit("mov", start, rd=variable, at=loop.at, trap=Trap.OPERANDS)
        elif self.may_be_negative(first):
            with self.scope():
                start = self.exclusive_end(first)
            self.emit("mov", start, rd=variable, at=loop.at)
        else:
            with self.scope():
                start = self.value(first)
            self.emit("add", start, constant(1), rd=variable, at=loop.at, trap=self.checked)
        if parametric(first) and parametric(last) and not isinstance(last, Number):
            last = derived.clamp_if_empty(last, Binary("<=", last, first))
        return self.value(last)

    def start_apart(self, loop: For, variable: int) -> tuple[Operand, Operand, str]:
        """Emit the start of a `for` whose bounds differ. Return its variable, its last bound, and the test against this bound.

        An end `e - 1` is tested as e, exclusive: so `0 .. deg - 1` has no round where deg is 0.
        """
        first, last = loop.first, loop.last
        v = Operand("register", variable)
        if loop.down:
            self.assign_after(variable, first, loop.at)
            return v, self.value(last), "gt"
        with self.scope():
            self.assign(variable, first, loop.at, Trap.OPERANDS)
        if self.symbols.is_parametric(last):
            return v, self.parameter(derived.exclusive(last, self.symbols.signed)), "lt"
        if self.is_difference(last):
            return v, self.exclusive_end(last), "lt"
        before = derived.before_one(last)
        return (v, self.value(last), "le") if before is None else (v, self.value(before), "lt")

    def assign_after(self, register: int, bound: Expression, at: Span) -> None:
        """Emit register := bound + 1; for `e - 1` this is e."""
        parametric = self.symbols.is_parametric(bound)
        above = derived.exclusive(bound, self.symbols.signed) if parametric else derived.before_one(bound)
        with self.scope():
            if self.is_difference(bound):
                self.exclusive_end(bound, register)
            elif above is not None:
                self.assign(register, above, at, Trap.OPERANDS)
            else:
                self.emit("add", self.value(bound), constant(1), rd=register, at=at, trap=self.checked)
