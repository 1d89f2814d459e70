"""Evaluates parameter expressions in exact integers, once, when a program is instantiated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.functions import FUNCTIONS, resolve
from lockstep.pram.syntax import Binary, Call, Conditional, Expression, Index, Name, Not, Number, left_chain, walk

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
    match expression:  # as most are
        case Number():
            return True
        case Name(name):
            return name in parameters
    for node in walk(expression):
        if isinstance(node, Index) or isinstance(node, Name) and node.name not in parameters:
            return False
    return True


def evaluate(
    expression: Expression, values: Mapping[str, int], source: Source | None = None, bits: int = MAX_PARAMETER_BITS
) -> int:
    """Return the value of an expression.

    Args:   bits: values of more bits are refused.
    Raises: PramError: division by zero, a function that is not defined for its argument, a shift by a negative number, or a
            value of more bits.
    """
    match expression:
        case Number(value):
            result = value
        case Name(name):
            result = values[name]
        case Binary():
            return _chain(left_chain(expression), values, source, bits)
        case Not(operand):
            result = int(not evaluate(operand, values, source, bits))
        case Call():
            result = _call(expression, values, source, bits)
        case Conditional(condition, yes, no):
            result = evaluate(yes if evaluate(condition, values, source, bits) else no, values, source, bits)
        case Index():
            raise AssertionError("shared memory in a parameter expression")
    return _limited(result, expression, source, bits)


def _limited(result: int, expression: Expression, source: Source | None, bits: int) -> int:
    if abs(result) >> bits:
        raise fail(f"value of more than {bits} bits", source, expression.at)
    return result


def _chain(chain: Sequence[Binary], values: Mapping[str, int], source: Source | None, bits: int) -> int:
    """Return the value of a chain of operators, evaluated from left to right."""
    result = evaluate(chain[0].left, values, source, bits)
    for node in chain:
        right = evaluate(node.right, values, source, bits)
        result = _limited(_binary(node, node.operator, result, right, source, bits), node, source, bits)
    return result


def _binary(node: Binary, symbol: str, a: int, b: int, source: Source | None, bits: int) -> int:
    if symbol in "/%" and b == 0:
        raise fail(f"division by zero: {a} {symbol} 0", source, node.at)
    if symbol in ("<<", ">>") and b < 0:
        raise fail(f"shift by a negative number: {a} {symbol} {b}", source, node.at)
    if symbol == "<<" and a and b > bits:
        raise fail(f"value of more than {bits} bits: {a} << {b}", source, node.at)
    return int(OPERATORS[symbol](a, b))


def _call(node: Call, values: Mapping[str, int], source: Source | None, bits: int) -> int:
    name, arguments = resolve(node)
    row, given = FUNCTIONS[name], [evaluate(a, values, source, bits) for a in arguments]
    if row.least is not None and given[0] < row.least:
        raise fail(f"{node.function}({given[0]}) is not defined; {node.function} takes numbers from {row.least}", source, node.at)
    if name.endswith("(/)") and given[1] == 0:
        raise fail(f"division by zero: {given[0]} / 0", source, node.at)
    return row.value(*given)


__all__ = ["MAX_PARAMETER_BITS", "PramError", "evaluate", "is_parametric"]
