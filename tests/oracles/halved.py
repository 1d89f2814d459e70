"""How many rounds a loop takes at most that halves a range, for the evaluator: it tries whether each way through a round does.

The condition and the middle are computed for small numbers, and so is what each way leaves. What locals hold at the start is looked for
backwards, from the loop: the last statement that assigns the local, and then those that assign the names in its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Index, Name, Number, ProgramText, Statement, walk
from oracles.counted import Event, Way, Ways, assigned
from oracles.plain import PLAIN, Params, constant
from oracles.rounds import Language, Ranges, differences

LOOPS = (syntax.While, syntax.Repeat, syntax.For)
STARTS, SIZES = range(3), range(12)
ZERO = Number(0)


@dataclass(frozen=True)
class Halved:
    """least: of a range with which a round starts. extra: what the middle adds to both ends. Both lists hold sums over parameters,
    with what their symbols stand for: `sizes` those that the range is at most, `rooms` those that half of the range is at most."""

    least: int
    extra: int
    sizes: tuple[tuple[Any, Any], ...]
    rooms: tuple[tuple[Any, Any], ...]

    def value(self, params: Params) -> int:
        of_sizes = [self.halvings(number(size, params)) for size in self.sizes]
        of_rooms = [max(1, self.halvings(2 * number(room, params) + 1 - self.extra)) for room in self.rooms]
        return min(of_sizes + of_rooms)

    def halvings(self, size: int) -> int:
        left, rounds = size + 1 - self.least, 0
        while left > 0:
            left, rounds = left // 2, rounds + 1
        return rounds


def number(total: tuple[Any, Any], params: Params) -> int:
    form, atoms = total
    return int(form.subs({symbol: constant(atoms[symbol], params) for symbol in form.free_symbols}))


class Halvings:
    """lasts: for each array the last subscript along each axis."""

    def __init__(self, tree: ProgramText, language: Language, ways: Ways, wraps: bool) -> None:
        self.language, self.ways, self.wraps = language, ways, wraps
        self.lasts = {name: tuple(map(_last, extents)) for name, extents in ways.dimensions.items()}
        for d in tree.declarations:
            if isinstance(d, syntax.Shared) and d.firsts:
                self.lasts[d.name] = tuple(map(_last, d.dimensions, d.firsts))
        self.places: dict[int, tuple[tuple[Statement, ...], int, Statement | None]] = {}
        self._place(tree.body, None)

    def rounds(self, loop: syntax.While, ranges: Ranges) -> Halved | None:
        if self.wraps:
            return None
        for low, high, least, stays in self._pairs(loop):
            for k, s in enumerate(loop.body):
                if isinstance(s, (syntax.Local, syntax.Assign)) and s.name not in (low, high, *self.ways.dimensions):
                    shape = _Shape(low, high, s.name, least, stays, s.value)
                    ways = list(_AtMiddle(self, shape)._through(list(loop.body[k + 1 :])))
                    if shape.extra is not None and any(goes for _, goes in ways) and all(shape.halved(way) for way in ways):
                        return self._bounded(loop, shape, ways, ranges)
                if {low, high} & assigned(s):
                    break
        return None

    def _bounded(self, loop: syntax.While, shape: _Shape, ways: list[Way], ranges: Ranges) -> Halved | None:
        low, high = (self.value(loop, name) or Name(name) for name in (shape.low, shape.high))
        read = [{what for kind, name, what in events if kind == "use" and name == shape.middle} for events, goes in ways if goes]
        sizes, atoms = differences(high, low, self.language, ranges)
        rooms = []
        for last in set.intersection(*read):
            found, meant = differences(last, low, self.language, ranges)
            rooms += [(room, meant) for room in found]
        assert shape.extra is not None
        known = sizes or rooms
        return Halved(shape.least, shape.extra, tuple((size, atoms) for size in sizes), tuple(rooms)) if known else None

    def _pairs(self, loop: syntax.While) -> Iterator[tuple[str, str, int, bool]]:
        """The two names of a comparison, from what size of the range on it holds, and whether it holds for negative sizes, too."""
        for e in _conjuncts(loop.condition):
            names = sorted({n.name for n in walk(e) if isinstance(n, Name)})
            if len(names) == 2 and not {*names} & {*self.ways.dimensions} and _is_plain(e, names):
                for low, high in (names, names[::-1]):
                    holds = {d: {bool(_plain(e, {low: a, high: a + d})) for a in (20, 30)} for d in range(-20, 21)}
                    true = [d for d in holds if holds[d] == {True}]
                    if any(len(truths) > 1 for truths in holds.values()) or not true:
                        continue
                    if true == list(range(true[0], 21)) and true[0] > -20:
                        yield low, high, true[0], False
                    from_0 = self.value(loop, low) == Number(0) and not self.language.signed
                    if true == [d for d in holds if d] and from_0:
                        yield low, high, 1, True

    # -- what locals hold at the start ---------------------------------------------------------

    def _place(self, block: tuple[Statement, ...], parent: Statement | None) -> None:
        for k, s in enumerate(block):
            self.places[id(s)] = block, k, parent
            for name in ("body", "then", "otherwise"):
                self._place(getattr(s, name, ()), s)

    def _earlier(self, s: Statement) -> Iterator[Statement]:
        """Yield what may run between two visits of a statement or before it, the latest first; a loop around it as a whole."""
        block, k, parent = self.places[id(s)]
        yield from reversed(block[:k])
        if isinstance(parent, LOOPS):
            yield parent
        if parent is not None:
            yield from self._earlier(parent)

    def value(self, s: Statement, name: str) -> Expression | None:
        """What a local holds right before a statement."""
        source = next((e for e in self._earlier(s) if name in assigned(e)), None)
        if not isinstance(source, (syntax.Local, syntax.Assign)) or getattr(source, "items", ()) or name in self.ways.dimensions:
            return None
        value = self._put(source, source.value)
        between = set()
        for e in self._earlier(s):
            if e is source:
                break
            between |= assigned(e)
        used = {n.name for n in walk(value) if isinstance(n, (Name, Index))}
        return None if used & (between | {name}) else value

    def _put(self, s: Statement, e: Expression) -> Expression:
        match e:
            case Name(name):
                return self.value(s, name) or e
            case syntax.Binary(_, a, b):
                return replace(e, left=self._put(s, a), right=self._put(s, b))
            case syntax.Call(_, arguments):
                return replace(e, arguments=tuple(self._put(s, a) for a in arguments))
        return e


class _Shape:
    """extra: that of the middle; None if it is not (low + high + extra) / 2."""

    def __init__(self, low: str, high: str, middle: str, least: int, stays: bool, value: Expression) -> None:
        self.low, self.high, self.middle, self.least, self.stays = low, high, middle, least, stays
        self.extra = None
        if _is_plain(value, (low, high)):
            seen = {(a, d): _plain(value, {low: a, high: a + d}) for a, d in self.grid()}
            fits = [e for e in range(-9, 10) if all(m == (2 * a + d + e) // 2 for (a, d), m in seen.items())]
            self.extra = fits[0] if fits else None

    def grid(self) -> Iterator[tuple[int, int]]:
        return ((a, self.least + d) for a, d in product(STARTS, SIZES))

    def halved(self, way: Way) -> bool:
        events, goes = way
        mine = [(kind, what) for kind, name, what in events if kind != "use" and name in (self.low, self.high, self.middle)]
        return not goes or len(mine) == 1 and mine[0][0] == "change" and self.leaves_half(mine[0][1])

    def leaves_half(self, s: syntax.Assign) -> bool:
        if s.name == self.middle or not _is_plain(s.value, (self.low, self.high, self.middle)):
            return False
        for a, d in self.grid():
            ends = {self.low: a, self.high: a + d, self.middle: (2 * a + d + (self.extra or 0)) // 2}
            ends[s.name] = _plain(s.value, ends)
            left = ends[self.high] - ends[self.low]
            if 2 * (left + 1 - self.least) > d + 1 - self.least or self.stays and left < 0:
                return False
        return True


class _AtMiddle(Ways):
    """The ways through a round, with the assignments to the three names, and the last subscripts of the arrays read at a name."""

    def __init__(self, halvings: Halvings, shape: _Shape) -> None:
        super().__init__(halvings.ways.dimensions, halvings.ways.written)
        self.lasts, self.names = halvings.lasts, (shape.low, shape.high, shape.middle)

    def _one(self, s: Statement) -> Iterator[Way]:
        if isinstance(s, syntax.Assign) and s.name in self.names:
            yield [("change", s.name, s), *self._in(s)], True
        else:
            yield from super()._one(s)

    def _use(self, index: Index) -> Iterator[Event]:
        for subscript, last in zip(index.subscripts, self.lasts.get(index.name, ())):
            if isinstance(subscript, Name):
                yield "use", subscript.name, last


def _last(extent: Expression, first: Expression = ZERO) -> Expression:
    return syntax.Binary("-", syntax.Binary("+", first, extent), Number(1))


def _conjuncts(e: Expression) -> Iterable[Expression]:
    return [*_conjuncts(e.left), *_conjuncts(e.right)] if isinstance(e, syntax.Binary) and e.operator == "and" else [e]


def _is_plain(e: Expression, names: Iterable[str]) -> bool:
    return all(isinstance(n, (Number, syntax.Binary)) or isinstance(n, Name) and n.name in names for n in walk(e))


def _plain(e: Expression, values: dict[str, int]) -> int:
    match e:
        case Number(value):
            return value
        case Name(name):
            return values[name]
        case syntax.Binary(operator, a, b):
            x, y = _plain(a, values), _plain(b, values)
            return 0 if operator in "/%" and y == 0 or operator in ("<<", ">>") and y < 0 else int(PLAIN[operator](x, y))
    raise AssertionError(e)
