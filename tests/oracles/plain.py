"""Evaluates parameter expressions in plain integers, for `tests/oracles/evaluator.py`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lockstep.pram import syntax
from lockstep.pram.program import Program
from lockstep.pram.syntax import Expression, Name, Param, Shared, children, walk

Params = dict[str, int]

#: The step that follows, the line, the processor, and the texts and values that it prints; None where there is no value.
Printed = tuple[int, int, int, tuple["str | int | None", ...]]

OPERATORS = (syntax.Number, syntax.Not, syntax.Binary, syntax.Call, syntax.Conditional)

MAX_SHIFT = 4096  # larger shifts of plain integers are refused: they would only exhaust the memory

PLAIN: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv, "%": operator.mod,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "and": lambda a, b: a != 0 and b != 0, "or": lambda a, b: a != 0 or b != 0, "max": max, "min": min,
}  # fmt: skip


class Trap(Exception):
    """`kind` is overflow, underflow, shift, undefined, index, conflict, disagree, items, end, rounds, parameter, steps or input."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


def is_constant(e: syntax.Node, params: Params) -> bool:
    """Return whether this is a parameter-only expression."""
    return id(e) in constants(e, params)


def constants(tree: syntax.Node, params: Params) -> set[int]:
    """Return the `id` of each parameter-only expression in a tree."""
    found: set[int] = set()
    for node in reversed(list(walk(tree))):  # operands before the operators above them
        fits = node.name in (*params, "inf") if isinstance(node, Name) else isinstance(node, OPERATORS)
        if fits and all(id(below) in found for below in children(node)):
            found.add(id(node))
    return found


def constant(e: Expression, params: Params) -> int:
    """Return the value of a parameter-only expression."""
    match e:
        case syntax.Number(value):
            return value
        case Name(name):
            return params[name]
        case syntax.Not(operand):
            return int(constant(operand, params) == 0)
        case syntax.Conditional(condition, yes, no):
            return constant(yes if constant(condition, params) else no, params)
        case syntax.Call(_, (_,)):
            return of_one(e, lambda argument: constant(argument, params))
        case syntax.Call(function, (left, right)) | syntax.Binary(function, left, right):
            a, b = constant(left, params), constant(right, params)
            if not (function in "/%" and b == 0 or function in ("<<", ">>") and not 0 <= b <= MAX_SHIFT):
                return int(PLAIN[function](a, b))
    raise Trap("parameter", f"{e} has no value")


def of_one(call: syntax.Call, value: Callable[[Expression], int]) -> int:
    """Return the value of a function of one argument, which may be what `floor` and `ceil` round."""
    (argument,) = call.arguments
    match call.function, argument:
        case ("floor" | "ceil") as rounding, syntax.Call(inner, (x,)):
            number = value(x)
            if inner == "log" and number > 0:
                exact = next(k for k in range(64) if 2**k >= number)
                return exact if rounding == "ceil" or 2**exact == number else exact - 1
            if inner == "sqrt" and number >= 0:
                root = next(k for k in range(1 << 32) if k * k >= number)
                return root if rounding == "ceil" or root * root == number else root - 1
        case ("floor" | "ceil") as rounding, syntax.Binary("/", left, right):
            a, b = value(left), value(right)
            if b:
                return a // b if rounding == "floor" else (a + b - 1) // b if b > 0 else -((-a) // b)
        case "sqrt", _:
            return next(k for k in range(1 << 32) if (k + 1) ** 2 > value(argument))
        case "lg", _:
            if (x := value(argument)) > 0:
                return next(k for k in range(64) if 2**k >= x)
        case "ctz", _:
            if (x := value(argument)) > 0:
                return next(k for k in range(64) if x // 2**k % 2)
        case "popcount", _:
            return f"{value(argument):b}".count("1")
    raise Trap("undefined", f"{call} has no value")


def common(values: Sequence[int]) -> int:
    """Return the value that all processors have."""
    if len(set(values)) > 1:
        raise Trap("disagree", f"the processors differ: {values}")
    return values[0]


def outside(program: Program, params: dict[str, int], arrays: dict[str, Any]) -> list[str]:
    """Return the names of inputs with a word outside their range, or of a wrong shape."""
    values = dict(params)
    for declared in (d for d in program.tree.declarations if isinstance(d, Param) and d.value is not None):
        values[declared.name] = constant(declared.value, values)  # type: ignore[arg-type]
    wrong = []
    for shared in (d for d in program.tree.declarations if isinstance(d, Shared) and d.role in ("input", "inout")):
        low, high = (default if e is None else constant(e, values) for e, default in ((shared.low, 0), (shared.high, 15)))
        words = np.array(arrays[shared.name], dtype=object)
        cells = int(np.prod([constant(e, values) for e in shared.dimensions], dtype=int))
        if words.size != cells or any(not low <= word <= high for word in words.ravel().tolist()):
            wrong.append(shared.name)
    return wrong
