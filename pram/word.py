"""Defines the word operations. `lockstep.compiler.gates` computes them with gates.

A word is an unsigned integer of `bits` bits, 2 <= bits <= 24, stored as int64. An operation is defined by its *exact*
integer result. Its word is the exact result modulo 2^bits. If the two differ, the operation overflows (the result is too
large) or underflows (it is negative).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]
Integers = TypeVar("Integers", int, Words)

MIN_WORD_BITS, MAX_WORD_BITS = 2, 24


@dataclass(frozen=True)
class WordOperation:
    """One row of WORD_OPERATIONS.

    symbol:    the operator of the language; "" if there is none.
    exact:     takes two words; shift amounts are already clipped to the word size.
    examples:  written by hand, in words of 4 bits: (x, y, result), or (x, y, result, 1) where a checked machine refuses it.
    saturates: a result above the largest word becomes the largest word, so it is never an error.
    """

    name: str
    symbol: str
    exact: Callable[[Words, Words], Words]
    examples: tuple[tuple[int, ...], ...] = ()
    is_shift: bool = False
    saturates: bool = False


def _truth(compare: Callable[[Words, Words], NDArray[np.bool_]]) -> Callable[[Words, Words], Words]:
    return lambda x, y: compare(x, y).astype(np.int64)


WORD_OPERATIONS = {
    operation.name: operation
    for operation in (
        WordOperation("copy", "", lambda x, y: x),
        WordOperation("add", "+", lambda x, y: x + y, ((3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 1, 1), (15, 15, 14, 1))),
        WordOperation("addsat", "", lambda x, y: x + y,
                      ((3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 15), (1, 15, 15), (15, 15, 15)), saturates=True),
        WordOperation("sub", "-", lambda x, y: x - y, ((9, 4, 5), (4, 4, 0), (3, 5, 14, 1), (0, 15, 1, 1))),
        WordOperation("mul", "*", lambda x, y: x * y, ((3, 5, 15), (0, 9, 0), (1, 13, 13), (7, 7, 1, 1), (15, 15, 1, 1))),
        WordOperation("and", "&", lambda x, y: x & y, ((12, 10, 8), (15, 6, 6), (5, 10, 0))),
        WordOperation("or", "|", lambda x, y: x | y, ((12, 10, 14), (5, 10, 15), (0, 0, 0))),
        WordOperation("xor", "^", lambda x, y: x ^ y, ((12, 10, 6), (15, 15, 0), (5, 10, 15))),
        WordOperation("shl", "<<", lambda x, y: x << y,
                      ((3, 2, 12), (1, 3, 8), (9, 0, 9), (9, 1, 2, 1), (1, 4, 0, 1), (0, 9, 0, 1)), is_shift=True),
        WordOperation("shr", ">>", lambda x, y: x >> y,
                      ((12, 2, 3), (15, 3, 1), (9, 0, 9), (15, 4, 0, 1), (8, 15, 0, 1)), is_shift=True),
        WordOperation("eq", "==", _truth(np.equal), ((7, 7, 1), (7, 8, 0), (0, 15, 0))),
        WordOperation("ne", "!=", _truth(np.not_equal), ((7, 7, 0), (7, 8, 1), (0, 15, 1))),
        WordOperation("lt", "<", _truth(np.less), ((3, 4, 1), (4, 4, 0), (15, 0, 0))),
        WordOperation("le", "<=", _truth(np.less_equal), ((3, 4, 1), (4, 4, 1), (15, 0, 0))),
        WordOperation("gt", ">", _truth(np.greater), ((3, 4, 0), (4, 4, 0), (15, 0, 1))),
        WordOperation("ge", ">=", _truth(np.greater_equal), ((3, 4, 0), (4, 4, 1), (15, 0, 1))),
    )
}  # fmt: skip

#: The operation of each operator of the language; `and` and `or` only get 0 and 1.
SYMBOLS = {op.symbol: op.name for op in WORD_OPERATIONS.values() if op.symbol} | {"and": "and", "or": "or"}


def exact(operation: WordOperation, x: Words, y: Words, bits: int) -> Words:
    """Return the exact integer result, in the shape of x and y."""
    result = operation.exact(x, np.minimum(y, bits) if operation.is_shift else y)
    return np.minimum(result, largest_word(bits)) if operation.saturates else result


def largest_word(bits: int) -> int:
    """Return the largest word."""
    return (1 << bits) - 1


def wrap(value: Integers, bits: int) -> Integers:
    """Return an integer, or an array of them, modulo 2^bits."""
    return value & ((1 << bits) - 1)


def trap_reason(operation: WordOperation, x: int, y: int, bits: int) -> str | None:
    """Return why checked arithmetic refuses this operation; None if it does not."""
    if operation.is_shift and y >= bits:
        return f"shift by {y} in words of {bits} bits: {x} {operation.symbol} {y}"
    result = int(exact(operation, np.int64(x), np.int64(y), bits))  # type: ignore[arg-type]
    if result < 0:
        return f"underflow: {x} {operation.symbol} {y} is negative"
    if result >> bits:
        return f"overflow: {x} {operation.symbol} {y} does not fit a word of {bits} bits"
    return None
