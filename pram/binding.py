"""Binds the arguments of a call: which are put into the body as they are, and which are computed once, at the call.

| in the head | the call gives               | the body gets                                                                       |
|-------------|------------------------------|-------------------------------------------------------------------------------------|
| `x`         | any value                    | an operand as it stands, if nothing can change it during the call; else a new local |
| `out y`     | a local, a scalar, a cell    | the place itself                                                                    |
| `A[]`       | an array, a row `V[i]`       | `V[i, e]` for `A[e]`                                                                |
| `op`, used as `op(a, b)` | `+`, `max`, a procedure | `a + b`, `max(a, b)`, a call                                                    |

The subscripts of a place or a row are computed once, too, where they are no operands. An operand is a number, a local, `pid` or
an expression made of parameters. So no move is hidden: docs/language.md, section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from lockstep.pram.copying import OPERATORS, Copier
from lockstep.pram.errors import Diagnostic, Span, did_you_mean
from lockstep.pram.expression_text import shown_text
from lockstep.pram.libraries import Procedure
from lockstep.pram.parameters import is_parametric
from lockstep.pram.syntax import (
    INF,
    Assign,
    Call,
    CallStatement,
    Expression,
    Formal,
    Index,
    Local,
    Name,
    Node,
    PrefixSum,
    Proc,
    Several,
    walk,
)


@dataclass(frozen=True)
class Scope:
    """What a statement may name besides parameters and shared arrays.

    locals: those that can be assigned. loops: the variables of loops. arrays: the extents of arrays, shared and local ones.
    """

    params: Collection[str]
    locals: frozenset[str] = frozenset()
    loops: frozenset[str] = frozenset()
    arrays: Mapping[str, tuple[Expression, ...]] = field(default_factory=dict)

    def with_local(self, name: str) -> Scope:
        return Scope(self.params, self.locals | {name}, self.loops - {name}, self.arrays)

    def with_loop(self, name: str) -> Scope:
        return Scope(self.params, self.locals - {name}, self.loops | {name}, self.arrays)

    def with_array(self, name: str, extents: tuple[Expression, ...]) -> Scope:
        return Scope(self.params, self.locals, self.loops, {**self.arrays, name: extents})

    def is_parametric(self, expression: Expression) -> bool:
        return is_parametric(expression, {**dict.fromkeys(self.params), INF: None})

    def is_operand(self, expression: Expression) -> bool:
        if isinstance(expression, Name):
            return expression.name not in self.arrays
        return self.is_parametric(expression)

    @property
    def names(self) -> frozenset[str]:
        return frozenset({*self.params, *self.locals, *self.loops, *self.arrays, "pid", INF})


class Binder:
    """Binds the arguments of one call.

    names: what the formals mean in the body. before: the statements that compute arguments.
    """

    def __init__(self, call: CallStatement, procedure: Procedure, scope: Scope, procedures: Procedures, number: int) -> None:
        self.call, self.procedure, self.scope, self.number = call, procedure, scope, number
        self.procedures = procedures
        self.assigned = procedures.assigned(procedure.proc)
        self.operators = operators_of(procedure.proc)
        self.names: dict[str, Expression] = {}
        self.before: list[Local] = []
        self.errors: list[Diagnostic] = []
        self.changed: frozenset[str] = frozenset()

    def bind(self) -> None:
        formals, given = self.procedure.proc.formals, self.call.arguments
        least = sum(f.default is None for f in formals)
        if not least <= len(given) <= len(formals):
            wanted = str(len(formals)) if least == len(formals) else f"{least} to {len(formals)}"
            plural = "argument" if wanted == "1" else "arguments"
            self.error(f"`{head(self.procedure.proc)}` takes {wanted} {plural}, not {len(given)}", self.call.at)
            return
        places = [g for f, g in zip(formals, given) if f.kind == "place"]
        self.changed = frozenset(place.name for place in places if isinstance(place, Name))
        for formal, argument in zip(formals, given):
            if self.is_known(argument):
                self.names[formal.name] = self.argument(formal, argument)
        for formal in formals[len(given) :]:
            self.names[formal.name] = self.default(formal)

    def argument(self, formal: Formal, argument: Expression) -> Expression:
        if formal.name in self.operators:
            return self.operator(formal, argument)
        match formal.kind:
            case "array":
                return self.array(formal, argument)
            case "place":
                return self.place(formal, argument)
        return self.value(formal, argument)

    def default(self, formal: Formal) -> Expression:
        """The value of an argument that the call leaves out, such as the extent of an array before it."""
        copier = Copier(self.scope.names, self.number, self.call.at, self.procedure.source, self.scope.arrays)
        value: Expression = copier.expression(formal.default, self.names)
        self.errors += copier.errors
        return self.value(formal, value)

    def value(self, formal: Formal, value: Expression) -> Expression:
        if isinstance(value, Name) and (value.name in OPERATORS or self.scope.arrays.get(value.name)):
            what = "an operator" if value.name in OPERATORS else "an array"
            self.error(f"`{formal.name}` of `{self.procedure.name}` is a value, and `{value.name}` is {what}", value.at)
        if formal.name not in self.assigned and self.scope.is_operand(value) and not self.may_change(value):
            return value
        return self.computed(formal.name, value)

    def may_change(self, operand: Expression) -> bool:
        """Whether the call may change an operand: the same local is also an `out` argument."""
        return isinstance(operand, Name) and operand.name in self.changed

    def computed(self, name: str, value: Expression) -> Name:
        """A new local with the value, which is computed once."""
        unique = f"{name}.{self.number}" if not any(b.name == f"{name}.{self.number}" for b in self.before) else (
            f"{name}.{self.number}.{len(self.before)}")  # fmt: skip
        self.before.append(Local(unique, value, value.at))
        return Name(unique, value.at)

    def subscripts(self, name: str, subscripts: tuple[Expression, ...]) -> tuple[Expression, ...]:
        fixed = [self.scope.is_operand(s) and not self.may_change(s) for s in subscripts]
        return tuple(s if ok else self.computed(f"{name}.at", s) for s, ok in zip(subscripts, fixed))

    def place(self, formal: Formal, place: Expression) -> Expression:
        match place:
            case Name(name) if name in self.scope.locals or self.scope.arrays.get(name) == ():
                return place
            case Index(name, subscripts, at) if name in self.scope.arrays:
                return Index(name, self.subscripts(formal.name, subscripts), at)
        self.error(
            f"`out {formal.name}` of `{self.procedure.name}` takes a variable, such as a local or a cell; `{shown_text(place)}` is "
            f"{self.what(place)}",
            place.at,
        )
        return Name(formal.name, place.at)

    def what(self, place: Expression) -> str:
        if isinstance(place, Name) and place.name in self.scope.params:
            return "a parameter"
        if isinstance(place, Name) and place.name in self.scope.loops:
            return "the variable of a loop"
        return "an array" if isinstance(place, Name) and place.name in self.scope.arrays else "a value"

    def array(self, formal: Formal, array: Expression) -> Expression:
        match array:
            case Name(name) if self.scope.arrays.get(name):
                return array
            case Index(name, row, at) if len(row) < len(self.scope.arrays.get(name, ())):
                return Index(name, self.subscripts(formal.name, row), at)
        self.error(
            f"`{formal.name}[]` of `{self.procedure.name}` takes an array, or a row of one; `{shown_text(array)}` is neither",
            array.at,
        )
        return Name(formal.name, array.at)

    def operator(self, formal: Formal, operator: Expression) -> Expression:
        if isinstance(operator, Name) and (operator.name in OPERATORS or self.procedures.find(operator.name)):
            return operator
        self.error(
            f"`{formal.name}` of `{self.procedure.name}` is an operator, such as `+` or `max`, or a procedure; "
            f"`{shown_text(operator)}` is none",
            operator.at,
        )
        return Name("+", operator.at)

    def is_known(self, argument: Expression) -> bool:
        """Report the names in an argument that are declared nowhere."""
        unknown = [n for n in walk(argument) if isinstance(n, (Name, Index)) and n.name not in self.scope.names]
        unknown = [n for n in unknown if n.name not in OPERATORS and not (n is argument and self.procedures.find(n.name))]
        for node in unknown:
            what = "array" if isinstance(node, Index) else "name"
            self.error(f"undeclared {what} `{node.name}`{did_you_mean(node.name, self.scope.names)}", node.at)
        return not unknown

    def error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, None, at))


class Procedures:
    """The procedures that calls may name, and what their bodies do with their formals."""

    def __init__(self) -> None:
        self._assigned: dict[str, frozenset[str]] = {}

    def find(self, name: str) -> Procedure | None:
        raise NotImplementedError

    def assigned(self, proc: Proc) -> frozenset[str]:
        """Return the names that a body may assign, also by the `out` arguments of its calls."""
        if proc.name not in self._assigned:
            self._assigned[proc.name] = frozenset(self._changes(node for statement in proc.body for node in walk(statement)))
        return self._assigned[proc.name]

    def _changes(self, nodes: Iterable[Node]) -> set[str]:
        found: set[str] = set()
        for node in nodes:
            match node:
                case Assign(name):
                    found.add(name)
                case Several(targets):
                    found |= {t.name for t in targets if isinstance(t, Name)}
                case PrefixSum(name):
                    found.add(name)
                case CallStatement(name, arguments):
                    found |= self._out(name, arguments, 0)
                case Call(name, arguments):
                    found |= self._out(name, arguments, 1)
        return found

    def _out(self, name: str, arguments: tuple[Expression, ...], skip: int) -> set[str]:
        """The names at the places of `out` arguments. skip: how many of these the call leaves out."""
        procedure = self.find(name)
        if procedure is None:
            return set()
        formals = without_value(procedure.proc) if skip else procedure.proc.formals
        return {a.name for f, a in zip(formals, arguments) if f.kind == "place" and isinstance(a, Name)}


def without_value(proc: Proc) -> tuple[Formal, ...]:
    """Return the formals without the first `out`: its value, where a call is an expression."""
    first = next((k for k, f in enumerate(proc.formals) if f.kind == "place"), len(proc.formals))
    return proc.formals[:first] + proc.formals[first + 1 :]


def operators_of(proc: Proc) -> frozenset[str]:
    """Return the formals that are used as operators: `op(a, b)`."""
    called = {node.function for statement in proc.body for node in walk(statement) if isinstance(node, Call)}
    return frozenset(f.name for f in proc.formals if f.kind == "value" and f.name in called)


def head(proc: Proc) -> str:
    """Return the head of a procedure, as in `find(C[], m, x, out found)`."""
    shown = {"array": "{}[]", "place": "out {}", "value": "{}"}
    return f"{proc.name}({', '.join(shown[f.kind].format(f.name) for f in proc.formals)})"
