"""Defines the word operations. `lockstep.compiler.gates` computes them with gates.

A word is an unsigned integer of `bits` bits, 2 <= bits <= 24, stored as int64. Signed words are the same bits: in two's complement
the top bit counts -2^(bits - 1). Signed operations read and return them so. Most operations have the same bits either way.

An operation is defined by its *exact* integer result. Its word is the exact result modulo 2^bits. If the two differ, the operation
overflows (the result is too large) or underflows (it is too small). Some operands have no result, as in a division by zero. There
the operation gives a word too, because weights must, but a checked machine refuses it.
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

    symbol:    the operator or function of the language; "" if there is none.
    exact:     takes two words; shift amounts are already clipped to the word size. Operations of one word ignore the second.
    examples:  written by hand, in words of 4 bits: (x, y, result), or (x, y, result, 1) where a checked machine refuses it.
    saturates: a result above the largest word becomes the largest word, so it is never an error.
    operands:  how many words it takes.
    undefined: for which words there is no result; None if there always is one.
    no_result: what a message says of such words.
    signed:    its operands are signed words; the second one of a shift or of a saturating sum is unsigned.
    """

    name: str
    symbol: str
    exact: Callable[[Words, Words], Words]
    examples: tuple[tuple[int, ...], ...] = ()
    is_shift: bool = False
    saturates: bool = False
    operands: int = 2
    undefined: Callable[[Words, Words], NDArray[np.bool_]] | None = None
    no_result: str = ""
    signed: bool = False


def _truth(compare: Callable[[Words, Words], NDArray[np.bool_]]) -> Callable[[Words, Words], Words]:
    return lambda x, y: compare(x, y).astype(np.int64)


