"""Divides one level of processors where a procedure that a `parallel` calls has a `parallel` of its own.

`parallel for i in R do sum(V[i], n) end` has processors for each i, and `sum` has a `parallel for t in S` in a loop. What `sum`
does is the same for every i: so its loop goes outside, and `parallel for i in R, t in S` stands inside.

| in the body of `parallel for i in R`                        | becomes                                                     |
|-------------------------------------------------------------|-------------------------------------------------------------|
| `parallel for t in S do B end`                              | `parallel for i in R, t in S do B end`                      |
| a loop, an `if` or a call that holds such a `parallel`      | the same, outside; its condition cannot depend on i         |
| a local, or an assignment to one, that does not depend on i | the same, outside                                           |
| a local that depends on i, made of locals and parameters    | the same, in each part that uses it, until one of these     |
|                                                             | locals changes: it is computed anew                         |
| other statements, one after the other                       | `parallel for i in R do .. end`                             |

Only procedures nest so: a `parallel` that is written inside another one is an error (docs/language.md, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lockstep.pram.assignments import assigned
from lockstep.pram.copying import Body, Copier
from lockstep.pram.errors import Diagnostic, Span
from lockstep.pram.syntax import (
    Assert,
    Assign,
    Called,
    Expression,
    For,
    If,
    Index,
    Local,
    Name,
    Node,
    Parallel,
    PrefixSum,
    Print,
    Quantified,
    Range,
    Repeat,
    Return,
    Several,
    Single,
    Snapshot,
    Statement,
    Store,
    While,
    children,
    contracts,
    returns,
    walk,
)

ONE_LEVEL = "there is one level of processors, which the `parallel` in this procedure shares with that around its call"


def flatten(body: Body, shared: frozenset[str], errors: list[Diagnostic]) -> Body:
    """Return statements without a `parallel` inside another one, as far as procedures are the cause. shared: the names of arrays."""
    found: list[Statement] = []
    for statement in body:
        match statement:
            case Parallel() if _nests(statement):
                if returns(statement.body):
                    errors.append(
                        Diagnostic(f"this `parallel` cannot hold a `return` of its own: {ONE_LEVEL}", None, statement.at)
                    )
                elif outer := _reassigned(statement) - shared:
                    errors += [_from_outside(node, outer) for node in walk(statement) if _assigned_by(node) & outer]
                elif private := _private_in_parts(statement, shared):
                    errors += [Diagnostic(_of_processors(node.name), None, node.at) for node in private]
                else:
                    found += _Flattener(statement, shared, errors).block(statement.body)
            case If(_, then, otherwise):
                blocks = {"then": flatten(then, shared, errors), "otherwise": flatten(otherwise, shared, errors)}
                found.append(_with(statement, **blocks))
            case While() | Repeat() | For() | Called():
                found.append(_with(statement, body=flatten(statement.body, shared, errors)))
            case _:
                found.append(statement)
    return body if all(a is b for a, b in zip(found, body)) and len(found) == len(body) else tuple(found)


def _with(statement: Any, **blocks: Body) -> Any:
    changed = {name: block for name, block in blocks.items() if block is not getattr(statement, name)}
    return replace(statement, **changed) if changed else statement


def _nests(loop: Parallel) -> bool:
    """Whether a call in a `parallel` holds a `parallel`."""
    calls = [node for statement in loop.body for node in walk(statement) if isinstance(node, Called)]
    return any(_holds_parallel(call) for call in calls)


def _holds_parallel(statement: Node) -> bool:
    return any(isinstance(node, Parallel) for node in walk(statement))


class _Flattener:
    """Flattens the body of one `parallel`.

    differs: the names whose values may differ from item to item. carried: the locals among them that are computed anew in each
    part. gone: those that only one part has. stale: those that would be computed anew with another value. outside: the locals that
    are the same for all items.
    """

    def __init__(self, loop: Parallel, shared: frozenset[str], errors: list[Diagnostic]) -> None:
        self.loop, self.shared, self.errors = loop, shared, errors
        self.differs = {"pid", *(part.variable for part in loop.ranges)}  # each part gives an item to another processor
        self.carried: dict[str, Local] = {}
        self.gone: set[str] = set()
        self.stale: set[str] = set()
        self.outside: set[str] = set()
        self.part: list[Statement] = []
        self.done: list[list[Statement]] = []

    def block(self, statements: Body) -> Body:
        """Return the statements that replace a block which holds a `parallel`."""
        before, self.part = self.part, []
        self.done.append([])
        for statement in statements:
            self.statement(statement)
        self.close()
        self.part = before
        return tuple(self.done.pop())

    def put(self, statement: Statement) -> None:
        """Put a statement outside, after what came before it."""
        self.close()
        self.done[-1].append(statement)

    def close(self) -> None:
        """End a part: one `parallel` over the items."""
        if self.part:
            body = tuple(self.part)
            self.done[-1].append(replace(self.loop, body=(*self.needed(body), *body)))
            declared = {s.name for s in self.part if isinstance(s, Local)}
            self.gone |= declared - self.carried.keys()
            self.part = []

    def forget(self, changed: Iterable[str]) -> None:
        """Forget the carried locals that are made of names which change: computed anew, they would have another value."""
        stale = set(changed)
        for local in list(self.carried.values()):  # in their order, so that those made of others come after these
            if _names(local.value) & stale:
                stale.add(local.name)
                del self.carried[local.name]
                self.stale.add(local.name)

    def needed(self, body: Body) -> Body:
        """The carried locals that a part uses, and those that they use."""
        own = {s.name for s in body if isinstance(s, Local)}
        names = {name for statement in body for name in _names(statement)} - own
        found: list[Local] = []
        for local in reversed(self.carried.values()):
            if local.name in names:
                found.append(local)
                names |= _names(local.value)
        return tuple(found[::-1])

    def statement(self, statement: Statement) -> None:
        control = _holds_parallel(statement) or returns((statement,))
        if control:
            self.close()
        for name in sorted(_names(statement) & (self.gone | self.stale)):
            when = (
                "after a `parallel` of this procedure" if name in self.gone else "where a local of which it is made has changed"
            )
            self.error(f"`{name}` differs from item to item, and is used {when}: keep it in an array", statement)
        if control:
            self.control(statement)
            self.forget(_reassigned(statement))
            return
        match statement:
            case Snapshot():
                self.put(statement)
            case Assert(condition):
                self.promise(statement, condition)
            case Local(name, value) if not self.depends(value):
                self.outside.add(name)
                self.put(statement)
            case Local(name, value):
                self.differs.add(name)
                if self.is_pure(value):
                    self.carried[name] = statement
                else:
                    self.part.append(statement)
            case Assign(name, value) if name not in self.shared | self.differs and not self.depends(value):
                self.put(statement)
                self.forget({name})
            case _:
                self.of_items(statement)

    def of_items(self, statement: Statement) -> None:
        """Put a statement into the current part."""
        changed = assigned(statement)
        for name in sorted(changed & self.outside):
            self.error(
                f"`{name}` would differ from item to item here, and a `parallel` of this procedure needs one value: {ONE_LEVEL}",
                statement,
            )
        for name in sorted(changed & self.carried.keys()):
            self.error(f"`{name}` differs from item to item, so it cannot be assigned here: {ONE_LEVEL}", statement)
        if not isinstance(statement, Print) or self.part:
            self.part.append(statement)

    def promise(self, statement: Assert, condition: Expression) -> None:
        """An assertion of all items, at no cost."""
        names: dict[str, Expression] = {}
        for local in self.carried.values():
            names[local.name] = _put(local.value, dict(names))
        if _names(statement) & self.differs:
            ranges = tuple(self.loop.ranges)
            condition = Quantified("forall", ranges, _put(condition, names), statement.at)
        self.put(replace(statement, condition=condition))

    # -- control -------------------------------------------------------------------------------

    def control(self, statement: Statement) -> None:
        """Put a statement outside that holds a `parallel`."""
        match statement:
            case Parallel(ranges, body):
                self.parallel(statement, ranges, body)
            case Called(_, body):
                self.put(replace(statement, body=self.block(body)))
            case Return():
                self.put(statement)
            case If(condition, then, otherwise):
                self.same(condition)
                self.put(replace(statement, then=self.block(then), otherwise=self.block(otherwise)))
            case While(condition) | Repeat(_, condition):
                self.forget(_reassigned(statement))  # what a round changes, the next one sees
                self.same(condition, statement.bound)
                self.put(replace(statement, body=self.block(statement.body)))
            case For(variable, first, last):
                self.forget(_reassigned(statement))
                self.same(first, last, statement.by, statement.bound, *statement.items)
                self.outside.add(variable)
                self.put(replace(statement, body=self.block(statement.body)))
            case _:
                assert isinstance(statement, Single)
                self.part.append(statement)  # analysis refuses it

    def parallel(self, inner: Parallel, ranges: tuple[Range, ...], body: Body) -> None:
        for part in ranges:
            self.same(part.low, part.high, *part.items)
        whole = replace(inner, ranges=(*self.loop.ranges, *ranges), body=(*self.needed(body), *body))
        if _nests(whole):
            for statement in _Flattener(whole, self.shared, self.errors).block(whole.body):
                self.put(statement)
        else:
            self.put(whole)

    def same(self, *expressions: Expression | None) -> None:
        """Check that expressions have one value for all items."""
        for expression in expressions:
            for node in () if expression is None else walk(expression):
                if isinstance(node, (Name, Index)) and node.name in self.differs:
                    self.error(
                        f"`{node.name}` differs from item to item, and decides here how a `parallel` runs: {ONE_LEVEL}", node
                    )
                    return

    def depends(self, expression: Expression) -> bool:
        return any(isinstance(n, (Name, Index)) and n.name in self.differs | self.gone for n in walk(expression))

    def is_pure(self, expression: Expression) -> bool:
        return not _names(expression) & {"pid", *self.shared} and not any(isinstance(n, Index) for n in walk(expression))

    def error(self, message: str, node: Any) -> None:
        self.errors.append(Diagnostic(message, None, node.at))


def _names(node: Node) -> set[str]:
    """The names in a node, also those in its contracts."""
    found = {n.name for n in walk(node) if isinstance(n, (Name, Index))} | set(assigned(node))
    inside: Iterable[Expression] = [c for n in walk(node) for c in contracts(n)]
    return found | {n.name for c in inside for n in walk(c) if isinstance(n, (Name, Index))}


def _reassigned(statement: Statement) -> set[str]:
    """The names that a statement gives another value, without those that it declares."""
    nodes = list(walk(statement))
    declared = {node.name for node in nodes if isinstance(node, Local)}
    return {name for node in nodes for name in _assigned_by(node)} - declared


def _assigned_by(node: Node) -> frozenset[str]:
    """The names to which a statement assigns, without the statements in it."""
    return assigned(node) if isinstance(node, (Assign, Several, PrefixSum)) else frozenset()


def _from_outside(node: Node, outer: set[str]) -> Diagnostic:
    """The error for an assignment to a local of a processor: which processor has an item differs from part to part."""
    return Diagnostic(_of_processors(min(_assigned_by(node) & outer)), None, node.at)


def _of_processors(name: str) -> str:
    return f"`{name}` belongs to a processor, and cannot keep what an item finds: {ONE_LEVEL}"


def _private_in_parts(loop: Parallel, shared: frozenset[str]) -> list[Index | Store]:
    """The last use of each local array that several parts use: in each of them an item has another processor, with its own array."""
    outer = [node for statement in loop.body for node in walk(statement, without=(Parallel,))]
    inner = [list(walk(part)) for part in _outermost(loop.body)]
    places = [{n.name: n for n in nodes if isinstance(n, (Index, Store)) and n.name not in shared} for nodes in (outer, *inner)]
    names = {name for uses in places for name in uses}
    return [[uses[name] for uses in places if name in uses][-1] for name in sorted(names) if sum(name in u for u in places) > 1]


def _outermost(body: Body) -> list[Parallel]:
    """The `parallel`s in a block that stand in no other one of it."""
    found: list[Parallel] = []
    todo: list[Node] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, Parallel):
            found.append(node)
        else:
            todo += children(node)
    return found


def _put(expression: Any, names: dict[str, Expression]) -> Any:
    """Return an expression with other expressions for names."""
    return _Replacer((), 0).expression(expression, names)


class _Replacer(Copier):
    """Keeps places, and all names that it does not replace."""

    def place(self, at: Span) -> Span:
        return at

    def own(self, name: str, at: Span) -> Name:
        return Name(name, at)

    def check_known(self, name: str, names: Any, at: Span) -> None:
        pass
