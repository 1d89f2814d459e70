"""Writes random `parallel for` statements, and copies of arrays."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from lockstep.proofs_check.fuzzing.random_loops import Loops
from lockstep.proofs_check.fuzzing.random_scopes import Expr, Scope, ones


class Parallels(Loops):
    """Writes `parallel for`. A subclass writes the bodies."""

    processors: int

    def parallel(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `parallel for`; the bounds of its only range may be words."""
        extents = self.extents()
        variables: list[Expr] = []
        ranges: list[str] = []
        ranged: set[str] = set()
        for extent in extents:
            low = self.pick(0, 0, 0, 1, 2)
            first, last = self.exactly(low), self.exactly(low + extent - 1)
            term = Expr(
                f"i{len(scope.variables) + len(variables)}", low, max(low, last.high), False, distinct=prod(extents) == extent > 0
            )
            if len(extents) == 1 and self.chance(4):
                first, last, term = self.near_the_top(scope, term.text)
            elif len(extents) == 1 and self.chance(3):
                last = self.bound(scope, ones(self.processors + 1) >> 1)
                term = replace(term, high=max(low, last.high), distinct=True)
                if not self.wrap and self.chance(2):
                    last = self.difference(last, self.bound(scope, 3))
            elif variables and extent and self.chance(2):
                first, last = self.number(0), self.bound(scope, (1 << extent.bit_length() - 1) - 1)
                term = replace(term, low=0, high=last.high, distinct=False)
                if not self.wrap and self.chance(2):
                    last = self.difference(last, self.bound(scope, 3))
            ranged |= {term.text} if first.parametric and last.parametric else set()
            listed = self.listed(scope, low, extent) if extent and term.high < 9 and self.chance(4) else None
            if listed is not None:
                values, term = listed[0], replace(term, low=low, high=low + extent - 1, distinct=term.distinct and listed[1])
            else:
                values = f"{first.bare} .. {last.bare}"
            ranges.append(f"{term.text} in {values}")
            variables.append(term)
        inside = scope.pad(uniform=False).having(*variables)
        inside = replace(inside, surely=True, item=True, ranged=scope.ranged | ranged)
        pair = (variables[0], variables[1]) if len(variables) == 2 else None
        inside = replace(inside, pair=pair, alone=scope.alone or len(extents) == 1 and variables[0].low == variables[0].high)
        return [f"parallel for {', '.join(ranges)} do", *self.block(inside, 3), "end"], scope

    def listed(self, scope: Scope, low: int, extent: int) -> tuple[str, bool]:
        """A list of as many items, and whether they are distinct."""
        start = self.pick(0, 1, 2)
        items = [self.exactly(low + (start + k) % extent) for k in range(extent)]
        same = [t for t in scope.variables if t.uniform and low <= t.low <= t.high < low + extent]
        if same and self.chance(3):
            items[-1] = self.pick(*same)
        return f"[{', '.join(item.bare for item in items)}]", not same

    def parallel_on(self, scope: Scope) -> tuple[list[str], Scope]:
        """A `parallel for` of more items than processors, which take them in rounds."""
        low, processors = self.pick(0, 0, 1, 2), self.pick(*range(1, self.processors + 1)) + (not self.careful(4))
        first, last = self.exactly(low), self.exactly(low + self.pick(*range(2 * processors + 1)) - 1)
        if self.chance(3):
            last = Expr(f"({self.bound(scope, 3).text} + {first.text})", low, low + 3)
        item = Expr(f"i{len(scope.variables)}", low, max(low, last.high), uniform=False, distinct=True)
        inside = replace(scope.pad(uniform=False).having(item), surely=True, item=True)
        head = f"parallel for {item.text} in {first.bare} .. {last.bare} on {self.exactly(processors).bare} do"
        return [head, *self.block(inside, 3), "end"], scope

    def copy(self, scope: Scope) -> tuple[list[str], Scope]:
        """`A := B` for arrays of the same shape."""
        room = self.processors if self.careful(4) else 9
        pairs = [(a, b) for a in self.arrays for b in self.arrays if a is not b and a.shape and a.shape == b.shape]
        fitting = [(a, b) for a, b in pairs if prod(a.shape) <= room]
        if not fitting:
            return self.parallel(scope)
        target, source = self.pick(*fitting)
        return [f"{target.name} := {source.name}"], scope

    def near_the_top(self, scope: Scope, name: str) -> tuple[Expr, Expr, Expr]:
        """Bounds and variable of a range that starts at one of the four largest words; most such ranges are empty."""
        low, room = self.limit - 3, self.limit if self.risky else self.limit - 1
        base = self.number(low).text
        first = self.pick(
            self.exactly(low + self.pick(0, 1, 2, 3)), Expr(f"({base} | {self.bound(scope, 3).text})", low, self.limit)
        )
        end = self.exactly(min(low + self.processors - 1, room))
        last = self.pick(self.bound(scope, 3), end, Expr(f"({end.text} | {self.bound(scope, 0).text})", end.low, end.low))
        return first, last, Expr(name, low, self.limit, uniform=False, distinct=True)

    def extents(self) -> list[int]:
        """The number of items of each range, so that there are enough processors."""
        inner: list[int] = []
        room = self.processors
        for _ in range(self.pick(1, 1, 1, 2, 3) - 1):
            inner.append(self.pick(*(e for e in (2, 1, 3, 4, 0) if e <= room)))
            room //= max(1, inner[-1])
        return [self.pick(*range(1, room + 1), room, room, 0) + (not self.careful(4)), *inner]
