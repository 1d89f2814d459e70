"""Says why a contract does not hold, with the values that matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from lockstep.pram.contracts.meaning import NoValue, Scope
from lockstep.pram.contracts.translating import translate
from lockstep.pram.expression_text import range_text, shown_text
from lockstep.pram.inputs import show_value
from lockstep.pram.syntax import COMPARISONS, Binary, Call, Expression, Name, Not, Number, Quantified, Range

#: At most so many values are shown.
MOST_VALUES = 6


def explain(expression: Expression, scope: Scope, dimensions: Mapping[str, int]) -> str:
    """Return the values because of which an expression is false: `for i = 2: A[i] is 5, A[i + 1] is 3`; "" if there are none."""
    return _Explainer(scope, dimensions).false(expression)


@dataclass(frozen=True)
class _Explainer:
    scope: Scope
    dimensions: Mapping[str, int]

    def value(self, expression: Expression) -> object:
        return translate(expression, self.dimensions)(self.scope)

    def false(self, expression: Expression) -> str:
        match expression:
            case Binary("and", left, right):
                return self.false(right) if self.value(left) else self.false(left)
            case Binary("==>", _, right):
                return self.false(right)
            case Binary("or", left, right):
                return _joined([self.false(left), self.false(right)])
            case Not(operand):
                return self.true(operand)
            case Quantified("forall", ranges, body):
                return self.witness(ranges, body, False)
            case Quantified("exists", ranges, body):
                shown = ", ".join(map(range_text, ranges))
                return f"no {shown} has {shown_text(body)}"
            case Call("sorted" | "distinct" | "permutation"):
                return self.of_arrays(expression)
        return self.values(expression)

    def true(self, expression: Expression) -> str:
        """Say why an expression is true that should not be."""
        match expression:
            case Quantified("exists", ranges, body):
                return self.witness(ranges, body, True)
            case Not(operand):
                return self.false(operand)
        return self.values(expression)

    def witness(self, ranges: tuple[Range, ...], body: Expression, truth: bool) -> str:
        """Name the first items for which a body has this truth, and say why."""
        for found in self._bindings(ranges):
            inner = _Explainer(
                Scope({**self.scope.values, **found}, self.scope.now, self.scope.old, self.scope.met), self.dimensions
            )
            if bool(inner.value(body)) == truth:
                items = ", ".join(f"{name} = {value}" for name, value in found.items())
                return f"for {items}: {inner.true(body) if truth else inner.false(body)}"
        return ""

    def _bindings(self, ranges: tuple[Range, ...]) -> Iterator[dict[str, int]]:
        if not ranges:
            yield {}
            return
        first, *rest = ranges
        values = [self.value(item) for item in first.items] if first.items else self._range(first)
        for value in values:
            assert isinstance(value, int)
            values_in = {**self.scope.values, first.variable: value}
            inner = _Explainer(Scope(values_in, self.scope.now, self.scope.old, self.scope.met), self.dimensions)
            for found in inner._bindings(tuple(rest)):
                yield {first.variable: value, **found}

    def _range(self, part: Range) -> range:
        low, high = self.value(part.low), self.value(part.high)
        assert isinstance(low, int) and isinstance(high, int)
        return range(low, high + 1)

    def values(self, expression: Expression) -> str:
        """`x is 3, A[i] is 4` for the two sides of a comparison, or for the whole."""
        if isinstance(expression, Binary) and expression.operator in COMPARISONS:
            sides = [side for side in (expression.left, expression.right) if not isinstance(side, Number)]
            return _joined([self.named(side) for side in dict.fromkeys(sides)])
        return "" if isinstance(expression, (Binary, Number)) else self.named(expression)

    def named(self, expression: Expression) -> str:
        try:
            value = self.value(expression)
        except NoValue:
            return ""
        shown = str(value).lower() if isinstance(value, bool) else show_value(value)
        return f"{shown_text(expression)} is {shown}"

    def of_arrays(self, call: Call) -> str:
        lists = [self._cells(argument) for argument in call.arguments]
        text, cells = shown_text(call.arguments[0]), lists[0]
        if call.function == "sorted":
            at = next(i for i, (a, b) in enumerate(zip(cells, cells[1:])) if a > b)
            return f"{text} holds {cells[at]} before {cells[at + 1]}, at its cells {at} and {at + 1}"
        here = Counter(cells)
        if call.function == "distinct":
            word, times = next((w, t) for w, t in here.items() if t > 1)
            return f"{text} holds {word} {_times(times)}"
        there = Counter(chain(*lists[1:]) if len(lists) > 1 else range(len(cells)))
        word = next(w for w in (*cells, *there) if here[w] != there[w])
        other = " and ".join(map(shown_text, call.arguments[1:])) or f"0 .. {len(cells) - 1}"
        hold = "hold" if len(lists) > 2 else "holds"
        return f"{text} holds {word} {_times(here[word])}, {other} {hold} it {_times(there[word])}"

    def _cells(self, argument: Expression) -> list[int]:
        found = self.value(argument) if not isinstance(argument, Name) else self.scope.now.cells(argument.name)
        assert isinstance(found, list)
        return found


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _joined(parts: list[str]) -> str:
    return ", ".join(islice((part for part in dict.fromkeys(parts) if part), MOST_VALUES))
