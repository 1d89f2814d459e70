"""What each word operation means. How it is computed by gates is `lockstep.compiler.gates`' business.

A word is an unsigned integer of `bits` bits, 2 <= bits <= 24, held in int64. Every operation is
given by its *exact* integer result: the word is that result modulo 2^bits, and the operation
overflows (result too large) or underflows (negative) exactly when the two differ.
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

    `exact(x, y)` takes words; shift amounts arrive clipped to the word size. `symbol` is the
    operator of the language, where it has one. A result of one that `saturates` stays at the largest
    word where it would be larger, and so is never an error. `examples` are in words of 4 bits: (x, y, result), or (x, y, result, 1)
    where a checked machine refuses it.
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

#: The operation of the language's operators on words; `and` and `or` act on 0 and 1.
SYMBOLS = {op.symbol: op.name for op in WORD_OPERATIONS.values() if op.symbol} | {"and": "and", "or": "or"}


def exact(operation: WordOperation, x: Words, y: Words, bits: int) -> Words:
    """The integer result, before it is reduced to a word; same shape as x and y."""
    result = operation.exact(x, np.minimum(y, bits) if operation.is_shift else y)
    return np.minimum(result, largest(bits)) if operation.saturates else result


def largest(bits: int) -> int:
    """The largest word."""
    return (1 << bits) - 1


def wrap(value: Integers, bits: int) -> Integers:
    """The word of an integer, or of each in an array: its value modulo 2^bits."""
    return value & ((1 << bits) - 1)


def trap_reason(operation: WordOperation, x: int, y: int, bits: int) -> str | None:
    """Why this application is an error where arithmetic is checked; None when it is not."""
    if operation.is_shift and y >= bits:
        return f"shift by {y} in words of {bits} bits: {x} {operation.symbol} {y}"
    result = int(exact(operation, np.int64(x), np.int64(y), bits))  # type: ignore[arg-type]
    if result < 0:
        return f"underflow: {x} {operation.symbol} {y} is negative"
    if result >> bits:
        return f"overflow: {x} {operation.symbol} {y} does not fit a word of {bits} bits"
    return None
