"""Contracts for the evaluator: `requires`, `ensures`, `assert` and `invariant`, of one processor at a time, at no cost.

Numbers are Python's integers, and truth values are 0 and 1. A whole array is its list of rows. What has no value is an error, where
it is needed: `and`, `or`, `==>`, `if` and quantifiers take what they need from left to right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any, Union

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name, ProgramText
from oracles.ends import Ends
from oracles.meaning import BOTTOM, NO, TOP, YES
from oracles.memory import Array, Arrays
from oracles.plain import PLAIN, Params, Trap

#: A number, or a whole array or row as a nested list.
Value = Union[int, list[Any]]


class NoValue(Exception):
    """What was needed has no value."""


class Broken(Trap):
    """A contract that does not hold, or has no value. at: the place of the word. processors: for whom, at this place."""

    def __init__(self, kind: str, at: syntax.Span, processors: list[int], has_value: bool, time: int) -> None:
        super().__init__("contract", f"{kind} in line {at.line}, of processors {processors}")
        self.clause, self.at, self.processors, self.has_value, self.time = kind, at, processors, has_value, time


class Promising(Ends):
    """A run that checks contracts where processors stand."""

    def __init__(self, tree: ProgramText, params: Params, arrays: Arrays, word_bits: int | None, max_steps: int) -> None:
        super().__init__(tree, params, arrays, word_bits, max_steps)
        self.given = list(self.memory)
        self.kept: dict[str, dict[int, list[int]]] = {}  # by the label of a snapshot: for each processor, the memory

    def promises(self, kind: type[syntax.Requires | syntax.Ensures]) -> None:
        """Check what the program requires, before the first step, or what it ensures, after the last."""
        for promise in self._all(kind):
            self.hold(kind.__name__.lower(), promise, [])

    def invariants(
        self, s: syntax.While | syntax.Repeat | syntax.For, active: list[int], here: dict[int, int] | None = None
    ) -> None:
        """Check the invariants of a loop. here: the values of its variable in the round that comes, or after the last one."""
        if s.invariants and isinstance(s, syntax.For) and here is not None:
            self.set(s.variable, [here[p] for p in active], active)
        for invariant in s.invariants:
            if active:
                self.hold("invariant", invariant, active)

    def keep(self, label: str, active: list[int]) -> None:
        self.kept.setdefault(label, {}).update(dict.fromkeys(active, list(self.memory)))

    def hold(
        self, kind: str, said: syntax.Requires | syntax.Ensures | syntax.Assert | syntax.Invariant, active: list[int]
    ) -> None:
        """Check a contract for some processors, or once for the whole run if there are none. Raises Broken."""
        failing: dict[int, bool] = {}
        for p in active or [-1]:
            own = {name: column[p] for name, column in self.locals.items()} if active else {}
            earlier = self.kept[said.since][p] if isinstance(said, syntax.Assert) and said.since else self.given
            seen = Seen(self.arrays, self.memory, earlier, own, self.params, self.signed)
            try:
                if not seen.of(said.condition):
                    failing[p] = True
            except NoValue:
                failing[p] = False
        if failing:
            raise Broken(kind, said.at, [p for p in failing if p >= 0], next(iter(failing.values())), self.time)


@dataclass
class Seen:
    """What one processor sees: arrays and cells now and at the start, its own names, and the names of all."""

    arrays: dict[str, Array]
    memory: list[int]
    given: list[int]
    own: dict[str, int]
    common: Params
    signed: bool

    def of(self, condition: Expression) -> bool:
        """Whether a contract holds. Raises NoValue."""
        return self.value(condition, {}, self.memory) != 0

    def value(self, e: Expression, bound: dict[str, int], cells: list[int]) -> Any:
        def below(inner: Expression) -> Any:
            return self.value(inner, bound, cells)

        match e:
            case syntax.Number(number):
                return number
            case Name(name):
                return self.named(name, bound, cells)
            case syntax.Index(name, subscripts):
                return self.cell(self.arrays[name], [below(s) for s in subscripts], cells)
            case syntax.Not(operand):
                return int(not below(operand))
            case syntax.Conditional(condition, yes, no):
                return below(yes if below(condition) else no)
            case syntax.Binary():
                return self.joined(e, below)
            case syntax.Quantified(word, ranges, body):
                return quantified(
                    word, (self.value(body, {**bound, **items}, cells) for items in self.items(ranges, bound, cells))
                )
            case syntax.Call("old", (inner,)):
                return self.value(inner, bound, self.given)
            case syntax.Call("sorted" | "distinct" | "permutation" as of_arrays, arguments):
                return int(said_of_arrays(of_arrays, [flat(below(a)) for a in arguments]))
            case syntax.Call(("max" | "min") as word, arguments):
                return PLAIN[word](*map(below, arguments))
            case syntax.Call():
                return function(e, below)
        raise TypeError(f"not an expression of contracts: {e}")

    def named(self, name: str, bound: dict[str, int], cells: list[int]) -> Any:
        if name in bound:
            return bound[name]
        if name in self.arrays:
            return self.cell(self.arrays[name], [], cells)
        if name in self.own or name in self.common:
            return self.own[name] if name in self.own else self.common[name]
        most = self.common["inf"]
        least = -most - 1 if self.signed else 0
        meant = {**dict.fromkeys(TOP, most), **dict.fromkeys(BOTTOM, least), **dict.fromkeys(YES, 1), **dict.fromkeys(NO, 0)}
        return meant[name]

    def cell(self, array: Array, subscripts: list[int], cells: list[int]) -> Any:
        """A cell, or with fewer subscripts the part of the array that begins with them."""
        at = [self.own["pid"], *subscripts] if array.role == "local" else subscripts
        for i, first, extent in zip(at, array.firsts, array.shape):
            if not first <= i < first + extent:
                raise NoValue
        rest = array.shape[len(at) :]
        begin = array.address([*at, *array.firsts[len(at) :]])
        return nested(cells[begin : begin + prod(rest)], rest)

    def joined(self, top: syntax.Binary, below: Callable[[Expression], Any]) -> Any:
        """A chain of operators, without recursion over left operands."""
        first, *others = syntax.left_chain(top)
        found = self.pair(first.operator, below(first.left), first.right, below)
        for node in others:
            found = self.pair(node.operator, found, node.right, below)
        return found

    def pair(self, operator: str, a: Any, right: Expression, below: Callable[[Expression], Any]) -> Any:
        match operator:
            case "and":
                return int(bool(a) and bool(below(right)))
            case "or":
                return int(bool(a) or bool(below(right)))
            case "==>":
                return int(not a or bool(below(right)))
        b = below(right)
        if isinstance(a, list):  # whole arrays: cell by cell, in the order of rows
            a, b = flat(a), flat(b)
        if operator in ("/", "%") and b == 0 or operator in ("<<", ">>") and not 0 <= b <= 4096:
            raise NoValue
        return int(PLAIN[operator](a, b))

    def items(self, ranges: tuple[syntax.Range, ...], bound: dict[str, int], cells: list[int]) -> Iterator[dict[str, int]]:
        """The values of the variables of a quantifier; a later range may name an earlier variable."""
        if not ranges:
            yield {}
            return
        part, *later = ranges
        if part.items:
            numbers: Iterable[int] = [self.value(item, bound, cells) for item in part.items]
        else:
            low, high = self.value(part.low, bound, cells), self.value(part.high, bound, cells)
            numbers = range(low, high + 1)
        for number in numbers:
            mine = {part.variable: number}
            for others in self.items(tuple(later), {**bound, **mine}, cells):
                yield {**mine, **others}


def function(e: syntax.Call, below: Callable[[Expression], Any]) -> int:
    """A function of one argument, where it has a value. `floor` and `ceil` round a logarithm, a root or a quotient."""
    (argument,) = e.arguments
    up = e.function == "ceil"
    match argument:
        case syntax.Binary("/", left, right) if e.function in ("floor", "ceil"):
            a, b = below(left), below(right)
            if b == 0:
                raise NoValue
            return int(-(-a // b) if up else a // b)
        case syntax.Call(inner, (x,)) if e.function in ("floor", "ceil"):
            return rounded(inner, below(x), up)
    number = below(argument)
    if e.function in ("lg", "sqrt"):
        return rounded("log" if e.function == "lg" else "sqrt", number, e.function == "lg")
    digits = f"{number:b}"
    if number < (e.function == "ctz"):
        raise NoValue
    return digits.count("1") if e.function == "popcount" else len(digits) - len(digits.rstrip("0"))


def rounded(inner: str, number: int, up: bool) -> int:
    """A logarithm to base 2, or a root, by bisection."""
    if number < (inner == "log"):
        raise NoValue

    def reaches(k: int) -> bool:
        return bool((1 << k if inner == "log" else k * k) <= number)

    low, high = 0, 1 + (len(f"{number:b}") if inner == "log" else number)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    exact = number == (1 << low if inner == "log" else low * low)
    return low + (up and not exact)


def quantified(word: str, values: Iterator[Any]) -> int:
    """What a quantifier says of the values of its body, which are computed one by one."""
    match word:
        case "forall":
            return int(all(values))
        case "exists":
            return int(any(values))
        case "count":
            return sum(value != 0 for value in values)
        case "sum":
            return sum(values)
    numbers = list(values)
    if not numbers:
        raise NoValue
    return int(PLAIN[word](numbers))  # type: ignore[call-arg]


def said_of_arrays(word: str, arrays: list[list[int]]) -> bool:
    first = arrays[0]
    match word:
        case "sorted":
            return first == sorted(first)
        case "distinct":
            return len(set(first)) == len(first)
    others = [word for other in arrays[1:] for word in other]
    return sorted(first) == (sorted(others) if len(arrays) > 1 else list(range(len(first))))


def nested(cells: list[int], shape: tuple[int, ...]) -> Any:
    """Cells in rows; a cell alone if there is no axis."""
    if not shape:
        return cells[0]
    size = prod(shape[1:])
    return [nested(cells[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]


def flat(value: Any) -> list[int]:
    return [value] if isinstance(value, int) else list(chain.from_iterable(map(flat, value)))
