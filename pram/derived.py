"""Derived parameters: expressions that are evaluated once, when a program is instantiated.

They are all through which n, P, the array sizes and the word size reach the machine code. Besides the program's own
parameters they may name `&A`, the address of array A, `#A`, its columns, and `word.max`, the largest word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from lockstep.pram.syntax import Binary, Call, Expression, For, Name, Number, Range

#: The largest word, which no text can name.
WORD_MAX = "word.max"


def base_of(array: str) -> Expression:
    """The derived parameter that holds an array's address."""
    return Name(f"&{array}")


def columns_of(array: str) -> Expression:
    return Name(f"#{array}")


def exclusive(bound: Expression) -> Expression:
    """max(0, bound + 1): the first value past an inclusive bound, never negative."""
    return Call("max", (Number(0), Binary("+", bound, Number(1), bound.at)), bound.at)


def saturated(low: Expression) -> Expression:
    """The low end of a range of items, or the largest word if that is less: a range from beyond it is empty, and stays so."""
    return Call("min", (low, Name(WORD_MAX, low.at)), low.at)


def clamp_if_empty(bound: Expression, nonempty: Expression) -> Expression:
    """The bound itself, but not negative where the range is empty: then nobody uses it."""
    return Call("max", (bound, Binary("*", bound, nonempty, bound.at)), bound.at)


def extent_bits(part: Range) -> Expression:
    """Bits for the index of an inner range: its extent rounded up to a power of two."""
    at = part.high.at
    extent = Binary("+", Binary("-", part.high, part.low, at), Number(1), at)
    return Call("lg", (Call("max", (Number(1), extent), at),), at)


def mask_of(width: Expression) -> Expression:
    return Binary("-", Binary("<<", Number(1), width, width.at), Number(1), width.at)


def sum_of(expressions: Iterable[Expression]) -> Expression:
    total: Expression = Number(0)
    for expression in expressions:
        total = expression if total == Number(0) else Binary("+", total, expression, expression.at)
    return total


def address_of(name: str, subscripts: tuple[Expression, ...]) -> Expression:
    """The address of an array entry whose subscripts are parameter expressions."""
    if not subscripts:
        return base_of(name)
    offset, at = subscripts[0], subscripts[0].at
    if len(subscripts) == 2:
        offset = Binary("+", Binary("*", offset, columns_of(name), at), subscripts[1], at)
    return Binary("+", base_of(name), offset, at)


def nonnegative_bounds(loop: For, is_parametric: Callable[[Expression], bool]) -> For:
    """The loop for idle processors, who skip items that are negative: nobody uses them.

    Where somebody is active, a negative item is an error before this makes a difference.
    """
    if loop.down and is_parametric(loop.last):
        return replace(loop, last=_nonnegative(loop.last))
    if not loop.down and is_parametric(loop.first):
        return replace(loop, first=_nonnegative(loop.first))
    return loop


def _nonnegative(bound: Expression) -> Expression:
    return bound if isinstance(bound, Number) else Call("max", (Number(0), bound), bound.at)
