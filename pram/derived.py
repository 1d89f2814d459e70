"""Derived parameters: expressions that are evaluated once, when a program is instantiated.

They are all through which n, P and the array sizes reach the machine code. Besides the program's own
parameters they may name `&A`, the address of array A, and `#A`, its columns.
"""

from __future__ import annotations

from collections.abc import Iterable

from pram.syntax import Binary, Call, Expression, Name, Number, Range


def base_of(array: str) -> Expression:
    """The derived parameter that holds an array's address."""
    return Name(f"&{array}")


def columns_of(array: str) -> Expression:
    return Name(f"#{array}")


def exclusive(bound: Expression) -> Expression:
    """max(0, bound + 1): the first value past an inclusive bound, never negative."""
    return Call("max", (Number(0), Binary("+", bound, Number(1))))


def clamp_if_empty(bound: Expression, nonempty: Expression) -> Expression:
    """The bound itself, but not negative where the range is empty: then nobody uses it."""
    return Call("max", (bound, Binary("*", bound, nonempty)))


def extent_bits(part: Range) -> Expression:
    """Bits for the index of an inner range: its extent rounded up to a power of two."""
    extent = Binary("+", Binary("-", part.high, part.low), Number(1))
    return Call("lg", (Call("max", (Number(1), extent)),))


def mask_of(width: Expression) -> Expression:
    return Binary("-", Binary("<<", Number(1), width), Number(1))


def sum_of(expressions: Iterable[Expression]) -> Expression:
    total: Expression = Number(0)
    for expression in expressions:
        total = expression if total == Number(0) else Binary("+", total, expression)
    return total


def address_of(name: str, subscripts: tuple[Expression, ...]) -> Expression:
    """The address of an array entry whose subscripts are parameter expressions."""
    if not subscripts:
        return base_of(name)
    offset = subscripts[0]
    if len(subscripts) == 2:
        offset = Binary("+", Binary("*", offset, columns_of(name)), subscripts[1])
    return Binary("+", base_of(name), offset)
