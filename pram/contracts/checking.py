"""Checks the names and types in contracts, before a program runs.

A contract is a truth value. Truth values are numbers, too: 0 and 1. Whole arrays stand in `sorted(A)`, `old(A)`, `A == B` and so on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lockstep.pram import functions
from lockstep.pram.contracts.kinds import MAX_LEVELS, Clause
from lockstep.pram.contracts.translating import OF_ARRAYS, OLD, translate
from lockstep.pram.declarations import Symbols
from lockstep.pram.errors import Diagnostic, Source, Span, did_you_mean
from lockstep.pram.expression_text import expression_text
from lockstep.pram.syntax import (
    COMPARISONS,
    INF,
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    Name,
    Not,
    Number,
    Quantified,
    Range,
    left_chain,
    walk,
)

Kind = Literal["truth", "number", "array"]
#: The most terms of a sum or another chain of operators in a contract.
MAX_TERMS = 200


class ContractChecker:
    """Checks one contract, and adds what is wrong to `errors`.

    locals: those that are visible where it stands.
    """

    def __init__(
        self, clause: Clause, symbols: Symbols, locals_: Iterable[str], source: Source, errors: list[Diagnostic]
    ) -> None:
        self.clause, self.symbols, self.source, self.errors = clause, symbols, source, errors
        self.locals = frozenset(locals_)
        self.bound: tuple[str, ...] = ()
        self.in_old = False
        self.level, self.too_deep = 0, False

    def check(self) -> None:
        before = len(self.errors)
        self.truth(self.clause.condition, self.clause.kind)
        if len(self.errors) == before:
            self._translate()

    def _translate(self) -> None:
        """Refuse what is too deep for Python, whose parser takes two hundred parentheses in each other."""
        try:
            translate(self.clause.condition, {name: len(array.dimensions) for name, array in self.symbols.arrays.items()})
        except (SyntaxError, RecursionError, MemoryError):
            self._error("this contract is nested too deeply; write it as several contracts", self.clause.at)

    def truth(self, expression: Expression, word: str) -> None:
        """Check an expression that must be true or false. word: what takes it."""
        kind = self.kind(expression)
        if kind != "truth":
            self._needs_truth(word, expression, kind)

    def number(self, expression: Expression) -> None:
        if self.kind(expression) == "array":
            self._error("this is a whole array; one cell is written `A[i]`", expression.at)

    def kind(self, expression: Expression) -> Kind:
        """Check an expression, and return what it is."""
        self.level += 1
        if self.level > MAX_LEVELS:
            if not self.too_deep:
                self.too_deep = True
                self._error(f"a contract has at most {MAX_LEVELS} levels of nesting", expression.at)
            self.level -= 1
            return "truth"
        found = self._kind(expression)
        self.level -= 1
        return found

    def _kind(self, expression: Expression) -> Kind:
        match expression:
            case Number(0 | 1):  # `true` and `false` mean these
                return "truth"
            case Name(name, at):
                return self._name(name, at)
            case Index():
                return self._index(expression)
            case Not(operand):
                self.truth(operand, "not")
                return "truth"
            case Conditional(condition, yes, no):
                self.truth(condition, "if")
                kinds = {self.kind(yes), self.kind(no)}
                if len(kinds) > 1 and "array" in kinds:
                    self._error(
                        "one value of this `if` is a whole array, the other is not; one cell is written `A[i]`", expression.at
                    )
                return "number" if len(kinds) > 1 else kinds.pop()
            case Binary():
                return self._chain(expression)
            case Quantified():
                return self._quantified(expression)
            case Call():
                return self._call(expression)
        return "number"

    def _chain(self, top: Binary) -> Kind:
        chain = left_chain(top)
        if len(chain) > MAX_TERMS:
            self._error(f"a contract joins at most {MAX_TERMS} terms", top.at)
            return "truth"
        kind = self.kind(chain[0].left)
        first = chain[0].left
        for node in chain:
            if node.operator in ("and", "or", "==>"):
                if kind != "truth":
                    self._needs_truth(node.operator, first, kind)
                self.truth(node.right, node.operator)
                kind = "truth"
            elif node.operator in COMPARISONS:
                self._comparison(node, kind)
                kind = "truth"
            else:
                if kind == "array":
                    self._error("this is a whole array; one cell is written `A[i]`", first.at)
                self.number(node.right)
                kind = "number"
            first = node
        return kind

    def _needs_truth(self, word: str, operand: Expression, kind: Kind) -> None:
        if kind == "array":
            self._error(f"`{word}` takes truth values, and this is a whole array; one cell is written `A[i]`", operand.at)
            return
        text = expression_text(Binary("!=", operand, Number(0)))
        self._error(f"`{word}` takes truth values; compare the number first, as in `{text}`", operand.at)

    def _comparison(self, node: Binary, left: Kind) -> None:
        right = self.kind(node.right)
        if (left == "array") != (right == "array"):
            self._error("a whole array is compared with a whole array only; one cell is written `A[i]`", node.at)
        elif left == "array" and node.operator not in ("==", "!="):
            self._error(f"arrays are compared by `==` and `!=`, not by `{node.operator}`", node.at)

    def _name(self, name: str, at: Span) -> Kind:
        if name in self.bound or name in self.locals or name in self.symbols.params or name == INF:
            return "number"
        array = self.symbols.arrays.get(name)
        if array is not None:
            self._may_read(name, at)
            return "array" if array.dimensions else "number"
        if name == "pid":
            if self.clause.kind in ("requires", "ensures"):
                self._error(f"`{self.clause.kind}` speaks of the whole run and has no `pid`", at)
            return "number"
        known = {*self.bound, *self.locals, *self.symbols.params, *self.symbols.arrays}
        hint = did_you_mean(name, known)
        if not hint and self.clause.kind in ("requires", "ensures"):
            what = "inputs" if self.clause.kind == "requires" else "shared memory"
            hint = f"; `{self.clause.kind}` knows parameters and {what}, but no locals"
        self._error(f"undeclared name `{name}`{hint}", at)
        return "truth"  # which may stand anywhere, so that there is one error

    def _index(self, index: Index) -> Kind:
        array = self.symbols.arrays.get(index.name)
        own = array is not None and array.role == "local"  # its first subscript is `pid`, which the program does not write
        for subscript in index.subscripts[own:]:
            self.number(subscript)
        if array is None:
            self._error(f"undeclared array `{index.name}`{did_you_mean(index.name, self.symbols.arrays)}", index.at)
            return "truth"
        self._may_read(index.name, index.at)
        if len(index.subscripts) > len(array.dimensions):
            takes = len(array.dimensions) - (array.role == "local")
            wants = f"takes {takes} subscript{'s' * (takes != 1)}" if array.dimensions else "is a scalar and takes no subscript"
            self._error(f"`{index.name}` {wants}", index.at)
        return "array" if len(index.subscripts) < len(array.dimensions) else "number"

    def _may_read(self, name: str, at: Span) -> None:
        """Refuse what a contract cannot know: `requires` what is no input, and both others what is private."""
        role, kind = self.symbols.arrays[name].role, self.clause.kind
        if kind == "requires" and role not in ("input", "inout"):
            self._error(f"`requires` speaks of what is given, and `{name}` is no input", at)
        elif kind == "ensures" and role == "local":
            self._error(f"`ensures` cannot read `{name}`, of which each processor has its own", at)

    def _quantified(self, node: Quantified) -> Kind:
        outer = self.bound
        for part in node.ranges:
            self._range(part)
            if part.variable in {*self.bound, *self.locals, *self.symbols.params, *self.symbols.arrays, "pid"}:
                self._error(f"`{part.variable}` has a meaning here already, and no name hides another", part.at)
            self.bound = (*self.bound, part.variable)
        if node.word in ("forall", "exists", "count"):
            self.truth(node.body, node.word)
        else:
            self.number(node.body)
        self.bound = outer
        return "truth" if node.word in ("forall", "exists") else "number"

    def _range(self, part: Range) -> None:
        for end in part.items or (part.low, part.high):
            self.number(end)

    def _call(self, call: Call) -> Kind:
        if call.function == OLD:
            return self._old(call)
        if call.function in OF_ARRAYS:
            takes = OF_ARRAYS[call.function]
            if len(call.arguments) not in takes:
                text = "1 array" if takes == (1,) else f"{takes[0]} to {takes[-1]} arrays"
                self._error(f"`{call.function}` takes {text}, not {len(call.arguments)}", call.at)
            for argument in call.arguments:
                if self.kind(argument) != "array":
                    self._error(f"`{call.function}` takes whole arrays and rows, such as `A` and `M[i]`", argument.at)
            return "truth"
        name, arguments = functions.resolve(call)
        if not name:
            self._error(self._no_such_function(call), call.at)
            return "truth"
        for argument in arguments or call.arguments:
            self.number(argument)
        return "number"

    def _no_such_function(self, call: Call) -> str:
        word = call.function
        if word in ("sum", "count") or word in ("max", "min") and len(call.arguments) == 1:
            of = "A[i] > 0" if word == "count" else "A[i]"
            return f"`{word}` of an array goes through its cells: write `{word}(i in 0 .. n - 1 : {of})`"
        return functions.no_such_function(call)

    def _old(self, call: Call) -> Kind:
        if len(call.arguments) != 1:
            self._error(f"`old` takes one expression, not {len(call.arguments)}", call.at)
            return "number"
        if self.clause.kind == "requires":
            self._error("`requires` speaks of the start, so nothing is older", call.at)
        elif self.in_old:
            self._error("`old` cannot stand in `old`", call.at)
        elif not self._reads_memory(call.arguments[0]):
            self._error("`old` is about shared memory, and this expression reads none", call.at)
        self.in_old, before = True, self.in_old
        kind = self.kind(call.arguments[0])
        self.in_old = before
        return kind

    def _reads_memory(self, expression: Expression) -> bool:
        return any(isinstance(node, (Name, Index)) and node.name in self.symbols.arrays for node in walk(expression))

    def _error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, self.source, at))
