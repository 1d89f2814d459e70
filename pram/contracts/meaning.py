"""What contracts compute with: exact integers, and shared memory as it is or was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.contracts.kinds import MAX_WIDTH
from lockstep.pram.errors import Span
from lockstep.pram.functions import FUNCTIONS
from lockstep.pram.job import Array
from lockstep.pram.word import to_signed

#: No number of a contract has more bits.
MAX_BITS = 4096


class NoValue(Exception):
    """An expression has no value: why, and where."""

    def __init__(self, message: str, at: Span) -> None:
        super().__init__(message)
        self.message, self.at = message, at


class View:
    """Shared memory at one moment, by the names of arrays. The memory, int64 [space], must not change while it is in use."""

    def __init__(self, memory: NDArray[np.int64], arrays: Mapping[str, Array]) -> None:
        self.memory, self.arrays = memory, arrays
        self._lists: dict[str, list[int]] = {}

    def cells(self, name: str) -> list[int]:
        """Return all cells of an array, row by row."""
        found = self._lists.get(name)
        if found is None:
            array = self.arrays[name]
            words = self.memory[array.base : array.base + array.size]
            found = self._lists[name] = (to_signed(words, array.signed_bits) if array.signed_bits else words).tolist()
        return found

    def cell(self, name: str) -> int:
        return self.cells(name)[0]

    def at(self, name: str, subscripts: Sequence[int], place: Span) -> int:
        """Return one cell.

        Raises: NoValue: a subscript is outside the array.
        """
        offset = self._offset(self.arrays[name], subscripts, place)
        return self.cells(name)[offset]

    def row(self, name: str, subscripts: Sequence[int], place: Span) -> list[int]:
        """Return all cells below the first subscripts: of an array, or of its row.

        Raises: NoValue: a subscript is outside the array.
        """
        array = self.arrays[name]
        length = 1
        for extent in array.shape[len(subscripts) :]:
            length *= extent
        start = self._offset(array, subscripts, place) * length
        return self.cells(name)[start : start + length]

    @staticmethod
    def _offset(array: Array, subscripts: Sequence[int], place: Span) -> int:
        offset = 0
        for axis, subscript in enumerate(subscripts):
            first, extent = array.first(axis), array.shape[axis]
            if not first <= subscript < first + extent:
                room = f"{first} .. {first + extent - 1}" if extent else "empty"
                raise NoValue(f"{array.axis_name(axis)}index {subscript} is outside `{array.name}` ({room})", place)
            offset = offset * extent + subscript - first
        return offset


class Scope:
    """What one check of a contract sees.

    values: of parameters, locals and `pid`. now, old: shared memory. met: receives the places of parts that meant something.
    """

    def __init__(self, values: Mapping[str, int], now: View, old: View, met: set[Span]) -> None:
        self.values, self.now, self.old, self.met = values, now, old, met
        self.width = 0

    def items(self, low: int, high: int, place: Span, marks: bool = False) -> range:
        """Return a range of a quantifier. marks: note that it has an item.

        Raises: NoValue: all ranges together have more than MAX_WIDTH items.
        """
        self.width += max(0, high - low + 1)
        if self.width > MAX_WIDTH:
            raise NoValue(
                f"the quantifiers of a contract go through at most {MAX_WIDTH:,} values; `--no-contracts` leaves contracts out",
                place,
            )
        if marks and high >= low:
            self.met.add(place)
        return range(low, high + 1)

    def listed(self, items: Sequence[int], place: Span, marks: bool = False) -> Sequence[int]:
        """Return the items of a list, as `items` does."""
        self.items(1, len(items), place, marks)
        return items

    def meant(self, place: Span) -> bool:
        """Note that the left side of a `==>` holds."""
        self.met.add(place)
        return True


def computed(first: int, *further: tuple[Callable[[int, int, Span], int], int, Span]) -> int:
    """Return a chain of operators, from left to right."""
    for operation, operand, place in further:
        first = operation(first, operand, place)
    return first


def divide(a: int, b: int, place: Span) -> int:
    if b == 0:
        raise NoValue(f"division by zero: {int(a)} / 0", place)
    return a // b


def remainder(a: int, b: int, place: Span) -> int:
    if b == 0:
        raise NoValue(f"division by zero: {int(a)} % 0", place)
    return a % b


def product(a: int, b: int, place: Span) -> int:
    return limited(a * b, place)


def left(a: int, b: int, place: Span) -> int:
    if not 0 <= b <= MAX_BITS:
        raise NoValue(f"shift by {b}: a contract shifts by 0 .. {MAX_BITS}", place)
    return limited(a << b, place)


def right(a: int, b: int, place: Span) -> int:
    if not 0 <= b <= MAX_BITS:
        raise NoValue(f"shift by {b}: a contract shifts by 0 .. {MAX_BITS}", place)
    return a >> b


def limited(number: int, place: Span) -> int:
    if abs(number) >> MAX_BITS:
        raise NoValue(f"a number of more than {MAX_BITS} bits", place)
    return number


def function(name: str, place: Span, *given: int) -> int:
    """Return the value of a function of the language (`lockstep.pram.functions`)."""
    row = FUNCTIONS[name]
    if row.least is not None and given[0] < row.least:
        raise NoValue(f"{name}({int(given[0])}) is not defined; {name} takes numbers from {row.least}", place)
    if name.endswith("(/)") and given[1] == 0:
        raise NoValue(f"division by zero: {int(given[0])} / 0", place)
    return row.value(*given)


def most(largest: bool, values: Iterable[int], place: Span) -> int:
    found = list(values)
    if not found:
        raise NoValue(f"the {'largest' if largest else 'least'} of no values", place)
    return max(found) if largest else min(found)


def is_sorted(cells: Sequence[int]) -> bool:
    return all(a <= b for a, b in zip(cells, cells[1:]))


def is_distinct(cells: Sequence[int]) -> bool:
    return len(set(cells)) == len(cells)


def is_permutation(cells: Sequence[int], *others: Sequence[int]) -> bool:
    return Counter(cells) == Counter(chain(*others))


#: The names that translated contracts use.
FUNCTIONS_OF_CONTRACTS: dict[str, Any] = {
    "computed": computed, "divide": divide, "remainder": remainder, "product": product, "left": left, "right": right, "limited": limited,
    "function": function, "most": most, "is_sorted": is_sorted, "is_distinct": is_distinct, "is_permutation": is_permutation,
}  # fmt: skip
