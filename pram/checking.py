"""Checks the names and types in expressions, and whether their values are the same on all processors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lockstep.pram import functions
from lockstep.pram.contracts.translating import IN_CONTRACTS, word_of_contracts
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Diagnostic, Severity, Source, Span, did_you_mean
from lockstep.pram.expression_text import expression_text
from lockstep.pram.foreign import CONSTANTS
from lockstep.pram.functions import FUNCTIONS
from lockstep.pram.syntax import (
    COMPARISONS,
    INF,
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    Name,
    Node,
    Not,
    Number,
    Shared,
    walk,
)


@dataclass(frozen=True)
class Context:
    """What surrounds a statement.

    scope:     maps each visible local to the place of its declaration.
    loops:     which of them are loop variables.
    divergent: the construct in which some processors may be idle; "" if all are active.
    assigned:  in a padded region, the places of the locals that it assigns; idle processors do not know their values.
    ranges:    the least and the largest value of loop variables, where they are parameter expressions.
    loop:      what `break` leaves: "together" for a loop that all processors leave at once, "apart" for one in which each
               stops for itself; "" if nothing.
    returns:   what `return` ends: "item" for one of a `parallel` or `single`, "together" for the body of a procedure that all
               processors leave at once, "apart" for one in which each stops for itself; "" if nothing.
    """

    scope: Mapping[str, Span] = field(default_factory=dict)
    loops: frozenset[str] = frozenset()
    divergent: str = ""
    assigned: frozenset[Span] | None = None
    ranges: Mapping[str, tuple[Expression, Expression]] = field(default_factory=dict)
    loop: str = ""
    returns: str = ""

    @property
    def place(self) -> str:
        """The divergent construct, as messages write it."""
        return f"`{self.divergent}`" if " " not in self.divergent else self.divergent

    def declare(self, name: str, at: Span, loop: bool = False) -> Context:
        return replace(self, scope={**self.scope, name: at}, loops=self.loops | {name} if loop else self.loops - {name})


class ExpressionChecker:
    """Checks expressions, and collects errors.

    `varying` maps the declaration of each varying local to the place where its values start to differ.
    """

    def __init__(self, symbols: Symbols, source: Source, varying: dict[Span, Span], errors: list[Diagnostic]) -> None:
        self.symbols, self.source, self.varying, self.errors = symbols, source, varying, errors
        self.warnings: list[Diagnostic] = []

    def uniform(self, expression: Expression, context: Context) -> bool:
        """Return whether all processors get the same value. A read of shared memory is uniform if all processors are active."""
        return not any(self._varies(node, context) for node in walk(expression))

    def _varies(self, node: Node, context: Context) -> bool:
        if isinstance(node, Index):
            return bool(context.divergent)
        if not isinstance(node, Name) or node.name in self.symbols.params or node.name == INF:
            return False
        if node.name in context.scope:
            return context.scope[node.name] in self.varying
        return node.name == "pid" or bool(context.divergent)

    def _differs(self, name: str, context: Context) -> str:
        origin = context.scope.get(name)
        where = f", from line {self.varying.get(origin, origin).line}," if origin else ""
        return f"`{name}`{where} is not the same on all processors"

    # -- expressions ---------------------------------------------------------------------------

    def expression(self, expression: Expression, context: Context) -> None:
        """Check an expression and everything in it."""
        inner: set[int] = set()  # the logarithms and square roots that a `floor` or `ceil` rounds
        for node in walk(expression):
            if word := word_of_contracts(node):
                self._error(f"`{word}` {IN_CONTRACTS}", node.at)
                return
            match node:
                case Name(name, at):
                    self._name(name, at, context)
                case Index(name, subscripts, at):
                    self._index(name, subscripts, at)
                case Binary():
                    self._operator(node)
                case Not(operand):
                    if not self.symbols.is_parametric(operand):
                        self._truth(operand, "not", _compared(operand))
                case Call() if id(node) not in inner:
                    inner |= {id(a) for a in node.arguments if node.function in functions.ROUNDING}
                    self._call(node)

    def _call(self, call: Call) -> None:
        """Check that a function exists, and that it takes these arguments."""
        name, _ = functions.resolve(call)
        if not name and call.function in self.symbols.arrays:
            inside = ", ".join(map(expression_text, call.arguments))
            self._error(f"`{call.function}` is an array: write `{call.function}[{inside}]`", call.at)
        elif not name:
            self._error(functions.no_such_function(call), call.at)
        elif not FUNCTIONS[name].operation and not self.symbols.is_parametric(call):
            advice = "; on words write `(a + b - 1) / b`" if name == "ceil(/)" else ""
            self._error(f"`{call.function}` takes numbers and parameters only{advice}", call.at)

    def _name(self, name: str, at: Span, context: Context) -> None:
        array = self.symbols.arrays.get(name)
        if array is not None and array.dimensions:
            self._error(f"`{name}` is an array and needs {_subscript_count(array)}", at)
        elif array is None and name not in context.scope and name not in self.symbols.params and name not in ("pid", INF):
            known = {*context.scope, *self.symbols.params, *self.symbols.arrays}
            advice = f"; {CONSTANTS[name]}" if name in CONSTANTS else did_you_mean(name, known)
            self._error(f"undeclared name `{name}`{advice}", at)

    def _index(self, name: str, subscripts: tuple[Expression, ...], at: Span) -> None:
        array = self.symbols.arrays.get(name)
        if array is None:
            known = did_you_mean(name, self.symbols.arrays)
            self._error(f"undeclared array `{name}`{known}", at)
        elif len(array.dimensions) != len(subscripts):
            given = len(subscripts) - (array.role == "local")
            wants = f"takes {_subscript_count(array)}, not {given}" if array.dimensions else "is a scalar and takes no subscript"
            self._error(f"`{name}` {wants}", at)
        else:
            firsts = array.firsts or (Number(0),) * len(subscripts)
            for subscript, extent, first in zip(subscripts, array.dimensions, firsts):
                if isinstance(subscript, Number) and isinstance(extent, Number) and isinstance(first, Number):
                    last = first.value + extent.value - 1
                    if not first.value <= subscript.value <= last:
                        room = f"{first.value} .. {last}" if extent.value else "empty"
                        self._error(f"index {subscript.value} is outside `{name}` ({room})", subscript.at)

    def _operator(self, node: Binary) -> None:
        if node.operator == "^" and node.left in (Number(2), Number(10)):
            power = "`1 << r` is 2 to the r" if node.left == Number(2) else "there is no power"
            text = f"`{expression_text(node)}` is an exclusive or; {power}"
            self.warnings.append(Diagnostic(text, self.source, node.at, Severity.WARNING))
        if node.operator in ("and", "or") and not self.symbols.is_parametric(node):
            whole = replace(node, left=_compared(node.left), right=_compared(node.right))
            self._truth(node.left, node.operator, whole)
            self._truth(node.right, node.operator, whole)

    def _truth(self, operand: Expression, word: str, compared: Expression) -> None:
        """Refuse an operand that is no truth value. `compared`: what to write instead."""
        if not _is_truth(operand):
            text = expression_text(compared)
            self._error(f"`{word}` takes truth values; compare the word first, as in `{text}`", operand.at)

    def _error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, self.source, at))


def _subscript_count(array: Shared) -> str:
    count = len(array.dimensions) - (array.role == "local")  # a local array has a row for each processor
    return f"{count} subscript{'s' if count > 1 else ''}"


def _compared(operand: Expression) -> Expression:
    """Return a truth value: the operand, or whether it is not 0."""
    return operand if _is_truth(operand) else Binary("!=", operand, Number(0), operand.at)


def _is_truth(operand: Expression) -> bool:
    match operand:
        case Binary(operator):
            return operator in (*COMPARISONS, "and", "or")
        case Conditional(_, yes, no):
            return _is_truth(yes) and _is_truth(no)
    return isinstance(operand, Not)
