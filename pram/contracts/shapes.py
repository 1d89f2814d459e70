"""Reads out of `requires` what can be drawn directly: the words that each cell may hold, and how cells compare with each other.

`sorted(A)`, `A[i] <= A[i + 1]` and `O[v] < O[v + 1]` say which cells are below which others. `distinct(A)`, `permutation(A)` and
`U[e] != V[e]` say which cells hold different words. Bounds, and everything about a single cell, narrow the words of a cell. What is not
read here is left to redrawing (`fulfilling.py`), so nothing needs to be complete. A cell is the number of its address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from math import prod

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.contracts.meaning import NoValue, Scope, View
from lockstep.pram.contracts.orders import FAR, Below, Order, orders_of, spread
from lockstep.pram.contracts.translating import OF_ARRAYS, names_in, translate
from lockstep.pram.errors import Span
from lockstep.pram.job import Array
from lockstep.pram.ranges import DEFAULT_HIGH, InputRange
from lockstep.pram.syntax import COMPARISONS, Binary, Call, Expression, Index, Name, Quantified, Range, walk

Words = NDArray[np.int64]
Values = Mapping[str, int]

#: At most so many items of quantifiers are read, and so many words tried in single cells.
MOST_ITEMS, MOST_TRIED = 200_000, 200_000
#: The words of a cell are tried one by one if there are at most so many.
MOST_WORDS = 256
#: `c < A[i]` is `A[i] > c`.
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass
class Shapes:
    """What is known of the input cells of some parameters, int64 [cells] each.

    low, high: the words to draw from. most: the largest word allowed, above `high` where nothing is said. floor, roof: the ends of
               declared ranges, or of all words.
    options:   the words of cells that may not hold all of low .. high.
    below:     (a, b, gap): the word of a, plus gap, is at most that of b. orders: cells that `below` joins.
    apart:     groups of cells with different words.
    copies:    (from, to, exact): the second cells hold the words of the first ones, in the same order if exact.
    """

    arrays: tuple[Array, ...]
    low: Words
    high: Words
    most: Words
    floor: Words
    roof: Words
    options: dict[int, list[int]] = field(default_factory=dict)
    below: list[Below] = field(default_factory=list)
    apart: list[tuple[int, ...]] = field(default_factory=list)
    copies: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    @property
    def possible(self) -> bool:
        """Whether each cell has a word, and cells that differ have enough of them; else no input fulfils everything."""
        enough = (self.most[list(group)].max() - self.low[list(group)].min() + 1 >= len(group) for group in self.apart if group)
        return bool((self.low <= self.high).all()) and all(self.options.values()) and all(enough)

    def words_of(self, cell: int) -> Sequence[int]:
        """The words to draw for a cell, at least one."""
        low, high = int(self.low[cell]), int(self.high[cell])
        return self.options.get(cell) or range(low, max(low, high) + 1)

    def takes(self, cell: int, word: int) -> bool:
        """Whether a cell may hold a word, as far as it is known."""
        if cell in self.options:
            return word in self.options[cell]
        return bool(self.low[cell] <= word <= self.most[cell])


def conjuncts_of(condition: Expression) -> Iterator[Expression]:
    """Yield the parts that `and` joins."""
    if isinstance(condition, Binary) and condition.operator == "and":
        yield from conjuncts_of(condition.left)
        yield from conjuncts_of(condition.right)
    else:
        yield condition


def bindings(ranges: Sequence[Range], values: Values, scope: Reading) -> Iterator[Values]:
    """Yield the values of a quantifier's variables, beside `values`.

    Raises: NoValue: the end of a range has no value.
    """
    if not ranges:
        yield values
        return
    part = ranges[0]
    if part.items:
        items: Sequence[int] = [scope.value(item, values) for item in part.items]
    else:
        items = range(scope.value(part.low, values), scope.value(part.high, values) + 1)
    for item in items:
        yield from bindings(ranges[1:], {**values, part.variable: item}, scope)


class Reading:
    """Computes expressions of contracts on the input cells. memory: their words, int64 [cells], or None if no cell is known."""

    def __init__(self, arrays: Sequence[Array], memory: Words | None = None) -> None:
        self.arrays = {array.name: array for array in arrays}
        self.dimensions = {array.name: len(array.shape) for array in arrays}
        self.view = View(np.zeros(0, np.int64) if memory is None else memory, self.arrays)
        self.knows_cells = memory is not None
        self._met: set[Span] = set()
        self._read: dict[int, bool] = {}

    def value(self, expression: Expression, values: Values) -> int:
        """Return a number or truth value.

        Raises: NoValue: it has none here, since it needs cells that are not known, or `inf`, or is undefined.
        """
        if not self.knows_cells and self.reads(expression):
            raise NoValue("no cell is known", expression.at)
        try:
            return int(translate(expression, self.dimensions)(Scope(values, self.view, self.view, self._met)))  # type: ignore[call-overload, no-any-return]
        except KeyError:  # `inf`, before the size of words is known
            raise NoValue("a name has no value yet", expression.at) from None

    def reads(self, expression: Expression) -> bool:
        """Whether an expression reads shared memory."""
        found = self._read.get(id(expression))
        if found is None:
            found = self._read[id(expression)] = not names_in(expression).isdisjoint(self.arrays) or any(
                isinstance(node, Index) for node in walk(expression)
            )
        return found

    def cell(self, expression: Expression, values: Values) -> int | None:
        """Return the cell that an expression names, if it does nothing else."""
        match expression:
            case Name(name) if self.dimensions.get(name) == 0:
                return self.arrays[name].base
            case Index(name, subscripts) if len(subscripts) == self.dimensions[name]:
                found = self.row(expression, values)
                return found[0] if found else None
        return None

    def row(self, expression: Expression, values: Values) -> tuple[int, ...]:
        """Return the cells of a whole array, a row or a cell; () for other expressions."""
        match expression:
            case Name(name) if name in self.arrays:
                subscripts: tuple[Expression, ...] = ()
            case Index(name, subscripts):
                pass
            case _:
                return ()
        array = self.arrays[name]
        try:
            offset = View._offset(array, [self.value(each, values) for each in subscripts], expression.at)
        except NoValue:
            return ()
        length = prod(array.shape[len(subscripts) :])
        return tuple(range(array.base + offset * length, array.base + (offset + 1) * length))

    def cells_read(self, expression: Expression, values: Values, most: int) -> list[int]:
        """Return cells that an expression reads, also in the first items of its quantifiers, each once: `most`, or a few more."""
        found: dict[int, None] = {}
        todo = [(expression, values)]
        while todo and len(found) < most:
            node, known = todo.pop()
            found.update((cell, None) for row in self.cells_in(node, known) for cell in row)
            for below in walk(node):
                if isinstance(below, Quantified):
                    with suppress(NoValue):
                        todo += [(below.body, items) for items in islice(bindings(below.ranges, known, self), most)]
        return list(found)

    def cells_in(self, expression: Expression, values: Values) -> list[tuple[int, ...]]:
        """Return the cells that each name of arrays in an expression means; () for one whose subscripts are not known here."""
        named = [node for node in walk(expression) if isinstance(node, (Name, Index)) and node.name in self.arrays]
        return [self.row(node, values) for node in named]


def read_shapes(conditions: Sequence[Expression], values: Values, ranges: Sequence[InputRange], least: int, top: int) -> Shapes:
    """Read the shapes of inputs for some parameters.

    Args: conditions: what the program requires. values: of all parameters. ranges: of the inputs, in the order of addresses.
          least, top: the least and the largest word.
    """
    reader = _Reader(ranges, values)
    for condition in conditions:
        reader.read(condition, values)
    return reader.shapes(least, top)


class _Reader:
    """Collects shapes, condition by condition."""

    def __init__(self, ranges: Sequence[InputRange], values: Values) -> None:
        self.ranges = ranges
        self.arrays = tuple(each.array for each in ranges)
        self.reading = Reading(self.arrays)
        cells = sum(array.size for array in self.arrays)
        self.least, self.most = np.full(cells, -FAR), np.full(cells, FAR)
        self.filters: dict[int, list[tuple[Expression, Values]]] = {}
        self.below: list[Below] = []
        self.apart: list[tuple[int, ...]] = []
        self.copies: list[tuple[tuple[int, ...], tuple[int, ...], bool]] = []
        self.left = MOST_ITEMS

    def read(self, condition: Expression, values: Values) -> None:
        self.left -= 1
        match condition:
            case Binary("and", left, right):
                self.read(left, values)
                self.read(right, values)
            case Binary("==>", left, right):
                if not self.reading.reads(left) and self._holds(left, values):
                    self.read(right, values)
                elif self.reading.reads(left):
                    self.single(condition, values)
            case Quantified("forall", ranges, body):
                self.each(ranges, body, values)
            case Call(function, arguments) if function in OF_ARRAYS:
                self.whole(function, [self.reading.row(argument, values) for argument in arguments])
            case Binary(operator, left, right) if operator in COMPARISONS:
                self.comparison(condition, values)
            case _:
                self.single(condition, values)

    def _holds(self, condition: Expression, values: Values) -> bool:
        try:
            return bool(self.reading.value(condition, values))
        except NoValue:
            return False

    def each(self, ranges: Sequence[Range], body: Expression, values: Values) -> None:
        try:
            for found in bindings(ranges, values, self.reading):
                if self.left <= 0:
                    return
                self.read(body, found)
        except NoValue:
            return

    def whole(self, function: str, rows: list[tuple[int, ...]]) -> None:
        first = rows[0]
        if function == "sorted":
            self.below += [(a, b, 0) for a, b in zip(first, first[1:])]
        elif function == "distinct" or len(rows) == 1:
            self.apart.append(first)
        if function == "permutation" and len(rows) == 1:
            for cell in first:
                self.bound(cell, ">=", 0)
                self.bound(cell, "<=", len(first) - 1)
        elif function == "permutation":
            others = tuple(cell for row in rows[1:] for cell in row)
            if len(first) == len(others):
                self.copies.append((others, first, False) if len(rows) > 2 else (first, others, False))

    def comparison(self, condition: Binary, values: Values) -> None:
        operator, left, right = condition.operator, condition.left, condition.right
        one, other = self.reading.cell(left, values), self.reading.cell(right, values)
        if one is not None and other is not None:
            self.pair(one, operator, other)
        elif one is None and other is None:
            rows = self.reading.row(left, values), self.reading.row(right, values)
            if operator == "==" and rows[0] and len(rows[0]) == len(rows[1]):
                self.copies.append((*rows, True))
            else:
                self.single(condition, values)
        else:
            cell, text, side = (one, operator, right) if one is not None else (other, MIRRORED.get(operator, operator), left)
            assert cell is not None
            if self.reading.reads(side) or operator == "!=":
                self.single(condition, values)
            else:
                self.bound(cell, text, side, values)

    def pair(self, one: int, operator: str, other: int) -> None:
        """`A[i] <= A[i + 1]`."""
        if operator in (">", ">="):
            one, operator, other = other, MIRRORED[operator], one
        if operator in ("<", "<="):
            self.below.append((one, other, int(operator == "<")))
        elif operator == "!=":
            self.apart.append((one, other))
        else:
            self.copies.append(((one,), (other,), True))

    def bound(self, cell: int, operator: str, side: Expression | int, values: Values | None = None) -> None:
        """`A[i] < n`."""
        try:
            limit = side if isinstance(side, int) else self.reading.value(side, values or {})
        except NoValue:
            return
        limit = max(-FAR, min(FAR, limit))
        if operator in (">", ">=", "=="):
            self.least[cell] = max(self.least[cell], limit + (operator == ">"))
        if operator in ("<", "<=", "=="):
            self.most[cell] = min(self.most[cell], limit - (operator == "<"))

    def single(self, condition: Expression, values: Values) -> None:
        """Note a condition on one cell alone, such as `A[i] % 2 == 0`."""
        if any(isinstance(node, Quantified) or isinstance(node, Call) and node.function in OF_ARRAYS for node in walk(condition)):
            return
        cells = set(self.reading.cells_in(condition, values))
        if len(cells) == 1 and len(found := cells.pop()) == 1:
            self.filters.setdefault(found[0], []).append((condition, values))

    # -- the shapes --------------------------------------------------------------------------------

    def shapes(self, least: int, top: int) -> Shapes:
        orders = orders_of(self.below)
        spread(orders, self.least, self.most)
        found = self._ranges(least, top)
        found.below, found.apart, found.copies, found.orders = self.below, self.apart, self.copies, orders
        self._make_room(found)
        spread(orders, found.low, found.high)
        spread(orders, found.low, found.most)
        self._try_words(found)
        return found

    def _ranges(self, least: int, top: int) -> Shapes:
        """Join the bounds with declared ranges. Where only one bound is known, the other one leaves as much room as usual."""
        columns: list[list[Words]] = [[np.zeros(0, np.int64)] for _ in range(5)]
        for each in self.ranges:
            cells = slice(each.array.base, each.array.base + each.array.size)
            floor = least if each.array.low is None else each.array.low
            roof = top if each.array.high is None else each.array.high
            low, high = np.maximum(self.least[cells], floor), np.minimum(self.most[cells], roof)
            allowed = high
            if each.array.high is None:
                usual = np.where(self.least[cells] > each.high, np.minimum(low + DEFAULT_HIGH, roof), each.high)
                high = np.where(self.most[cells] == FAR, np.minimum(usual, roof), high)
            if each.array.low is None:
                usual = np.where(self.most[cells] < each.low, np.maximum(high - DEFAULT_HIGH, floor), each.low)
                low = np.where(self.least[cells] == -FAR, np.maximum(usual, floor), low)
            ends = np.full_like(low, floor), np.full_like(low, roof)
            for column, part in zip(columns, (low, high, allowed, *ends)):
                column.append(part)
        arrays = tuple(replace(array, signed_bits=0) for array in self.arrays)
        low, high, allowed, floors, roofs = (np.concatenate(parts).astype(np.int64) for parts in columns)
        return Shapes(arrays, low, high, allowed, floors, roofs)

    def _make_room(self, found: Shapes) -> None:
        """Where no largest word is said, leave as many words as cells that must differ."""
        groups = [*self.apart, *(order.cells for order in found.orders if any(gap for _, _, gap in order.below))]
        for group in groups:
            cells = list(group)
            low, high = found.low[cells], found.high[cells]
            roomy = np.minimum(low + 2 * len(cells), found.most[cells])
            found.high[cells] = np.where(high < low + len(cells) - 1, np.maximum(high, roomy), high)

    def _try_words(self, found: Shapes) -> None:
        """Try the words of cells about which more is said."""
        left = MOST_TRIED
        for cell, conditions in self.filters.items():
            low, high = int(found.low[cell]), int(found.high[cell])
            for last in (high, min(int(found.most[cell]), low + MOST_WORDS - 1)):
                left -= last - low + 1
                if last - low >= MOST_WORDS or left < 0:
                    break
                found.options[cell] = [word for word in range(low, last + 1) if self._takes(cell, word, conditions)]
                if found.options[cell]:
                    break
            if not found.options.get(cell, True) and found.most[cell] > low + MOST_WORDS:
                del found.options[cell]  # a larger word may do

    def _takes(self, cell: int, word: int, conditions: Sequence[tuple[Expression, Values]]) -> bool:
        view = _Everywhere(word)
        try:
            return all(
                translate(condition, self.reading.dimensions)(Scope(values, view, view, set()))
                for condition, values in conditions
            )
        except NoValue:
            return False
        except KeyError:  # `inf`
            return True


class _Everywhere(View):
    """A memory whose cells all hold one word."""

    def __init__(self, word: int) -> None:
        super().__init__(np.zeros(0, np.int64), {})
        self.word = word

    def at(self, name: str, subscripts: Sequence[int], place: Span) -> int:
        return self.word

    def cell(self, name: str) -> int:
        return self.word
