"""Writes random reads of memory and subscripts; `random_loops.py` and `random_programs.py` make statements of them."""

from __future__ import annotations

from dataclasses import replace

from lockstep.pram.access import MODES
from lockstep.proofs_check.fuzzing.random_expressions import Expressions
from lockstep.proofs_check.fuzzing.random_scopes import ArrayShape, Expr, Scope


class Cells(Expressions):
    """Draws expressions that read memory."""

    def read(self, scope: Scope, depth: int, uniform: bool) -> Expr:
        exclusive = not MODES[self.mode].concurrent_reads and not scope.alone and self.keeps_apart()
        cell = self.cell(scope, exclusive, uniform, depth) if scope.reads and not (exclusive and uniform) else None
        return cell or self.leaf(scope, depth, uniform)

    def cell(self, scope: Scope, exclusive: bool, uniform: bool, depth: int) -> Expr | None:
        """A scalar or a cell; exclusive: a different one for each active processor. None if that is impossible."""
        array = self.pick(*self.arrays, *self.own_arrays)
        if array.own:
            own = [self.index(scope, extent, False, depth - 1) for extent in array.shape]
            return None if uniform else replace(self.entry(array, own), uniform=False)
        if 0 in array.shape and self.careful():
            return None
        if exclusive:
            subscripts = self.own_subscripts(scope, array.shape)
        else:
            subscripts = [self.index(scope, extent, uniform, depth - 1) for extent in array.shape]
        return None if subscripts is None else self.entry(array, subscripts)

    def entry(self, array: ArrayShape, subscripts: list[Expr]) -> Expr:
        """An entry of an array; the subscripts are counted from 0."""
        shifted = [s if not first else self.shifted(s, first) for s, first in zip(subscripts, array.firsts)]
        inside = ", ".join(s.bare for s in shifted)
        return Expr(array.name + (f"[{inside}]" if inside else ""), 0, array.high, all(s.uniform for s in subscripts))

    def shifted(self, subscript: Expr, first: int) -> Expr:
        low, high = subscript.low + first, subscript.high + first
        return Expr(f"({subscript.text} + {self.exactly(first).text})", low, high, subscript.uniform, subscript.distinct)

    def index(self, scope: Scope, extent: int, uniform: bool, depth: int) -> Expr:
        """A subscript: a random word, masked to the extent."""
        term = self.word(scope, max(0, depth), uniform)
        term = self.mask(term, (1 << extent.bit_length() - 1) - 1) if term.high >= extent > 0 else term
        literal_outside = term.text.isalnum() and term.parametric and term.high >= extent  # the analysis refuses such a literal
        return replace(term, text=f"({term.text} + 0)") if literal_outside else term

    def own_subscripts(self, scope: Scope, shape: tuple[int, ...]) -> list[Expr] | None:
        """Subscripts that differ between any two active processors; None if there are none."""
        if scope.pair and len(shape) == 2 and all(t.high < extent for t, extent in zip(scope.pair, shape)):
            return list(scope.pair)
        axis = self.pick(*range(len(shape))) if shape else 0
        distinct = self.own_index(scope, shape[axis]) if shape else None
        if distinct is None:
            return None
        return [distinct if k == axis else self.index(scope, extent, False, 0) for k, extent in enumerate(shape)]

    def own_index(self, scope: Scope, extent: int) -> Expr | None:
        """A subscript of one dimension that differs between active processors: a distinct variable, perhaps shifted."""
        fitting = [t for t in scope.variables if t.distinct and t.high < extent]
        if not fitting:
            return None
        distinct = self.pick(*fitting)
        room = extent - 1 - distinct.high
        steps = [t for t in scope.variables if t.uniform and t.high <= room]
        if room and self.chance(2):
            step = self.pick(self.exactly(self.pick(*range(1, room + 1))), *steps)
            return Expr(f"({distinct.text} + {step.text})", distinct.low, distinct.high + step.high, False, distinct=True)
        if distinct.low and self.chance(2):
            return Expr(
                f"({distinct.text} - {self.exactly(distinct.low).text})", 0, distinct.high - distinct.low, False, distinct=True
            )
        return distinct
