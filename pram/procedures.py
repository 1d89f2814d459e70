"""Puts the bodies of procedures in the places of their calls, before a program is analysed.

So costs stay a property of the text, and nothing that follows knows procedures: each call is a `Called`, with the body in it.

`lockstep.pram.libraries` finds procedures, `binding` binds arguments, `copying` copies bodies, `hoisting` finds calls in
expressions, and `promises` turns the promises of procedures into assertions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lockstep.pram.binding import Binder, Procedures, Scope, head
from lockstep.pram.checked_procedures import TAKEN, check_procedures
from lockstep.pram.copying import Body, Copier
from lockstep.pram.errors import Diagnostic, PramError, Source, Span, did_you_mean, fail
from lockstep.pram.flattening import flatten
from lockstep.pram.foreign import FALSE, FOREIGN, LARGEST, LEAST, TRUE
from lockstep.pram.hoisting import Hoister
from lockstep.pram.libraries import Library, Procedure, standard_names
from lockstep.pram.promises import promised
from lockstep.pram.side_by_side import Different, side_by_side
from lockstep.pram.syntax import (
    Assign,
    Call,
    Called,
    CallStatement,
    Expression,
    For,
    If,
    Index,
    Local,
    LocalArray,
    Name,
    Number,
    Parallel,
    Param,
    Proc,
    ProgramText,
    Repeat,
    Shared,
    SideBySide,
    Single,
    Statement,
    Store,
    Use,
    While,
)

#: The most bodies of a program. Procedures that call each other twice, 30 levels deep, would have a billion.
MAX_CALLS = 10_000

#: The most calls within calls.
MAX_DEPTH = 64

#: The parameter of a program that the standard library takes for random numbers; without it, it takes 1.
SEED = "seed"

#: The names that a book may use without a declaration.
OF_BOOKS = (*LARGEST, *LEAST, *TRUE, *FALSE)


def expand(tree: ProgramText, source: Source, library: Library) -> ProgramText:
    """Return the program without calls, `proc` and `use`.

    Raises: PramError: with one diagnostic for each error.
    """
    if tree.library:
        raise fail("this is a library: a program uses it, and a library cannot run", source, tree.at)
    library.collect(tree)
    expander = _Expander(tree, library)
    errors = library.errors or check_procedures(library, expander.scope.names)
    if not errors:
        body = expander.block(tree.body, expander.scope)
        errors = expander.errors
        if not errors:
            body = flatten(body, frozenset(expander.scope.arrays), errors)
    if errors:
        unique = {(e.message, e.span): e for e in errors}
        raise PramError(sorted((replace(e, source=source) for e in unique.values()), key=_in_the_text))
    return replace(tree, declarations=tuple(d for d in tree.declarations if not isinstance(d, (Proc, Use))), body=body)


def _in_the_text(error: Diagnostic) -> tuple[int, int]:
    return (error.span.own.line, error.span.own.column) if error.span else (0, 0)


class _Expander(Procedures):
    """Replaces the calls in blocks."""

    def __init__(self, tree: ProgramText, library: Library) -> None:
        super().__init__()
        self.library, self.number = library, 0
        self.errors: list[Diagnostic] = []
        self.arrays: set[str] = set()  # the local arrays that are there
        self.kept: dict[str, dict[tuple[str, tuple[Expression, ...]], str]] = {}
        params = [d.name for d in tree.declarations if isinstance(d, Param)]
        arrays = {d.name: d.dimensions for d in tree.declarations if isinstance(d, Shared)}
        self.scope = Scope((*params, *OF_BOOKS), arrays=arrays)

    def find(self, name: str) -> Procedure | None:
        found = None if name in self.scope.arrays else self.library.find(name)
        self.errors += self.library.errors
        self.library.errors.clear()
        return found

    def block(self, statements: Body, scope: Scope) -> Body:
        found: list[Statement] = []
        for statement in statements:
            new, scope = self.statement(statement, scope)
            found += new
        return statements if len(found) == len(statements) and all(a is b for a, b in zip(found, statements)) else tuple(found)

    def statement(self, statement: Statement, scope: Scope) -> tuple[list[Statement], Scope]:
        """Return the statements that replace a statement, and the scope after it."""
        statement = self.as_statement(statement)
        hoister = Hoister(self, scope)
        new: Any = hoister.statement(statement)
        before, scope = hoister.before, hoister.scope
        match new:
            case CallStatement():
                return [*before, *self.call(new, scope)], scope
            case SideBySide(calls, at):
                try:
                    return self.statement(side_by_side(calls, at, self.find), scope)
                except Different as wrong:
                    self.error(str(wrong), wrong.at)
                    return [], scope
            case Local(name):
                return [*before, new], scope.with_local(name)
            case LocalArray(name, dimensions):
                known, self.arrays = name in self.arrays, {*self.arrays, name}
                return [] if known and "." in name else [new], scope.with_array(name, dimensions)
            case If(_, then, otherwise):
                return [*before, _with(new, then=self.block(then, scope), otherwise=self.block(otherwise, scope))], scope
            case For(variable):
                return [*before, _with(new, body=self.block(new.body, scope.with_loop(variable)))], scope
            case Parallel(ranges):
                inner = scope
                for part in ranges:
                    inner = inner.with_loop(part.variable)
                return [*before, _with(new, body=self.block(new.body, inner))], scope
            case While() | Repeat() | Single() | Called():
                return [*before, _with(new, body=self.block(new.body, scope))], scope
        return [*before, new], scope

    def as_statement(self, statement: Statement) -> Statement:
        """`y := f(a)` is `f(a, y)`: the value is the first `out` argument."""
        match statement:
            case Assign(name, Call() as call, at, "") if self.is_procedure(call):
                return self.with_value(call, Name(name, at)) or replace(statement, value=Number(0, at))
            case Store(name, subscripts, Call() as call, at, "") if self.is_procedure(call):
                return self.with_value(call, Index(name, subscripts, at)) or replace(statement, value=Number(0, at))
        return statement

    def with_value(self, call: Call, place: Name | Index) -> CallStatement | None:
        """Return the call with a place for its value; None if it can have none."""
        procedure = self.find(call.function)
        assert procedure is not None
        formals, given = procedure.proc.formals, call.arguments
        first = next((k for k, f in enumerate(formals) if f.kind == "place"), None)
        if first is None:
            self.error(f"`{head(procedure.proc)}` has no value, since it has no `out`: a call of it is a statement", call.at)
            return None
        if not first <= len(given) < len(formals):
            many = f"{len(formals) - 1} argument{'s' * (len(formals) != 2)}"
            self.error(f"`{head(procedure.proc)}` has {many} besides its value, not {len(given)}", call.at)
            return None
        return CallStatement(call.function, (*given[:first], place, *given[first:]), call.at)

    # -- calls ---------------------------------------------------------------------------------

    def call(self, call: CallStatement, scope: Scope) -> list[Statement]:
        """Return the body of the procedure, with the arguments in it."""
        procedure = self.find(call.procedure)
        if procedure is None:
            self.error(self.no_such(call.procedure), call.at)
            return []
        self.number += 1
        if len(call.at.calls) > MAX_DEPTH:
            self.error(f"calls within calls, more than {MAX_DEPTH} deep, are refused", call.at)
            return []
        if self.number > MAX_CALLS:
            raise PramError(
                Diagnostic(f"with their calls, procedures have more than {MAX_CALLS} bodies", self.library.program, call.at)
            )
        binder = Binder(call, procedure, scope, self, self.number)
        binder.bind()
        self.errors += binder.errors
        return [] if binder.errors else [self.body(call, procedure, binder, scope)]

    def body(self, call: CallStatement, procedure: Procedure, binder: Binder, scope: Scope) -> Called:
        proc = procedure.proc
        known = {*scope.names, *self.library.procedures, *standard_names()}
        kept = self.kept.setdefault(proc.name, {})
        copier = Copier(known, self.number, call.at, procedure.source, scope.arrays, kept=kept)
        names = binder.names
        if procedure.is_standard and SEED not in scope.params:
            names = {SEED: Number(1), **names}
        body = promised(proc, copier.block(proc.body, names), copier, names, call.at)
        self.errors += copier.errors
        for local in binder.before:
            scope = scope.with_local(local.name)
        return Called(proc.name, (*binder.before, *self.block(body, scope)), call.at)

    def value(self, call: Call, arguments: tuple[Expression, ...], scope: Scope) -> tuple[list[Statement], Name]:
        """Return the statements that compute a call in an expression, and the local with its value: at first it is 0."""
        local = Name(f"{call.function}.{self.number + 1}.0", call.at)
        statement = self.with_value(replace(call, arguments=arguments), local)
        if statement is None:
            return [], local
        start = Local(local.name, Number(0, call.at), call.at)
        return [start, *self.call(statement, scope.with_local(local.name))], local

    def is_procedure(self, call: Call) -> bool:
        """Whether a call in an expression calls a procedure, not a function of the language."""
        if call.function in TAKEN:
            return False
        return self.find(call.function) is not None

    # -- errors --------------------------------------------------------------------------------

    def no_such(self, name: str) -> str:
        known = (*self.library.procedures, *standard_names())
        advice = did_you_mean(name, known) or (f"; {FOREIGN[name]}" if name in FOREIGN else "")
        return f"there is no procedure `{name}`{advice}"

    def error(self, message: str, at: Span) -> None:
        self.errors.append(Diagnostic(message, None, at))


def _with(node: Any, **blocks: Body) -> Any:
    """Return a statement with other blocks; the same object if nothing changes."""
    changed = {name: block for name, block in blocks.items() if block is not getattr(node, name)}
    return replace(node, **changed) if changed else node
