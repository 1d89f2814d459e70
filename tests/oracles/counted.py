"""How many rounds a loop takes at most, told from the arrays that it uses, for the evaluator: it lists all ways through a round.

A way is a list of what happens on it: a variable is used as a subscript, raised, or assigned otherwise. A variable counts if it is only
raised, and on every way to each such place it is used, since it was last raised, along an axis with the same extent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Union

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Index, Name, Number, Statement, walk
from oracles.plain import Params, constant

Loop = Union[syntax.While, syntax.Repeat, syntax.For]
Dimensions = dict[str, tuple[Expression, ...]]

#: What happens: ("use", variable, extent), ("raise", variable, place), ("other", variable, 0); and whether the way goes on.
Event = tuple[str, str, Any]
Way = tuple[list[Event], bool]


@dataclass(frozen=True)
class Counted:
    """For each way to bound the rounds, the sum of some variables; each has, for each place that raises it, the extents there."""

    ways: tuple[tuple[tuple[tuple[Expression, ...], ...], ...], ...]

    def value(self, params: Params) -> int:
        return min(sum(max(min(constant(e, params) for e in place) for place in name) for name in way) for way in self.ways)


class Ways:
    """dimensions: those of all arrays; written: the names that some statement of the program assigns."""

    def __init__(self, dimensions: Dimensions, written: set[str]) -> None:
        self.dimensions, self.written = dimensions, written

    def counted(self, loop: Loop) -> Counted | None:
        self.changed = assigned(loop)
        ways = list(self._through(list(loop.body)))
        if isinstance(loop, syntax.While):
            ways = [([*self._uses(loop.condition, True), *events], goes) for events, goes in ways]
        if isinstance(loop, syntax.For):
            ways = [([*events, ("raise", loop.variable, 0)] if goes else events, goes) for events, goes in ways]
        if not any(goes for _, goes in ways):
            return Counted(((((Number(1),),),),))
        counts = self._counting(ways)
        if isinstance(loop, syntax.For):
            counts = {loop.variable: counts[loop.variable]} if loop.variable in counts else {}
        on = [{name for kind, name, _ in events if kind == "raise"} for events, goes in ways if goes]
        alone = [name for name in counts if all(name in raised for raised in on)]
        if alone:
            return Counted(tuple((counts[name],) for name in alone))
        return Counted((tuple(counts.values()),)) if counts and all(raised & {*counts} for raised in on) else None

    def _counting(self, ways: list[Way]) -> dict[str, tuple[tuple[Expression, ...], ...]]:
        places: dict[tuple[str, Any], list[Expression]] = {}
        spoilt = {name for events, _ in ways for kind, name, _ in events if kind == "other"}
        for events, _ in ways:
            since: dict[str, list[Expression]] = {}
            for kind, name, what in events:
                if kind == "use":
                    since.setdefault(name, []).append(what)
                elif kind == "raise":
                    now = since.pop(name, [])
                    before = places.get((name, what), now)
                    places[name, what] = [extent for extent in before if extent in now]
        found: dict[str, list[tuple[Expression, ...]]] = {}
        for (name, _), extents in places.items():
            found.setdefault(name, []).append(tuple(extents))
        return {name: tuple(each) for name, each in found.items() if name not in spoilt and all(each)}

    # -- ways ----------------------------------------------------------------------------------

    def _through(self, body: list[Statement]) -> Iterator[Way]:
        if not body:
            yield [], True
            return
        for events, goes in self._one(body[0]):
            if not goes:
                yield events, False
            else:
                yield from (([*events, *more], on) for more, on in self._through(body[1:]))

    def _one(self, s: Statement) -> Iterator[Way]:
        match s:
            case syntax.Break() | syntax.Return():
                yield [], False
            case syntax.If():
                for branch, truth in ((s.then, True), (s.otherwise, False)):
                    for events, goes in self._through(list(branch)):
                        yield [*self._uses(s.condition, truth), *events], goes
            case syntax.Called(_, body) if not any(isinstance(n, syntax.Return) for n in walk(s)):
                yield from self._through(list(body))
            case syntax.While() | syntax.Repeat() | syntax.For() | syntax.Called():
                yield [("other", name, 0) for name in assigned(s)], True
            case syntax.Assign(name, syntax.Binary("+", Name(again), Number(by))) if again == name and by > 0:
                yield [("raise", name, id(s))], True
            case _:
                yield [*(("other", name, 0) for name in assigned(s)), *self._in(s)], True

    def _in(self, s: Statement) -> Iterator[Event]:
        match s:
            case syntax.Local(_, value) | syntax.Assign(_, value):
                yield from self._uses(value, None)
            case syntax.Store(name, subscripts, value):
                yield from self._use(Index(name, subscripts))
                for e in (*subscripts, value):
                    yield from self._uses(e, None)
            case syntax.Several(targets, values):
                for e in (*values, *(t for t in targets if isinstance(t, Index))):
                    yield from self._uses(e, None)

    def _uses(self, e: Expression, truth: bool | None) -> list[Event]:
        """The uses that are certain in an expression with this truth. A right side that reads memory may be left out."""
        match e:
            case syntax.Binary("and", a, b) if truth:
                return self._uses(a, True) + self._uses(b, True)
            case syntax.Binary("or", a, b) if truth is False:
                return self._uses(a, False) + self._uses(b, False)
            case syntax.Binary("and" | "or", a, _):
                return self._uses(a, None)
            case syntax.Not(a):
                return self._uses(a, None if truth is None else not truth)
            case syntax.Conditional(c):
                return self._uses(c, None)
            case Index(_, subscripts):
                return [*self._use(e), *(u for s in subscripts for u in self._uses(s, None))]
            case syntax.Binary(_, a, b):
                return self._uses(a, None) + self._uses(b, None)
            case syntax.Call(_, arguments):
                return [u for a in arguments for u in self._uses(a, None)]
        return []

    def _use(self, index: Index) -> Iterator[Event]:
        for subscript, extent in zip(index.subscripts, self.dimensions.get(index.name, ())):
            moving = [part for part in _parts(subscript) if not self._stays(part)]
            if len(moving) == 1 and isinstance(moving[0], Name):
                yield "use", moving[0].name, extent

    def _stays(self, e: Expression) -> bool:
        for n in walk(e):
            if isinstance(n, (Name, Index)):
                shared = n.name in self.dimensions and n.name in self.written
                if n.name in self.changed or shared:
                    return False
        return True


def _parts(e: Expression) -> list[Expression]:
    return _parts(e.left) + _parts(e.right) if isinstance(e, syntax.Binary) and e.operator in ("+", "-") else [e]


def assigned(region: Any) -> set[str]:
    found: set[str] = set()
    for n in walk(region):
        if isinstance(n, (syntax.Local, syntax.Assign, syntax.Store)):
            found.add(n.name)
        elif isinstance(n, (syntax.For, syntax.Range)):
            found.add(n.variable)
        elif isinstance(n, syntax.Several):
            found |= {target.name for target in n.targets}
        elif isinstance(n, syntax.PrefixSum):
            found |= {n.name, n.target.name}
    return found
