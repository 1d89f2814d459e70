"""Semantic analysis: checks names, types and uniformity before a program is lowered.

A local is *uniform* when all processors hold the same value in it. A fixpoint finds the uniform locals: every local
starts as uniform. It becomes varying when a varying value is assigned to it, or when only some processors assign to it.
A last pass then reports all errors at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lockstep.pram.declarations import Declarations, Symbols
from lockstep.pram.errors import Diagnostic, PramError, Source, Span, did_you_mean
from lockstep.pram.syntax import (
    COMPARISONS,
    Assign,
    Binary,
    Call,
    Expression,
    For,
    Halt,
    If,
    Index,
    Local,
    Name,
    Node,
    Not,
    Number,
    Parallel,
    ProgramText,
    Repeat,
    Shared,
    Single,
    Statement,
    Store,
    While,
    children,
    walk,
)

CONTROL = (While, Repeat, Parallel, Single, Halt)
#: What to write instead of control inside `parallel`.
ADVICE = {
    "parallel": "; for pairs, write two ranges: `i in .., j in ..`",
    "while": "; put it around the `parallel`, or loop with `for`",
    "repeat": "; put it around the `parallel`, or loop with `for`",
}


def control_ifs(tree: ProgramText) -> frozenset[Span]:
    """Return the places of the `if`s that contain while, repeat, parallel, single or halt.

    Such an `if` costs only the branch taken. It is legal only where its condition is uniform and all processors are active.
    """
    holding: set[Span] = set()  # no two statements have the same place
    for node in reversed(list(walk(tree))):  # children before their parents
        if isinstance(node, CONTROL) or any(below.at in holding for below in children(node)):
            holding.add(node.at)
    return frozenset(node.at for node in walk(tree) if isinstance(node, If) and node.at in holding)


def analyse(tree: ProgramText, source: Source) -> Symbols:
    """Check names, types and uniformity, and return what the declarations name.

    Raises: PramError: with one diagnostic for each error, in the order of the text.
    """
    errors: list[Diagnostic] = []
    symbols = Declarations(tree, source, errors).symbols()
    varying: dict[Span, Span] = {}
    ifs = control_ifs(tree)
    known = -1
    while len(varying) > known:  # each round only adds to `varying`
        known = len(varying)
        _Checker(symbols, source, varying, [], ifs).block(tree.body, _Context())
    _Checker(symbols, source, varying, errors, ifs).block(tree.body, _Context())
    if errors:
        unique = {(d.span, d.message): d for d in errors}
        raise PramError(sorted(unique.values(), key=lambda d: (d.span.line, d.span.column) if d.span else (0, 0)))
    return symbols


@dataclass(frozen=True)
class _Context:
    """What surrounds a statement.

    scope:     maps each visible local to the place of its declaration.
    loops:     which of them are loop variables.
    divergent: the construct in which some processors may be idle; "" if all are active.
    assigned:  in a padded region, the places of the locals that it assigns; idle processors do not know their values.
    """

    scope: Mapping[str, Span] = field(default_factory=dict)
    loops: frozenset[str] = frozenset()
    divergent: str = ""
    assigned: frozenset[Span] | None = None

    @property
    def place(self) -> str:
        """The divergent construct, as messages write it."""
        return f"`{self.divergent}`" if " " not in self.divergent else self.divergent

    def declare(self, name: str, at: Span, loop: bool = False) -> _Context:
        return replace(self, scope={**self.scope, name: at}, loops=self.loops | {name} if loop else self.loops - {name})


class _Checker:
    """One pass over the statements: marks varying locals and reports errors.

    `varying` maps the declaration of each varying local to the place where its values start to differ.
    """

    def __init__(
        self, symbols: Symbols, source: Source, varying: dict[Span, Span], errors: list[Diagnostic], ifs: frozenset[Span]
    ) -> None:
        self.symbols, self.source, self.varying, self.errors, self.control_ifs = symbols, source, varying, errors, ifs

    def block(self, statements: Iterable[Statement], context: _Context) -> None:
        for statement in statements:
            context = self.statement(statement, context)

    def statement(self, statement: Statement, context: _Context) -> _Context:
        """Check one statement, and return the context of the next one in its block."""
        match statement:
            case Local(name, value, at):
                self.expression(value, context)
                return self._assigned(at, value, at, self._declare(name, at, context))
            case Assign(name, value, at):
                self.expression(value, context)
                self._assign(name, value, at, context)
            case Store(name, subscripts, value, at):
                self.expression(Index(name, subscripts, at), context)
                self.expression(value, context)
            case If():
                self._if(statement, context)
            case For():
                self._for(statement, context)
            case While(condition, body):
                self._control("while", statement.at, context)
                self.expression(condition, context)
                self.block(body, context)
            case Repeat(body, condition):
                self._control("repeat", statement.at, context)
                self.block(body, context)
                self.expression(condition, context)
            case Parallel():
                self._parallel(statement, context)
            case Single(body, at):
                self._control("single", at, context)
                self.block(body, self._padded(statement, context, "single"))
            case Halt(at):
                self._control("halt", at, context)
        return context

    # -- names ---------------------------------------------------------------------------------

    def _declare(self, name: str, at: Span, context: _Context, loop: bool = False) -> _Context:
        earlier = self.symbols.params.get(name) or self.symbols.arrays.get(name)
        first = earlier.at if earlier else context.scope.get(name)
        if first is not None:
            self._error(f"`{name}` is declared twice; first at {first.line}:{first.column} (no name hides another)", at)
        if name == "pid":
            self._error("`pid` is the processor's number and cannot be declared", at)
        return context.declare(name, at, loop)

    def _assign(self, name: str, value: Expression, at: Span, context: _Context) -> None:
        if name in context.scope:
            if name in context.loops:
                self._error(f"loop variable `{name}` cannot be assigned", at)
            self._assigned(context.scope[name], value, at, context)
        elif name in self.symbols.params or name == "pid":
            self._error(f"`{name}` cannot be assigned: it is {'a parameter' if name != 'pid' else 'the processor number'}", at)
        elif name not in self.symbols.arrays:
            hint = (
                did_you_mean(name, {*context.scope, *self.symbols.arrays})
                or f"; to make a new local, write `local {name} := ...`"
            )
            self._error(f"undeclared name `{name}`{hint}", at)
        else:
            self.expression(Name(name, at), context)

    def _assigned(self, declared: Span, value: Expression, at: Span, context: _Context) -> _Context:
        if context.divergent or not self.uniform(value, context):
            self.varying.setdefault(declared, at)
        return context

    # -- uniformity ----------------------------------------------------------------------------

    def uniform(self, expression: Expression, context: _Context) -> bool:
        """Return whether all processors get the same value. A read of shared memory is uniform if all processors are active."""
        return not any(self._varies(node, context) for node in walk(expression))

    def _varies(self, node: Node, context: _Context) -> bool:
        if isinstance(node, Index):
            return bool(context.divergent)
        if not isinstance(node, Name) or node.name in self.symbols.params:
            return False
        if node.name in context.scope:
            return context.scope[node.name] in self.varying
        return node.name == "pid" or bool(context.divergent)

    def _differs(self, name: str, context: _Context) -> str:
        origin = context.scope.get(name)
        where = f", from line {self.varying.get(origin, origin).line}," if origin else ""
        return f"`{name}`{where} is not the same on all processors"

    def _control(self, word: str, at: Span, context: _Context) -> None:
        if not context.divergent:
            return
        why = "there is one level of processors" if word == context.divergent else "idle processors could not follow it"
        advice = ADVICE.get(word, "") if context.divergent == "parallel" else ""
        self._error(f"`{word}` cannot stand inside {context.place}: {why}{advice}", at)

    def _if(self, statement: If, context: _Context) -> None:
        self.expression(statement.condition, context)
        uniform = not context.divergent and self.uniform(statement.condition, context)
        if uniform and statement.at in self.control_ifs:
            inner = context
        elif uniform:
            inner = self._padded(statement, context, "")
        else:
            inner = self._padded(statement, context, context.divergent or "an `if` whose condition differs per processor")
        self.block(statement.then, inner)
        self.block(statement.otherwise, inner)

    def _padded(self, statement: Node, context: _Context, divergent: str) -> _Context:
        """Return the context inside a region in which idle processors run nops instead."""
        assigned = context.assigned
        if assigned is None:
            assigned = self._assignments(statement, context)
        return replace(context, divergent=divergent, assigned=assigned)

    def _assignments(self, region: Node, context: _Context) -> frozenset[Span]:
        places = {node.at for node in walk(region) if isinstance(node, Local)}
        names = {node.name for node in walk(region) if isinstance(node, Assign)}
        return frozenset(places | {at for name, at in context.scope.items() if name in names})

    def _for(self, statement: For, context: _Context) -> None:
        for bound in (statement.first, statement.last):
            self.expression(bound, context)
            self._bound(bound, context)
        inner = self._declare(statement.variable, statement.at, context, loop=True)
        if not (self.uniform(statement.first, context) and self.uniform(statement.last, context)):
            self.varying[statement.at] = statement.at
        for node in (n for s in statement.body for n in walk(s)):
            if isinstance(node, Assign) and node.name in context.scope and statement.last == Name(node.name):
                self._error(f"`{node.name}` bounds the `for` of line {statement.at.line} and cannot be assigned in it", node.at)
        self.block(statement.body, inner)

    def _bound(self, bound: Expression, context: _Context) -> None:
        for node in walk(bound):
            if why := self._bound_error(node, context):
                self._error(why, node.at)
                return  # errors below it are part of the same mistake

    def _bound_error(self, node: Node, context: _Context) -> str:
        """Return why a loop bound may not contain this node; "" if it may."""
        padded = context.assigned is not None
        if isinstance(node, Index) or isinstance(node, Name) and node.name in self.symbols.arrays:
            return "a loop bound here cannot read shared memory: idle processors run the loop too" if padded else ""
        if not isinstance(node, Name):
            return ""
        if self._varies(node, context):
            return f"loop bound differs per processor: {self._differs(node.name, context)}"
        if padded and context.scope.get(node.name) in (context.assigned or ()):
            line = context.scope[node.name].line
            return (
                f"loop bound `{node.name}` (line {line}) is assigned where some processors are idle: they do not know its value"
            )
        return ""

    def _parallel(self, statement: Parallel, context: _Context) -> None:
        self._control("parallel", statement.at, context)
        inner = self._padded(statement, context, "parallel")
        for number, part in enumerate(statement.ranges):
            for bound in (part.low, part.high):
                self.expression(bound, context)
                if number and not self.symbols.is_parametric(bound):
                    self._error("the bounds of every range after the first may use only numbers and parameters", bound.at)
                elif not self.uniform(bound, context):
                    name = next(n for n in walk(bound) if isinstance(n, Name) and self._varies(n, context))
                    why = self._differs(name.name, context)
                    self._error(f"the range of a `parallel for` differs per processor: {why}", name.at)
            inner = self._declare(part.variable, part.at, inner, loop=True)
            self.varying[part.at] = part.at
        self.block(statement.body, inner)

    # -- expressions ---------------------------------------------------------------------------

    def expression(self, expression: Expression, context: _Context) -> None:
        """Check an expression and everything in it."""
        for node in walk(expression):
            match node:
                case Name(name, at):
                    self._name(name, at, context)
                case Index(name, subscripts, at):
                    self._index(name, subscripts, at)
                case Binary():
                    self._operator(node)
                case Not(operand):
                    if not self.symbols.is_parametric(operand):
                        self._truth(operand, "not")
                case Call(function, _, at):
                    if not self.symbols.is_parametric(node):
                        self._error(f"`{function}` takes numbers and parameters only", at)

    def _name(self, name: str, at: Span, context: _Context) -> None:
        array = self.symbols.arrays.get(name)
        if array is not None and array.dimensions:
            self._error(f"`{name}` is an array and needs {_subscript_count(array)}", at)
        elif array is None and name not in context.scope and name not in self.symbols.params and name != "pid":
            known = {*context.scope, *self.symbols.params, *self.symbols.arrays}
            self._error(f"undeclared name `{name}`{did_you_mean(name, known)}", at)

    def _index(self, name: str, subscripts: tuple[Expression, ...], at: Span) -> None:
        array = self.symbols.arrays.get(name)
        if array is None:
            known = did_you_mean(name, self.symbols.arrays)
            self._error(f"undeclared array `{name}`{known}", at)
        elif len(array.dimensions) != len(subscripts):
            wants = (
                f"takes {_subscript_count(array)}, not {len(subscripts)}"
                if array.dimensions
                else "is a scalar and takes no subscript"
            )
            self._error(f"`{name}` {wants}", at)
        else:
            for subscript, extent in zip(subscripts, array.dimensions):
                if isinstance(subscript, Number) and isinstance(extent, Number) and subscript.value >= extent.value:
                    room = f"0 .. {extent.value - 1}" if extent.value else "empty"
                    self._error(f"index {subscript.value} is outside `{name}` ({room})", subscript.at)

    def _operator(self, node: Binary) -> None:
        if node.operator not in ("/", "%", "and", "or") or self.symbols.is_parametric(node):
            return
        if node.operator in "/%":
            hint = "`>>` divides by a power of two" if node.operator == "/" else "`&` gives a remainder by a power of two"
            self._error(f"`{node.operator}` works on parameters only; on words {hint}", node.at)
        if node.operator in ("and", "or"):
            self._truth(node.left, node.operator)
            self._truth(node.right, node.operator)

    def _truth(self, operand: Expression, word: str) -> None:
        is_truth = isinstance(operand, Not) or isinstance(operand, Binary) and operand.operator in (*COMPARISONS, "and", "or")
        if not is_truth:
            self._error(f"`{word}` takes truth values; compare the word first, as in `... != 0`", operand.at)

    def _error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, self.source, at))


def _subscript_count(array: Shared) -> str:
    return f"{len(array.dimensions)} subscript{'s' if len(array.dimensions) > 1 else ''}"
