"""Copies the body of a procedure for one call: with places of its own, names of its own, and the arguments in it.

A local `lo` of the body of the third call becomes `lo.3`, which no program can write. So a body cannot touch the locals of
its caller, and the caller not those of the body.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from lockstep.pram.errors import Diagnostic, Source, Span, did_you_mean
from lockstep.pram.syntax import (
    FIELDS,
    Assert,
    Assign,
    Binary,
    Break,
    Call,
    Called,
    Expression,
    For,
    If,
    Index,
    Invariant,
    Local,
    LocalArray,
    Name,
    Number,
    Parallel,
    PrefixSum,
    Quantified,
    Range,
    Repeat,
    Statement,
    Store,
    While,
    left_chain,
)

#: Operators that may be arguments, besides procedures.
OPERATORS = frozenset("+ * / % and or & | ^ max min".split())

#: What the names of a body mean: formals and locals.
Names = Mapping[str, Expression]
Body = tuple[Statement, ...]


@dataclass
class Copier:
    """Copies statements and expressions.

    known: the names that a body may use besides its own: parameters, shared arrays and `pid`. number: of the call.
    call, source: as in a Span. extents: the extents of each array. errors: takes what is wrong in the body. kept: the names of the
    local arrays of this procedure in all calls, by their names and extents: each is there once.
    """

    known: Collection[str]
    number: int
    call: Span | None = None
    source: Source | None = None
    extents: Mapping[str, tuple[Expression, ...]] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)
    kept: dict[tuple[str, tuple[Expression, ...]], str] = field(default_factory=dict)

    def place(self, at: Span) -> Span:
        return Span(at.line, at.column, self.call, self.source)

    def own(self, name: str, at: Span) -> Name:
        """The name, in this copy, of something that the body declares."""
        return Name(f"{name}.{self.number}", self.place(at))

    def error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, None, self.place(at)))

    # -- statements ----------------------------------------------------------------------------

    def block(self, statements: Body, names: Names, in_loop: bool = False) -> Body:
        found: list[Statement] = []
        for statement in statements:
            new, names = self.statement(statement, names, in_loop)
            found.append(new)
        return tuple(found)

    def statement(self, statement: Statement, names: Names, in_loop: bool) -> tuple[Statement, Names]:
        """Return a copy of a statement, and what names mean after it."""
        at = self.place(statement.at)
        match statement:
            case Local(name) | LocalArray(name):
                self.declare(name, names, statement.at)
                new: Any = self.parts(statement, names)
                own = self.own(name, statement.at)
                if isinstance(new, LocalArray):
                    own = replace(own, name=self.kept.setdefault((name, new.dimensions), own.name))
                return replace(new, name=own.name), {**names, name: own}
            case Assign(name, value):
                return self.assign(statement, self.target(Name(name, statement.at), names), self.expression(value, names)), names
            case Store(name, subscripts, value):
                target = self.target(Index(name, subscripts, statement.at), names)
                return self.assign(statement, target, self.expression(value, names)), names
            case PrefixSum(name, cell):
                x = self.target(Name(name, statement.at), names)
                if isinstance(x, Index):
                    self.error(f"`{name}` is a cell here: the first argument of a prefix sum is a local", statement.at)
                return PrefixSum(x.name, self.target(cell, names), at), names
            case If(Call("cell", (Name(name),)), then, otherwise):
                return Called("", self.block(then if self.is_cell(name, names) else otherwise, names, in_loop), at), names
            case If(condition, then, otherwise):
                blocks = self.block(then, names, in_loop), self.block(otherwise, names, in_loop)
                return If(self.expression(condition, names), *blocks, at), names
            case While() | Repeat():
                body = self.block(statement.body, names, True)
                return replace(self.parts(statement, names, skip=("body",)), body=body), names
            case For(variable):
                counter, inner = self.declared(variable, names, statement.at)
                new = self.parts(statement, names, skip=("body", "invariants"))
                invariants = self.invariants(statement.invariants, inner)
                return replace(new, variable=counter, invariants=invariants, body=self.block(statement.body, inner, True)), names
            case Parallel(ranges, body):
                inner, copies = self.ranges(ranges, names)
                new = self.parts(statement, names, skip=("ranges", "body"))
                return replace(new, ranges=copies, body=self.block(body, inner)), names
            case Break() if not in_loop:
                self.error("`break` leaves a loop, but there is none around it in this procedure", statement.at)
        assert not isinstance(statement, Called)
        return self.parts(statement, names), names

    def is_cell(self, name: str, names: Names) -> bool:
        """Whether an `out` argument is a cell of shared memory; `if cell(y)` chooses when the call is made."""
        place = names.get(name)
        return isinstance(place, Index) or isinstance(place, Name) and place.name in self.extents

    def declared(self, name: str, names: Names, at: Span) -> tuple[str, Names]:
        self.declare(name, names, at)
        own = self.own(name, at)
        return own.name, {**names, name: own}

    def declare(self, name: str, names: Names, at: Span) -> None:
        if name in names:
            self.error(f"`{name}` is declared twice in this procedure (no name hides another)", at)

    def ranges(self, ranges: tuple[Range, ...], names: Names) -> tuple[Names, tuple[Range, ...]]:
        """Return the copies of ranges, and what names mean inside. No bound sees the variables."""
        inner, copies = names, []
        for part in ranges:
            own, inner = self.declared(part.variable, inner, part.at)
            copies.append(replace(self.parts(part, names), variable=own))
        return inner, tuple(copies)

    def assign(self, statement: Assign | Store, target: Name | Index, value: Expression) -> Assign | Store:
        at = self.place(statement.at)
        if isinstance(target, Name):
            return Assign(target.name, value, at, statement.rule)
        return Store(target.name, target.subscripts, value, at, statement.rule)

    def target(self, target: Name | Index, names: Names) -> Name | Index:
        new = self.expression(target, names)
        if not isinstance(new, (Name, Index)):  # the caller binds values that are assigned to locals
            self.error(f"`{target.name}` cannot be assigned: it is the counter of a loop, or a value", target.at)
            return Name(target.name, self.place(target.at))
        return new

    # -- expressions ---------------------------------------------------------------------------

    def parts(self, node: Any, names: Names, skip: tuple[str, ...] = ()) -> Any:
        """Return a copy of a node, with copies of what is below it and of its contracts."""
        fields = {name: self.part(getattr(node, name), names) for name in FIELDS[type(node)] if name not in skip}
        if isinstance(node, Assert):
            fields["condition"] = self.expression(node.condition, names)
        elif isinstance(node, (While, Repeat, For)) and "invariants" not in skip:
            fields["invariants"] = self.invariants(node.invariants, names)
        return replace(node, at=self.place(node.at), **fields)

    def invariants(self, invariants: tuple[Invariant, ...], names: Names) -> tuple[Invariant, ...]:
        return tuple(Invariant(self.expression(i.condition, names), self.place(i.at)) for i in invariants)

    def part(self, value: Any, names: Names) -> Any:
        if isinstance(value, tuple):
            if value and isinstance(value[0], get_args(Statement)):
                return self.block(value, names)
            return tuple(self.part(one, names) for one in value)
        return None if value is None else self.expression(value, names)

    def expression(self, node: Any, names: Names) -> Any:
        match node:
            case Name(name) if name in names:
                return self.moved(names[name], node.at)
            case Name(name):
                self.check_known(name, names, node.at)
            case Index():
                return self.index(node, names)
            case Binary():
                return self.chain(node, names)
            case Call("extent", (Name() as array,)):
                return self.extent(array, names)
            case Call(function, arguments) if function in names:
                return self.operation(names[function], node, tuple(self.expression(a, names) for a in arguments))
            case Quantified(_, ranges, body):
                inner, copies = self.ranges(ranges, names)
                return replace(node, ranges=copies, body=self.expression(body, inner), at=self.place(node.at))
        return self.parts(node, names)

    def chain(self, top: Binary, names: Names) -> Binary:
        """Copy a chain of operators without recursion over its left operands."""
        chain = left_chain(top)
        left: Expression = self.expression(chain[0].left, names)
        for node in chain:
            left = Binary(node.operator, left, self.expression(node.right, names), self.place(node.at))
        assert isinstance(left, Binary)
        return left

    def index(self, node: Index, names: Names) -> Index:
        """`X[e]` for an array or row X that is an argument is `V[i, e]`."""
        subscripts = tuple(self.expression(s, names) for s in node.subscripts)
        at = self.place(node.at)
        match names.get(node.name):
            case Index(name, row):
                return Index(name, (*(self.moved(r, node.at) for r in row), *subscripts), at)
            case Name(name):
                return Index(name, subscripts, at)
            case None:
                self.check_known(node.name, names, node.at)
                return Index(node.name, subscripts, at)
        self.error(f"`{node.name}` is a value and takes no subscript", node.at)
        return Index(node.name, subscripts, at)

    def extent(self, array: Name, names: Names) -> Expression:
        """The extent of the first axis of an array, or of the array that a row is."""
        found = names.get(array.name, array)
        row = found.subscripts if isinstance(found, Index) else ()
        extents = self.extents.get(found.name, ()) if isinstance(found, (Name, Index)) else ()
        if len(row) < len(extents):
            found_extent: Expression = self.moved(extents[len(row)], array.at)
            return found_extent
        if self.extents or array.name not in names:
            self.error(f"`extent` takes an array, and `{array.name}` is none", array.at)
        return Name(array.name, self.place(array.at))

    def operation(self, operator: Expression, call: Call, arguments: tuple[Expression, ...]) -> Expression:
        """`op(a, b)` for an operator that is an argument."""
        at = self.place(call.at)
        if isinstance(operator, Name) and operator.name.isidentifier():
            return Call(operator.name, arguments, at)
        if isinstance(operator, Name) and len(arguments) == 2 and "." not in operator.name:
            return Binary(operator.name, *arguments, at)
        wrong = f"takes 2 values, not {len(arguments)}" if isinstance(operator, Name) else "is not an operator here"
        self.error(f"`{call.function}` {wrong}", call.at)
        return Call(call.function, arguments, at)

    def moved(self, node: Any, at: Span) -> Any:
        """Return an argument with the place of its use. An expression of parameters keeps its own: that is where it is wrong."""
        if isinstance(node, Index):
            return replace(node, subscripts=tuple(self.moved(s, at) for s in node.subscripts), at=self.place(at))
        return replace(node, at=self.place(at)) if isinstance(node, (Name, Number)) else node

    def check_known(self, name: str, names: Names, at: Span) -> None:
        if name not in self.known and name not in OPERATORS:
            near = did_you_mean(name, {*names, *self.known})
            self.error(
                f"undeclared name `{name}`{near or '; a procedure sees its arguments, its locals, parameters and shared arrays'}",
                at,
            )
