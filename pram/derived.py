"""Derived parameters: expressions that are evaluated once, when a program is instantiated.

The machine code is the same for all sizes. It depends on n, P, the array sizes and the word size only through derived
parameters. These may use the program's parameters, `&A` (the address of array A), `#A` and `##A` (the extents of its last axis
and of its second axis, if it has three) and `inf` (the largest word).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lockstep.pram.syntax import INF, Binary, Call, Expression, For, Name, Number, Range


def base_of(array: str) -> Expression:
    """Return an array's address, where its subscripts are 0."""
    return Name(f"&{array}")


def extent_of(array: str, axis: int, axes: int) -> Expression:
    """Return the extent of an axis after the first: the last axis, or the second of three."""
    return Name(f"#{array}" if axis == axes - 1 else f"##{array}")


def origin_of(array: str, firsts: tuple[Expression, ...]) -> Expression:
    """Return the number that, added to the offset of some subscripts, gives their address. It may be negative: addresses wrap."""
    return Binary("-", base_of(array), offset_of(array, firsts)) if firsts else base_of(array)


def offset_of(array: str, subscripts: tuple[Expression, ...]) -> Expression:
    """Return the number of cells before an entry: ((i * rows) + j) * columns + k."""
    offset, axes = subscripts[0], len(subscripts)
    for axis, subscript in enumerate(subscripts[1:], 1):
        at = subscripts[0].at
        offset = Binary("+", Binary("*", offset, extent_of(array, axis, axes), at), subscript, at)
    return offset


def exclusive(bound: Expression, signed: bool) -> Expression:
    """Return bound + 1, the exclusive form of an inclusive bound; at least the least word."""
    least = Binary("-", Number(-1), Name(INF)) if signed else Number(0)
    return Call("max", (least, Binary("+", bound, Number(1), bound.at)), bound.at)


def before_one(bound: Expression) -> Expression | None:
    """Return e for `e - 1`; None for anything else."""
    match bound:
        case Binary("-", left, Number(1)):
            return left
    return None


def saturated(low: Expression) -> Expression:
    """Return min(low, largest word). A range of items that starts past the largest word is empty, and stays empty."""
    return Call("min", (low, Name(INF, low.at)), low.at)


def clamp_if_empty(bound: Expression, nonempty: Expression) -> Expression:
    """Return the bound; if it is negative and the range is empty, 0. An empty range uses no bound."""
    return Call("max", (bound, Binary("*", bound, nonempty, bound.at)), bound.at)


def extent(part: Range) -> Expression:
    """Return the number of items of a range."""
    at = part.high.at
    return Call("max", (Number(0), Binary("+", Binary("-", part.high, part.low, at), Number(1), at)), at)


def address_of(name: str, subscripts: tuple[Expression, ...], firsts: tuple[Expression, ...]) -> Expression:
    """Return the address of an array entry; its subscripts are parameter expressions."""
    if not subscripts:
        return base_of(name)
    offset, at = offset_of(name, subscripts), subscripts[0].at
    address: Expression = Binary("+", base_of(name), offset, at)
    return Binary("-", address, offset_of(name, firsts), at) if firsts else address


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
