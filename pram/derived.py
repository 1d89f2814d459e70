"""Derived parameters: expressions that are evaluated once, when a program is instantiated.

The machine code is the same for all sizes. It depends on n, P, the array sizes and the word size only through derived
parameters. These may use the program's parameters, `&A` (the address of array A), `#A` (its number of columns) and
`word.max` (the largest word).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from lockstep.pram.syntax import Binary, Call, Expression, For, Name, Number, Range

#: The name of the largest word in derived parameters; no program can write it.
WORD_MAX = "word.max"


def base_of(array: str) -> Expression:
    """Return an array's address."""
    return Name(f"&{array}")


def columns_of(array: str) -> Expression:
    """Return an array's number of columns."""
    return Name(f"#{array}")


def exclusive(bound: Expression) -> Expression:
    """Return max(0, bound + 1): the exclusive form of an inclusive bound, never negative."""
    return Call("max", (Number(0), Binary("+", bound, Number(1), bound.at)), bound.at)


def saturated(low: Expression) -> Expression:
    """Return min(low, largest word). A range of items that starts past the largest word is empty, and stays empty."""
    return Call("min", (low, Name(WORD_MAX, low.at)), low.at)


def clamp_if_empty(bound: Expression, nonempty: Expression) -> Expression:
    """Return the bound; if it is negative and the range is empty, 0. An empty range uses no bound."""
    return Call("max", (bound, Binary("*", bound, nonempty, bound.at)), bound.at)


def extent_bits(part: Range) -> Expression:
    """Return the number of bits for the index of an inner range: lg of its extent."""
    at = part.high.at
    extent = Binary("+", Binary("-", part.high, part.low, at), Number(1), at)
    return Call("lg", (Call("max", (Number(1), extent), at),), at)


def mask_of(width: Expression) -> Expression:
    """Return 2^width - 1."""
    return Binary("-", Binary("<<", Number(1), width, width.at), Number(1), width.at)


def sum_of(expressions: Iterable[Expression]) -> Expression:
    """Return the sum of expressions, 0 if there are none."""
    total: Expression = Number(0)
    for expression in expressions:
        total = expression if total == Number(0) else Binary("+", total, expression, expression.at)
    return total


def address_of(name: str, subscripts: tuple[Expression, ...]) -> Expression:
    """Return the address of an array entry; its subscripts are parameter expressions."""
    if not subscripts:
        return base_of(name)
    offset, at = subscripts[0], subscripts[0].at
    if len(subscripts) == 2:
        offset = Binary("+", Binary("*", offset, columns_of(name), at), subscripts[1], at)
    return Binary("+", base_of(name), offset, at)


def nonnegative_bounds(loop: For, is_parametric: Callable[[Expression], bool]) -> For:
    """Return the loop that idle processors run: it skips negative items, which no idle processor uses.

    If any processor is active, a negative item is an error, and the run ends before this makes a difference.
    """
    if loop.down and is_parametric(loop.last):
        return replace(loop, last=_nonnegative(loop.last))
    if not loop.down and is_parametric(loop.first):
        return replace(loop, first=_nonnegative(loop.first))
    return loop


def _nonnegative(bound: Expression) -> Expression:
    return bound if isinstance(bound, Number) else Call("max", (Number(0), bound), bound.at)
