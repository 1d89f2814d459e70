"""The functions of the language: `lg(x)`, `max(x, y)` and others.

A function takes parameter expressions, which are exact integers. Most also take words: then a word operation computes it.
To add a function, add a row. If it takes words, its operation is a row of `lockstep.pram.word`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

from lockstep.pram.errors import did_you_mean
from lockstep.pram.foreign import CONSTANTS
from lockstep.pram.syntax import Binary, Call, Expression


@dataclass(frozen=True)
class Function:
    """One row of FUNCTIONS.

    arguments: how many it takes. value: what it is of exact integers. least: the least integer that its first argument may
    be; None if it may be any. operation: the word operation that computes it; "" if it takes parameters only.
    """

    arguments: int
    value: Callable[..., int]
    least: int | None = None
    operation: str = ""


def lg(x: int) -> int:
    """Return ceil(log2 x), for x >= 1."""
    return (x - 1).bit_length()


def _ceil_sqrt(x: int) -> int:
    return isqrt(x - 1) + 1 if x else 0


FUNCTIONS = {
    "lg": Function(1, lg, 1, "lg"),
    "max": Function(2, max, None, "max"),
    "min": Function(2, min, None, "min"),
    "ctz": Function(1, lambda x: (x & -x).bit_length() - 1, 1, "ctz"),
    "popcount": Function(1, lambda x: x.bit_count(), 0, "popcount"),
    "sqrt": Function(1, isqrt, 0),
    "floor(log)": Function(1, lambda x: x.bit_length() - 1, 1, "log"),
    "ceil(log)": Function(1, lg, 1, "lg"),
    "floor(sqrt)": Function(1, isqrt, 0),
    "ceil(sqrt)": Function(1, _ceil_sqrt, 0),
    "floor(/)": Function(2, lambda x, y: x // y, None, "div"),
    "ceil(/)": Function(2, lambda x, y: -(-x // y)),
}

#: Functions that round a real number. They take a logarithm, a square root or a quotient, and nothing else.
ROUNDING = ("floor", "ceil")
#: What `floor` and `ceil` round. Alone, a logarithm is not an integer.
ROUNDED = ("log", "sqrt")


def resolve(call: Call) -> tuple[str, tuple[Expression, ...]]:
    """Return the row of FUNCTIONS for a call, and its arguments; the row is "" if there is none.

    `floor(log(x))` is one function of x, and `ceil(a / b)` one of a and b, because their inner values are not integers.
    """
    if call.function in ROUNDING and len(call.arguments) == 1:
        match call.arguments[0]:
            case Call(inner, arguments) if inner in ROUNDED and len(arguments) == 1:
                return f"{call.function}({inner})", arguments
            case Binary("/", left, right):
                return f"{call.function}(/)", (left, right)
        return "", ()
    found = FUNCTIONS.get(call.function)
    return (call.function, call.arguments) if found and found.arguments == len(call.arguments) else ("", ())


def names() -> tuple[str, ...]:
    """Return every name that a program may call."""
    return (*(name for name in FUNCTIONS if "(" not in name), *ROUNDING, "log")


def no_such_function(call: Call) -> str:
    """Return the message for a call of a function that does not exist, or with other arguments."""
    name, known = call.function, names()
    if name in ROUNDING:
        return (
            f"`{name}` rounds a quotient, `sqrt` or `log`, as in `{name}(n / 2)` or `{name}(log(n))`; other values are integers"
        )
    if name == "log":
        return "a logarithm is no integer: write `lg(x)` or `ceil(log(x))`, rounded up, or `floor(log(x))`"
    if name in FUNCTIONS:
        wanted = FUNCTIONS[name].arguments
        return f"`{name}` takes {wanted} argument{'s' if wanted > 1 else ''}, not {len(call.arguments)}"
    if name in CONSTANTS:
        return f"there is no function `{name}`; {CONSTANTS[name]}"
    if name == "abs":
        return "there is no function `abs`; write `max(a, b) - min(a, b)`"
    return f"there is no function `{name}`{did_you_mean(name, known) or '; the functions are ' + ', '.join(known)}"
