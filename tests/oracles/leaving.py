"""Which loops processors leave one by one, for the evaluator; it shares only the syntax tree with the project.

A value *varies* if processors may have different ones. A fixpoint finds the declarations whose values vary, and the loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Union

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Index, Name, Node, ProgramText, Statement, walk
from oracles.counted import Counted, Loop, Ways, assigned
from oracles.halved import Halved, Halvings
from oracles.plain import OPERATORS, Trap
from oracles.rounds import Language, Ranges, Rounds, inferred

#: How many rounds a loop takes: the value of an expression, a number found from bounds, halving or arrays, or None: as many as it needs.
Kind = Union[Expression, Rounds, Halved, Counted, None]


@dataclass(frozen=True)
class _Place:
    """What surrounds a statement: the declarations seen, the loop variables with known ranges, whether processors may differ
    in being idle, what idle processors do not know (None if nobody idles), and whether a `return` is for one processor alone."""

    declared: Mapping[str, int] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=dict)
    differ: bool = False
    unknown: frozenset[int] | None = None
    alone: bool = True

    def with_name(self, name: str, node: Node) -> _Place:
        return replace(self, declared={**self.declared, name: id(node)})


class Leaving:
    """The loops of a program, by their `id`: `kinds` has those that processors leave one by one, `flagged` those without a bound."""

    def __init__(self, tree: ProgramText, params: set[str], mode: str, signed: bool) -> None:
        self.params, self.mode = params | {"inf"}, mode
        self.own = {n.name for n in walk(tree) if isinstance(n, syntax.LocalArray)}
        self.varying: set[int] = set()
        self.kinds: dict[int, Kind] = {}
        self.returning: set[int] = set()  # bodies of procedures from which each processor returns by itself
        self.returning_together = {id(n) for n in walk(tree) if isinstance(n, syntax.Called) and has_return(n.body)}
        procs = next((d.count for d in tree.declarations if isinstance(d, syntax.Procs)), syntax.Number(1))
        shared = {d.name: d.dimensions for d in tree.declarations if isinstance(d, syntax.Shared)}
        own = {n.name: n.dimensions for n in walk(tree) if isinstance(n, syntax.LocalArray)}
        self.ways = Ways({**shared, **own}, assigned(tree))
        computed = {d.name: d.value for d in tree.declarations if isinstance(d, syntax.Param) and d.value is not None}
        self.language = Language(self.is_parametric, signed, computed)
        wraps = any(isinstance(d, syntax.Word) and d.wrap for d in tree.declarations)
        self.halvings = Halvings(tree, self.language, self.ways, wraps)
        last_pid = syntax.Binary("-", procs, syntax.Number(1))
        before = -1
        while before != (before := len(self.varying) + len(self.kinds) + len(self.returning)):
            self._block(tree.body, _Place(ranges={"pid": (syntax.Number(0), last_pid)}))
        self.flagged = [id(n) for n in walk(tree) if self.kinds.get(id(n), n) is None]

    def is_parametric(self, e: Expression) -> bool:
        return all(isinstance(n, OPERATORS) or isinstance(n, Name) and n.name in self.params for n in walk(e))

    def is_shared_control(self, s: Statement, apart: bool = False, alone: bool = True) -> bool:
        """Whether all processors run a statement together; apart: a `break` here is for one processor; alone: a `return`."""
        match s:
            case syntax.Return():
                return not alone
            case syntax.Called():
                together = id(s) in self.returning_together - self.returning
                return together or any(self.is_shared_control(inner, True, not together) for inner in s.body)
            case syntax.Parallel() | syntax.Single() | syntax.Halt():
                return True
            case syntax.Break():
                return not apart
            case syntax.If():
                return any(self.is_shared_control(inner, apart, alone) for inner in (*s.then, *s.otherwise))
            case syntax.While() | syntax.Repeat() | syntax.For():
                own = id(s) in self.kinds
                shared = not own and not isinstance(s, syntax.For)
                return shared or any(self.is_shared_control(inner, own, alone) for inner in s.body)
        return False

    # -- values that vary ----------------------------------------------------------------------

    def _varies(self, e: Node, place: _Place) -> bool:
        return any(self._differs(n, place) for n in walk(e))

    def _differs(self, n: Node, place: _Place) -> bool:
        match n:
            case Index(name):
                return place.differ or name in self.own
            case Name("pid"):
                return True
            case Name(name) if name in place.declared:
                return place.declared[name] in self.varying
            case Name(name):
                return name not in self.params and place.differ  # a scalar in memory
        return False

    def _assign(self, name: str, value: Expression, place: _Place) -> None:
        if name in place.declared and (place.differ or self._varies(value, place)):
            self.varying.add(place.declared[name])

    def _block(self, body: Iterable[Statement], place: _Place) -> None:
        for s in body:
            place = self._statement(s, place)

    def _statement(self, s: Statement, place: _Place) -> _Place:
        match s:
            case syntax.Local(name, value):
                place = place.with_name(name, s)
                self._assign(name, value, place)
            case syntax.Assign(name, value):
                self._assign(name, value, place)
            case syntax.PrefixSum(name) if name in place.declared:  # each gets another value
                self.varying.add(place.declared[name])
            case syntax.Several():
                for target, value in zip(s.targets, s.values):
                    if isinstance(target, Name):
                        self._assign(target.name, value, place)
            case syntax.If():
                same = not place.differ and not self._varies(s.condition, place)
                inside = place if same and self.is_shared_control(s, False, place.alone) else self._idling(s, place, not same)
                self._block((*s.then,), inside)
                self._block((*s.otherwise,), inside)
            case syntax.While() | syntax.Repeat():
                self._while(s, place)
            case syntax.For():
                self._for(s, place)
            case syntax.Single():
                self._block(s.body, replace(self._idling(s, place, True), alone=True))
            case syntax.Called():
                if place.differ and id(s) in self.returning_together:
                    self.returning.add(id(s))
                self._block(s.body, replace(place, alone=id(s) not in self.returning_together - self.returning))
            case syntax.Parallel():
                self._parallel(s, place)
        return place

    def _idling(self, region: Node, place: _Place, differ: bool) -> _Place:
        """The place in a region where some may idle. The outermost such region says what idle processors do not know."""
        unknown = place.unknown
        if unknown is None:
            nodes = list(walk(region))
            names = {n.name for n in nodes if isinstance(n, syntax.Assign)}
            names |= {t.name for n in nodes if isinstance(n, syntax.Several) for t in n.targets}
            names |= {n.name for n in nodes if isinstance(n, syntax.PrefixSum)}
            own = {id(n) for n in nodes if isinstance(n, syntax.Local) or isinstance(n, syntax.For) and n.items}
            unknown = frozenset(own | {
                place.declared[name] for name in names & set(place.declared)})  # fmt: skip
        return replace(place, differ=place.differ or differ, unknown=unknown)

    # -- loops ---------------------------------------------------------------------------------

    def _while(self, s: syntax.While | syntax.Repeat, place: _Place) -> None:
        if s.bound is not None or place.differ:
            self.kinds[id(s)] = s.bound if s.bound is not None else self._flagged(s, place)
        self._block(s.body, self._idling(s, place, True) if id(s) in self.kinds else place)

    def _for(self, s: syntax.For, place: _Place) -> None:
        bounds = [s.first, s.last, *([] if s.by is None else [s.by])]
        unsure = any(self._is_unknown(n, place) for b in bounds for n in walk(b))
        if s.bound is not None:
            self.kinds[id(s)] = s.bound
        elif unsure or place.differ and _is_broken(s.body) or id(s) in self.kinds:
            self.kinds[id(s)] = self._inferred(s, place)
        if id(s) in self.kinds or any(self._varies(e, place) for e in (s.first, s.last, *s.items)):
            self.varying.add(id(s))
        low, high = (s.last, s.first) if s.down else (s.first, s.last)
        inside = self._ranged(s, low, high, place.with_name(s.variable, s))
        self._block(s.body, self._idling(s, inside, True) if id(s) in self.kinds else inside)

    def _inferred(self, s: syntax.For, place: _Place) -> Kind:
        found = inferred(s, self.language, place.ranges)
        return self._flagged(s, place) if found is None else found

    def _flagged(self, s: Loop, place: _Place) -> Kind:
        """None if the mode has flags; else what halving or the arrays tell."""
        if self.mode.startswith("CRCW") and self.mode != "CRCW sum":
            return None
        halved = self.halvings.rounds(s, place.ranges) if isinstance(s, syntax.While) else None
        found = halved or self.ways.counted(s)
        if found is None:
            raise Trap("input", "neither the bounds, halving nor the arrays tell how many rounds are enough")
        return found

    def _is_unknown(self, n: Node, place: _Place) -> bool:
        """Whether some processor may not know this part of a bound."""
        if place.unknown is None:
            return self._differs(n, place)
        is_read = isinstance(n, Index) or isinstance(n, Name) and n.name not in {*self.params, *place.declared, "pid"}
        assigned = isinstance(n, Name) and place.declared.get(n.name) in place.unknown
        return is_read or assigned or self._differs(n, place)

    def _ranged(self, s: syntax.For | syntax.Range, low: Expression, high: Expression, place: _Place) -> _Place:
        known = all(map(self.is_parametric, s.items or (low, high)))
        if s.items:
            low = high = s.items[0]
            for item in s.items[1:]:
                low, high = syntax.Call("min", (low, item)), syntax.Call("max", (high, item))
        return replace(place, ranges={**place.ranges, s.variable: (low, high)}) if known else place

    def _parallel(self, s: syntax.Parallel, place: _Place) -> None:
        inside = replace(self._idling(s, place, True), alone=True)
        for r in s.ranges:
            self.varying.add(id(r))
            inside = self._ranged(r, r.low, r.high, inside.with_name(r.variable, r))
        self._block(s.body, inside)


def has_return(body: Iterable[Statement]) -> bool:
    """Whether a `return` ends this body, and not an item or another body in it."""
    for s in body:
        if isinstance(s, syntax.Return):
            return True
        inner = () if isinstance(s, (syntax.Parallel, syntax.Single, syntax.Called)) else (
            *getattr(s, "body", ()), *getattr(s, "then", ()), *getattr(s, "otherwise", ()))  # fmt: skip
        if has_return(inner):
            return True
    return False


def _is_broken(body: Iterable[Statement]) -> bool:
    """Whether a `break` leaves the loop with this body."""
    return any(isinstance(s, syntax.Break) or isinstance(s, syntax.If) and _is_broken((*s.then, *s.otherwise)) for s in body)
