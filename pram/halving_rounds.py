"""Finds how many rounds a `while` has at most that halves a range, as a binary search does.

    while low < high do
      local mid := (low + high) / 2
      if A[mid] < x then low := mid + 1 else high := mid end
    end

Let D be high - low. The condition says that a round starts only where D >= least; here least is 1. The middle is
(low + high + extra) / 2, rounded down, which is low + h with h = (D + extra) / 2; here extra is 0. Every way through the body leaves
the loop, or changes one of the two, once: `low := mid + c` leaves D - h - c, and `high := mid + c` leaves h + c. A change to the other
end, plus c, leaves c or -c.

*Lemma.* Let V be D + 1 - least, so that a round starts only where V >= 1. If each change leaves D < least where D = least, then the loop
takes at most floor(log2 V) + 1 = lg(V + 1) rounds, with V as it is at the start, and none where V < 1. For h grows by 0 or 1 where D
grows by 1, and by 1 where D grows by 2. So does what a change leaves, or it stays. It is V <= 0 where V was 1, so it is at most V / 2,
rounded down, for every V.

`low != high` says that D >= 1 where D >= 0. That is so at the start if low is 0, and after each change that leaves D >= 0 where
D = 1.

Two things bound D at the start:

*Values.* The statements before the loop may tell what low and high hold. Then D is at most the difference, as in the bounds of a `for`.
*Cells.* Every way through the body that goes on may read `A[mid]`. Then, in the first round, low + h is at most the last subscript of
A, or the machine refuses the read. So h <= last - low, and D + extra <= 2 (last - low) + 1. What low is at least must be known. At
least one round is taken, so that a processor whose D is larger makes the read.

So after these rounds each processor is done, or was refused before. `UnfinishedCheck` guards the loop all the same, as any other. All
this is said of exact integers, so nothing is told with `wrap`. Nobody else changes low, high and mid: they are no shared cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from lockstep.pram.assignments import assigned
from lockstep.pram.bounds import Range, as_expression, differences, less, plus, polynomial, times
from lockstep.pram.declarations import Symbols
from lockstep.pram.index_rounds import Round, Uses
from lockstep.pram.known_values import Values, is_short
from lockstep.pram.syntax import Assign, Binary, Break, Call, Expression, If, Index, Local, Name, Number, Return, Statement, While


@dataclass(frozen=True)
class _Gap:
    """What holds where a round starts: high - low >= least. stays: and at the end of each round high - low >= 0 must hold."""

    low: str
    high: str
    least: int
    stays: bool = False


def rounds_by_halving(
    loop: While, symbols: Symbols, written: frozenset[str], values: Values, ranges: Mapping[str, Range]
) -> Expression | None:
    """Return a parameter expression for the most rounds of a loop; None if it does not halve a range, or nothing bounds the range.

    Args:
        written: all names to which some statement of the program assigns.
        values: what is known of locals where the loop starts.
        ranges: those of the loop variables around it.
    """
    if symbols.word is not None and symbols.word.wrap:
        return None
    for gap in _gaps(loop.condition, values, symbols):
        if halving := _Halving.found(loop, gap, symbols):
            reads = _Reads(symbols, written, assigned(loop)).block(halving.rest, {}) or {}
            most = _most(
                halving, reads.get(halving.middle, ()), values, lambda high, low: differences(high, low, symbols, ranges)
            )
            return Call("lg", (reduce(lambda a, b: Call("min", (a, b)), most),)) if most else None
    return None


def _most(
    halving: _Halving, lasts: Iterable[Expression], values: Values, most: Callable[[Expression, Expression], list[Expression]]
) -> list[Expression]:
    """Return parameter expressions, each at least V + 1.

    Args: lasts: of the arrays that each round reads at the middle. most: gives what a difference is at most.
    """
    low, high = (values.get(name, Name(name)) for name in (halving.gap.low, halving.gap.high))
    by_values = [_scaled(size, 1, 2 - halving.gap.least) for size in most(high, low)]
    by_cells = [_scaled(half, 2, 3 - halving.gap.least - halving.extra) for last in lasts for half in most(last, low)]
    at_least = [(1, by_values), (2, by_cells)]
    return list(dict.fromkeys(Call("max", (Number(least), e)) for least, found in at_least for e in found))


def _scaled(expression: Expression, factor: int, more: int) -> Expression:
    """Return factor * expression + more."""
    return as_expression(plus(times(polynomial(expression), {(): factor}), {(): more}))


def _gaps(condition: Expression, values: Values, symbols: Symbols) -> Iterator[_Gap]:
    """Yield what a condition says of two locals."""
    todo = [condition]
    while todo:
        match todo.pop():
            case Binary("and", left, right):
                todo += [left, right]
            case Binary("<" | ">" | "<=" | ">=" | "!=" as operator, left, right) if is_short(left) and is_short(right):
                pairs = {"<": [(left, right)], ">": [(right, left)], "!": [(left, right), (right, left)]}
                found = [_gap(a, b, int("=" not in operator), operator == "!=") for a, b in pairs[operator[0]]]
                local = [gap for gap in found if gap is not None and not {gap.low, gap.high} & symbols.arrays.keys()]
                from_0 = [gap for gap in local if values.get(gap.low) == Number(0) and not symbols.signed]
                yield from from_0 if operator == "!=" else local


def _gap(low: Expression, high: Expression, least: int, differ: bool) -> _Gap | None:
    """Return what high - low >= least says; if `differ`, what high != low says where high is not the less."""
    found = dict(less(polynomial(high), polynomial(low)))
    constant = found.pop((), 0)
    match {coefficient: atoms for atoms, coefficient in found.items()}:
        case {1: (Name(a),), -1: (Name(b),)} if len(found) == 2 and not (differ and constant):
            return _Gap(b, a, 1 if differ else least - constant, differ)
    return None


@dataclass(frozen=True)
class _Halving:
    """A loop that halves a range. middle: the local that a round sets to (low + high + extra) / 2; rest: the statements after it."""

    gap: _Gap
    middle: str
    extra: int
    rest: tuple[Statement, ...]

    @classmethod
    def found(cls, loop: While, gap: _Gap, symbols: Symbols) -> _Halving | None:
        for number, statement in enumerate(loop.body):
            if assigned(statement) & {gap.low, gap.high}:
                return None
            if isinstance(statement, (Local, Assign)) and statement.name not in symbols.arrays:
                extra = _extra(statement.value, gap)
                halving = cls(gap, statement.name, extra or 0, loop.body[number + 1 :])
                if extra is not None and halving.changes(halving.rest) == {1}:
                    return halving
        return None

    def changes(self, body: Iterable[Statement]) -> set[int]:
        """Return how often the ways through a body that go on change the range; 2 also stands for changes that do not halve it."""
        found = {0}
        for statement in body:
            match statement:
                case Break() | Return():
                    return set()
                case If(_, then, otherwise):
                    here = self.changes(then) | self.changes(otherwise)
                case Assign(name, value) if name in (self.gap.low, self.gap.high):
                    here = {1 if self.halves(name, value) else 2}
                case _:
                    here = {2 if assigned(statement) & {self.gap.low, self.gap.high, self.middle} else 0}
            found = {min(2, a + b) for a in found for b in here}
        return found

    def halves(self, name: str, value: Expression) -> bool:
        """Return whether an assignment ends the loop where high - low = least: what the lemma needs."""
        moved = dict(polynomial(value)) if is_short(value) else {}
        constant = moved.pop((), 0)
        ends = {self.gap.low: 0, self.gap.high: self.gap.least, self.middle: (self.gap.least + self.extra) // 2}
        for base, place in ends.items():
            if base != name and moved == {(Name(base),): 1}:
                ends = {**ends, name: place + constant}
                left = ends[self.gap.high] - ends[self.gap.low]
                return left < self.gap.least and (left >= 0 or not self.gap.stays)
        return False


class _Reads(Round):
    """A walk over all ways through a round. It finds the last subscripts of the arrays whose subscript is one name."""

    def used(self, index: Index, uses: Uses) -> Uses:
        array = self.symbols.arrays.get(index.name)
        firsts = array.firsts if array and array.firsts else (Number(0),) * len(index.subscripts)
        for subscript, extent, first in zip(index.subscripts, array.dimensions if array else (), firsts):
            if isinstance(subscript, Name):
                last = as_expression(less(plus(polynomial(first), polynomial(extent)), {(): 1}))
                uses = {**uses, subscript.name: (*uses.get(subscript.name, ()), last)}
        return uses


def _extra(value: Expression, gap: _Gap) -> int | None:
    """Return e where a value is (low + high + e) / 2, rounded down; None if it is not. `low + (high - low) / 2` is, with e = 0."""
    if not is_short(value):
        return None
    whole = polynomial(value)
    for atoms, coefficient in whole.items():
        match atoms:
            case (Binary("/", inner, Number(2)),) | (Binary(">>", inner, Number(1)),) if coefficient == 1:
                double = dict(plus(polynomial(inner), times(less(whole, {atoms: 1}), {(): 2})))
                extra = double.pop((), 0)
                if double == {(Name(gap.low),): 1, (Name(gap.high),): 1}:
                    return extra
    return None
