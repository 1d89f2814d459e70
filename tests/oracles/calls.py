"""Procedures for the evaluator: bodies in the places of calls, written from docs/language.md (section 3.12) alone.

It renames all that a body declares, at once, and replaces formals: no name of a body hides another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from lockstep.pram import syntax
from lockstep.pram.errors import Span
from lockstep.pram.syntax import Call, CallStatement, Expression, Index, Name, Number, Proc, ProgramText, walk
from oracles.counted import assigned

Body = tuple[Any, ...]
Meaning = Mapping[str, Any]


def with_bodies(tree: ProgramText, libraries: tuple[ProgramText, ...] = ()) -> ProgramText:
    """Return a program without calls. Its libraries are given, since nothing is looked up here."""
    procs = {d.name: d for text in (tree, *libraries) for d in text.declarations if isinstance(d, Proc)}
    plain = tuple(d for d in tree.declarations if not isinstance(d, (Proc, syntax.Use)))
    params = {d.name for d in plain if isinstance(d, syntax.Param)}
    shared = {d.name: d.dimensions for d in plain if isinstance(d, syntax.Shared)}
    calls = _Calls(procs, params, shared, [0], {})
    return replace(tree, declarations=plain, body=calls.block(tree.body))


@dataclass
class _Calls:
    procs: dict[str, Proc]
    params: set[str]
    arrays: dict[str, tuple[Expression, ...]]
    made: list[int]
    kept: dict[Any, str]

    def fresh(self, name: str) -> str:
        self.made[0] += 1
        return f"{name} {self.made[0]}"

    def block(self, body: Body) -> Body:
        return tuple(new for s in body for new in self.statement(s))

    def statement(self, s: Any) -> Body:
        match s:
            case syntax.Assign(name, Call(f, given)) if f in self.procs:
                s = CallStatement(f, self.given(f, given, Name(name, s.at)), s.value.at)
            case syntax.Store(name, subscripts, Call(f, given)) if f in self.procs:
                s = CallStatement(f, self.given(f, given, Index(name, subscripts, s.at)), s.value.at)
            case syntax.LocalArray(name, dimensions):
                self.arrays[name] = dimensions
        before: list[Any] = []
        blocks = ("body", "then", "otherwise")
        changed = {f.name: self.lift(getattr(s, f.name), before) for f in fields(s) if f.name not in (*blocks, "at")}
        s = replace(s, **changed, **{name: self.block(getattr(s, name)) for name in blocks if hasattr(s, name)})
        return (*before, *(self.call(s) if isinstance(s, CallStatement) else (s,)))

    def given(self, f: str, given: tuple[Expression, ...], value: Expression) -> tuple[Expression, ...]:
        """The arguments with the value in the place of the first `out`."""
        first = [formal.kind for formal in self.procs[f].formals].index("place")
        return (*given[:first], value, *given[first:])

    def lift(self, e: Any, before: list[Any]) -> Any:
        """Take calls out of an expression, from left to right."""
        if isinstance(e, tuple):
            return tuple(self.lift(one, before) for one in e)
        if not is_dataclass(e) or isinstance(e, Span):
            return e
        e = replace(e, **{f.name: self.lift(getattr(e, f.name), before) for f in fields(e) if f.name != "at"})
        if not (isinstance(e, Call) and e.function in self.procs):
            return e
        value = Name(self.fresh("value"), e.at)
        before.append(syntax.Local(value.name, Number(0, e.at), e.at))
        before.extend(self.call(CallStatement(e.function, self.given(e.function, e.arguments, value), e.at)))
        return value

    # -- one call ------------------------------------------------------------------------------

    def call(self, s: CallStatement) -> Body:
        proc, before, meaning = self.procs[s.procedure], [], {}
        changing = {a.name for f, a in zip(proc.formals, s.arguments) if f.kind == "place" and isinstance(a, Name)}
        inside = self.changes(proc)

        def once(value: Expression) -> Name:
            before.append(syntax.Local(self.fresh("once"), value, value.at))
            return Name(before[-1].name, value.at)

        def at_hand(value: Expression) -> bool:
            if isinstance(value, Name):
                return value.name not in self.arrays and value.name not in changing
            return all(
                not isinstance(n, Index) and (not isinstance(n, Name) or n.name in (*self.params, "inf")) for n in walk(value)
            )

        operators = {n.function for top in proc.body for n in walk(top) if isinstance(n, Call)}
        for number, formal in enumerate(proc.formals):
            given = s.arguments[number] if number < len(s.arguments) else self.put(formal.default, meaning)
            if formal.name in operators:
                meaning[formal.name] = given
            elif formal.kind == "value":
                meaning[formal.name] = given if at_hand(given) and formal.name not in inside else once(given)
            elif isinstance(given, Index):
                meaning[formal.name] = replace(given, subscripts=tuple(e if at_hand(e) else once(e) for e in given.subscripts))
            else:
                meaning[formal.name] = given
        own = {n.name for top in proc.body for n in walk(top) if isinstance(n, syntax.Local)}
        own |= {n.variable for top in proc.body for n in walk(top) if isinstance(n, (syntax.For, syntax.Range))}
        meaning |= {name: Name(self.fresh(name)) for name in own}
        for array in (n for top in proc.body for n in walk(top) if isinstance(n, syntax.LocalArray)):
            key = proc.name, array.name, repr(self.put(array.dimensions, meaning))
            first = key not in self.kept
            meaning[array.name] = Name(self.kept.setdefault(key, self.fresh(array.name)))
            meaning[f"first {array.name}"] = first
        return (syntax.Called(proc.name, (*before, *self.block(self.put(proc.body, meaning))), s.at),)

    def changes(self, proc: Proc) -> set[str]:
        found = set().union(*(assigned(top) for top in proc.body))
        for n in (n for top in proc.body for n in walk(top) if isinstance(n, (Call, CallStatement))):
            name = n.function if isinstance(n, Call) else n.procedure
            formals = [f for f in self.procs[name].formals] if name in self.procs else []
            if formals and isinstance(n, Call):
                formals.remove(next(f for f in formals if f.kind == "place"))
            found |= {a.name for f, a in zip(formals, n.arguments) if f.kind == "place" and isinstance(a, Name)}
        return found

    def put(self, e: Any, meaning: Meaning) -> Any:
        """Return a copy of a part of a body, with what its names mean."""
        if isinstance(e, tuple):
            return tuple(new for one in e if not self.is_known(one, meaning) for new in [self.put(one, meaning)])
        if not is_dataclass(e) or isinstance(e, Span):
            return e
        if isinstance(e, Call) and e.function == "extent":
            array = self.put(e.arguments[0], meaning)
            return self.arrays[array.name][len(array.subscripts) if isinstance(array, Index) else 0]
        if isinstance(e, syntax.If) and isinstance(e.condition, Call) and e.condition.function == "cell":
            place = self.put(e.condition.arguments[0], meaning)
            chosen = e.then if isinstance(place, Index) or place.name in self.arrays else e.otherwise
            return syntax.Called("", self.put(chosen, meaning), e.at)
        new: Any = replace(e, **{f.name: self.put(getattr(e, f.name), meaning) for f in fields(e) if f.name != "at"})
        match new:
            case Name(name) if name in meaning:
                return replace(meaning[name], at=e.at)
            case Index(name, subscripts) if name in meaning:
                return self.entry(meaning[name], subscripts, e.at)
            case Call(name, arguments) if name in meaning:
                operator = meaning[name].name
                word = operator.isalpha() and operator not in ("and", "or") or operator in self.procs
                return Call(operator, arguments, e.at) if word else syntax.Binary(operator, *arguments, e.at)
            case syntax.Assign(name, value) if name in meaning:
                place = meaning[name]
                if isinstance(place, Index):
                    return syntax.Store(place.name, place.subscripts, value, e.at, e.rule)
                return replace(new, name=place.name)
            case syntax.Store(name, subscripts, value) if name in meaning:
                place = self.entry(meaning[name], subscripts, e.at)
                return syntax.Store(place.name, place.subscripts, value, e.at, e.rule)
            case syntax.Local(name) | syntax.LocalArray(name) | syntax.PrefixSum(name) if name in meaning:
                return replace(new, name=meaning[name].name)
            case syntax.For(variable) | syntax.Range(variable):
                return replace(new, variable=meaning[variable].name)
        return new

    def is_known(self, e: Any, meaning: Meaning) -> bool:
        """Whether this declares a local array that an earlier call has declared."""
        return isinstance(e, syntax.LocalArray) and not meaning.get(f"first {e.name}", True)

    def entry(self, array: Name | Index, subscripts: tuple[Expression, ...], at: Span) -> Index:
        return Index(array.name, (*(array.subscripts if isinstance(array, Index) else ()), *subscripts), at)
