"""Evaluates parameter expressions in exact integers, once, when a program is instantiated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.syntax import Binary, Call, Expression, Index, Name, Not, Number, left_chain, walk

#: Values of more bits are refused, so that no expression can exhaust the memory.
MAX_PARAMETER_BITS = 63

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv, "%": operator.mod,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "and": lambda a, b: bool(a) and bool(b), "or": lambda a, b: bool(a) or bool(b),
}  # fmt: skip


def is_parametric(expression: Expression, parameters: Mapping[str, object]) -> bool:
    """Return whether an expression contains only numbers and parameters."""
    return not any(isinstance(n, Index) or isinstance(n, Name) and n.name not in parameters for n in walk(expression))


def evaluate(expression: Expression, values: Mapping[str, int], source: Source | None = None) -> int:
    """Return the value of an expression.

    Raises: PramError: division by zero, lg of a number below 1, a shift by a negative number, or a value of more than
            MAX_PARAMETER_BITS bits.
    """
    match expression:
        case Number(value):
            result = value
        case Name(name):
            result = values[name]
        case Binary():
            return _chain(left_chain(expression), values, source)
        case Not(operand):
            result = int(not evaluate(operand, values, source))
        case Call(function, arguments):
            result = _call(expression, function, [evaluate(a, values, source) for a in arguments], source)
        case Index():
            raise AssertionError("shared memory in a parameter expression")
    return _limited(result, expression, source)


def _limited(result: int, expression: Expression, source: Source | None) -> int:
    if abs(result) >> MAX_PARAMETER_BITS:
        raise fail(f"value of more than {MAX_PARAMETER_BITS} bits", source, expression.at)
    return result


def _chain(chain: Sequence[Binary], values: Mapping[str, int], source: Source | None) -> int:
    """Return the value of a chain of operators, evaluated from left to right."""
    result = evaluate(chain[0].left, values, source)
    for node in chain:
        right = evaluate(node.right, values, source)
        result = _limited(_binary(node, node.operator, result, right, source), node, source)
    return result


def lg(x: int) -> int:
    """Return ceil(log2 x), for x >= 1."""
    return (x - 1).bit_length()


def _binary(node: Binary, symbol: str, a: int, b: int, source: Source | None) -> int:
    if symbol in "/%" and b == 0:
        raise fail(f"division by zero: {a} {symbol} 0", source, node.at)
    if symbol in ("<<", ">>") and b < 0:
        raise fail(f"shift by a negative number: {a} {symbol} {b}", source, node.at)
    if symbol == "<<" and a and b > MAX_PARAMETER_BITS:
        raise fail(f"value of more than {MAX_PARAMETER_BITS} bits: {a} << {b}", source, node.at)
    return int(OPERATORS[symbol](a, b))


def _call(node: Call, function: str, arguments: list[int], source: Source | None) -> int:
    if function == "lg":
        if arguments[0] < 1:
            raise fail(f"lg({arguments[0]}) is not defined; lg takes numbers from 1", source, node.at)
        return lg(arguments[0])
    return max(arguments) if function == "max" else min(arguments)


__all__ = ["MAX_PARAMETER_BITS", "PramError", "evaluate", "is_parametric", "lg"]
