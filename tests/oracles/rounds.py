"""How many rounds a `for` takes whose bounds differ from processor to processor, for the evaluator; computed with sympy.

The number of rounds is last - first + 1, expanded. In each term with names that are no parameters, these are put at the end of
their range that makes the term largest; a name without a range is at least 0. A `min` in the last bound, or a `max` in the
first, gives several such numbers; the least one counts. Signed words may be negative: then only a multiple of one such name, which
has a range or is `e & 3` (at least 0), has a largest value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import sympy

from lockstep.pram import syntax
from lockstep.pram.syntax import Expression, Name
from oracles.plain import Params, constant

#: The least and the largest value of loop variables.
Ranges = Mapping[str, tuple[Expression, Expression]]
IsParametric = Callable[[Expression], bool]


@dataclass(frozen=True)
class Rounds:
    """Sums of parameter expressions, one for each way to take the bounds; the symbols in `atoms` stand for expressions."""

    sums: tuple[Any, ...]
    atoms: Mapping[Any, Expression]
    by: Expression | None

    def value(self, params: Params) -> int:
        used = {symbol for total in self.sums for symbol in total.free_symbols}
        values = {symbol: constant(self.atoms[symbol], params) for symbol in used}
        by = 1 if self.by is None else max(1, constant(self.by, params))
        return min(max(0, int(total.subs(values)) // by + 1) for total in self.sums)


def inferred(s: syntax.For, is_parametric: IsParametric, ranges: Ranges, signed: bool) -> Rounds | None:
    """None: the bounds do not tell."""
    start, end = (s.last, s.first) if s.down else (s.first, s.last)
    terms = _Terms(is_parametric, ranges, signed)
    found = [terms.largest(terms.of(b) - terms.of(a)) for a, b in product(_ways(start, "max"), _ways(end, "min"))]
    sums = tuple(total for total in found if total is not None)
    if not sums:
        return None
    return Rounds(sums, terms.atoms, s.by if s.by is not None and is_parametric(s.by) else None)


def _ways(bound: Expression, function: str) -> list[Expression]:
    match bound:
        case syntax.Call(name, both) if name == function:
            return [way for e in both for way in _ways(e, function)]
        case syntax.Binary(("+" | "-") as sign, left, right):
            return [syntax.Binary(sign, way, right) for way in _ways(left, function)]
    return [bound]


class _Terms:
    """Turns bounds into sympy's sums of products of symbols."""

    def __init__(self, is_parametric: IsParametric, ranges: Ranges, signed: bool) -> None:
        self.is_parametric, self.ranges, self.signed = is_parametric, ranges, signed
        self.atoms: dict[Any, Expression] = {}

    def of(self, e: Expression) -> Any:
        match e:
            case syntax.Number(value):
                return sympy.Integer(value)
            case syntax.Binary("+", a, b):
                return self.of(a) + self.of(b)
            case syntax.Binary("-", a, b):
                return self.of(a) - self.of(b)
            case syntax.Binary("*", a, b):
                return self.of(a) * self.of(b)
        symbol = sympy.Symbol(repr(e))
        self.atoms[symbol] = e
        return symbol

    def largest(self, total: Any) -> Any:
        """The largest value of a sum, as a sum over parameters; None if it has none."""
        found = sympy.Integer(0)
        for term in sympy.Add.make_args(sympy.expand(total)):
            coefficient, powers = term.as_coeff_Mul()
            ends = {s: self.end(s, coefficient > 0) for s in powers.free_symbols}
            varying = [s for s in ends if not self.is_parametric(self.atoms[s])]
            if None in ends.values() or self.signed and varying and powers != varying[0]:
                return None
            found += coefficient * powers.subs(ends, simultaneous=True)
        return found

    def end(self, symbol: Any, largest: bool) -> Any:
        e = self.atoms[symbol]
        if self.is_parametric(e):
            return symbol
        if isinstance(e, Name) and e.name in self.ranges:
            return self.of(self.ranges[e.name][1 if largest else 0])
        masked = isinstance(e, syntax.Binary) and e.operator == "&" and isinstance(e.right, syntax.Number)
        return None if largest or self.signed and not masked else sympy.Integer(0)