def _bit_length(x: Words) -> Words:
    """Return how many bits each word takes. Words are less than 2^24, so float64 holds them exactly."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def _not_positive(x: Words, y: Words) -> NDArray[np.bool_]:
    return np.asarray(x <= 0)


def _first_is_zero(x: Words, y: Words) -> NDArray[np.bool_]:
    return np.asarray(x == 0)


def _second_is_zero(x: Words, y: Words) -> NDArray[np.bool_]:
    return np.asarray(y == 0)


def _signed_quotient(x: Words, y: Words) -> Words:
    """Return floor(x / y). By zero, a number that is out of range on the side of x: its word is the last one on that side."""
    return np.where(y == 0, np.where(x < 0, -1, 1) << MAX_WORD_BITS, x // np.where(y == 0, 1, y))


WORD_OPERATIONS = {
    operation.name: operation
    for operation in (
        WordOperation("copy", "", lambda x, y: x),
        WordOperation("add", "+", lambda x, y: x + y, ((3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 1, 1), (15, 15, 14, 1))),
        WordOperation("addsat", "", lambda x, y: x + y,
                      ((3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 15), (1, 15, 15), (15, 15, 15)), saturates=True),
        WordOperation("sub", "-", lambda x, y: x - y, ((9, 4, 5), (4, 4, 0), (3, 5, 14, 1), (0, 15, 1, 1))),
        WordOperation("mul", "*", lambda x, y: x * y, ((3, 5, 15), (0, 9, 0), (1, 13, 13), (7, 7, 1, 1), (15, 15, 1, 1))),
        WordOperation("div", "/", lambda x, y: np.where(y == 0, -1, x // np.maximum(y, 1)),
                      ((13, 4, 3), (9, 9, 1), (15, 1, 15), (3, 7, 0), (0, 5, 0), (3, 0, 15, 1), (0, 0, 15, 1)),
                      undefined=_second_is_zero, no_result="division of {x} by zero"),
        WordOperation("max", "max", np.maximum, ((3, 9, 9), (9, 3, 9), (7, 7, 7), (0, 15, 15), (12, 10, 12))),
        WordOperation("min", "min", np.minimum, ((3, 9, 3), (9, 3, 3), (7, 7, 7), (0, 15, 0), (12, 10, 10))),
        WordOperation("lg", "lg", lambda x, y: _bit_length(np.maximum(x, 1) - 1),
                      ((1, 0, 0), (2, 0, 1), (3, 0, 2), (4, 0, 2), (5, 0, 3), (8, 0, 3), (9, 0, 4), (15, 0, 4), (0, 0, 0, 1)),
                      operands=1, undefined=_not_positive, no_result="lg({x}) is not defined"),
        WordOperation("log", "log", lambda x, y: _bit_length(np.maximum(x, 1)) - 1,
                      ((1, 0, 0), (2, 0, 1), (3, 0, 1), (4, 0, 2), (7, 0, 2), (8, 0, 3), (15, 0, 3), (0, 0, 0, 1)),
                      operands=1, undefined=_not_positive, no_result="log({x}) is not defined"),
        WordOperation("ctz", "ctz", lambda x, y: _bit_length(np.maximum(x & -x, 1)) - 1,
                      ((1, 0, 0), (2, 0, 1), (3, 0, 0), (4, 0, 2), (12, 0, 2), (8, 0, 3), (15, 0, 0), (0, 0, 0, 1)),
                      operands=1, undefined=_first_is_zero, no_result="ctz({x}) is not defined: 0 has no bit that is set"),
        WordOperation("popcount", "popcount", lambda x, y: sum((x >> j & 1 for j in range(MAX_WORD_BITS)), 0 * x),
                      ((0, 0, 0), (1, 0, 1), (6, 0, 2), (8, 0, 1), (11, 0, 3), (15, 0, 4)), operands=1),
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
        WordOperation("saddsat", "", lambda x, y: x + y,
                      ((3, 4, 7), (5, 3, 7), (14, 1, 15), (8, 7, 15), (0, 15, 7), (9, 15, 7), (8, 0, 8)), saturates=True, signed=True),
        WordOperation("sdiv", "", _signed_quotient,
                      ((7, 2, 3), (9, 2, 12), (7, 14, 12), (9, 14, 3), (6, 15, 10), (8, 1, 8), (8, 15, 8, 1), (3, 0, 7, 1),
                       (13, 0, 8, 1)),
                      undefined=_second_is_zero, no_result="division of {x} by zero", signed=True),
        WordOperation("smax", "", np.maximum, ((3, 9, 3), (9, 3, 3), (15, 8, 15), (7, 7, 7), (0, 15, 0)), signed=True),
        WordOperation("smin", "", np.minimum, ((3, 9, 9), (9, 3, 9), (15, 8, 8), (7, 7, 7), (0, 15, 15)), signed=True),
        WordOperation("sar", "", lambda x, y: x >> y,
                      ((12, 2, 15), (8, 1, 12), (6, 1, 3), (9, 0, 9), (7, 3, 0), (15, 3, 15), (8, 4, 0, 1), (8, 15, 0, 1)),
                      is_shift=True, signed=True),
        WordOperation("slt", "", _truth(np.less), ((15, 0, 1), (0, 15, 0), (4, 4, 0), (8, 7, 1)), signed=True),
        WordOperation("sle", "", _truth(np.less_equal), ((15, 0, 1), (0, 15, 0), (4, 4, 1), (7, 8, 0)), signed=True),
        WordOperation("sgt", "", _truth(np.greater), ((15, 0, 0), (0, 15, 1), (4, 4, 0), (7, 8, 1)), signed=True),
        WordOperation("sge", "", _truth(np.greater_equal), ((15, 0, 0), (0, 15, 1), (4, 4, 1), (8, 7, 0)), signed=True),
    )
}  # fmt: skip

#: The operation of each operator and function of the language; `and` and `or` only get 0 and 1.
SYMBOLS = {op.symbol: op.name for op in WORD_OPERATIONS.values() if op.symbol} | {"and": "and", "or": "or"}


#: The signed form of each operation that has one of its own.
SIGNED = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "shr": "sar", "max": "smax", "min": "smin", "div": "sdiv",
          "addsat": "saddsat"}  # fmt: skip


def exact(operation: WordOperation, x: Words, y: Words, bits: int, signed: bool = False) -> Words:
    """Return the exact integer result, in the shape of x and y. `signed`: the operands are read as signed words."""
    clipped = np.minimum(y, bits) if operation.is_shift else y
    if signed or operation.signed:
        x = to_signed(x, bits)
        clipped = clipped if operation.is_shift or operation.saturates else to_signed(clipped, bits)
    result = operation.exact(x, clipped)
    if operation.saturates:
        return np.minimum(result, largest_word(bits, operation.signed))
    if operation.name == "sar":
        return np.where(y >= bits, 0, result)
    if operation.name == "sdiv":
        return np.where(y == 0, np.clip(result, -1 << bits - 1, largest_word(bits, True)), result)
    return result


def largest_word(bits: int, signed: bool = False) -> int:
    """Return the largest word."""
    return (1 << bits - signed) - 1


def least_word(bits: int, signed: bool) -> int:
    """Return the least word."""
    return -1 << bits - 1 if signed else 0


def wrap(value: Integers, bits: int) -> Integers:
    """Return an integer, or an array of them, modulo 2^bits."""
    return value & ((1 << bits) - 1)


def to_signed(words: Integers, bits: int) -> Integers:
    """Return words in two's complement as integers."""
    half = 1 << bits - 1
    return (words ^ half) - half


def trap_reason(operation: WordOperation, x: int, y: int, bits: int, signed: bool = False) -> str | None:
    """Return why checked arithmetic refuses this operation; None if it does not."""
    signed = signed or operation.signed
    shown_x, shown_y = (to_signed(x, bits), to_signed(y, bits)) if signed else (x, y)
    symbol = operation.symbol or next((WORD_OPERATIONS[n].symbol for n, s in SIGNED.items() if s == operation.name), "")
    shown = f"{shown_x} {symbol} {shown_y}"
    if operation.undefined is not None and operation.undefined(np.int64(shown_x), np.int64(y)):  # type: ignore[arg-type]
        return operation.no_result.format(x=shown_x)
    if operation.is_shift and y >= bits:
        return f"shift by {shown_y} in words of {bits} bits: {shown}"
    result = int(exact(operation, np.int64(x), np.int64(y), bits, signed))  # type: ignore[arg-type]
    return misfit(shown, result, bits, signed)


def misfit(shown: str, result: int, bits: int, signed: bool) -> str | None:
    """Return why an exact result is no word; None if it is one. `shown` says how it was computed."""
    if result < least_word(bits, signed):
        return f"underflow: {shown} " + (
            f"is below {least_word(bits, signed)}, the least word of {bits} bits, signed" if signed else
            f"is negative; `word {bits} signed` has negative words"
        )  # fmt: skip
    if result > largest_word(bits, signed):
        return f"overflow: {shown} does not fit a {'signed ' if signed else ''}word of {bits} bits"
    return None
