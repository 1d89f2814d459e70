"""How many rounds a `for` takes whose bounds differ from processor to processor, for the evaluator; computed with sympy.

The number of rounds is last - first + 1, expanded. In each term with names that are no parameters, these are put at the end of
their range that makes the term largest; a name without a range is at least 0. A `min` in the last bound, or a `max` in the
first, gives several such numbers; the least one counts. Signed words may be negative: then only a multiple of one such name, which
has a range or is `e & 3` (at least 0), has a largest value. A parameter in a product with names counts only if it cannot be negative:
it is given, it is made of such parameters without a minus, or a bound multiplies by it as a whole.
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
class Language:
    """What a program declares. computed: the values of the parameters that are not given."""

    is_parametric: IsParametric
    signed: bool
    computed: Mapping[str, Expression]

    def has_minus(self, e: Expression) -> bool:
        nodes = list(syntax.walk(e))
        names = [n.name for n in nodes if isinstance(n, Name) and n.name in self.computed]
        minus = any(
            isinstance(n, syntax.Binary) and n.operator == "-" or isinstance(n, syntax.Number) and n.value < 0 for n in nodes
        )
        return minus or any(self.has_minus(self.computed[name]) for name in names)


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


def inferred(s: syntax.For, language: Language, ranges: Ranges) -> Rounds | None:
    """None: the bounds do not tell."""
    start, end = (s.last, s.first) if s.down else (s.first, s.last)
    sums, atoms = differences(end, start, language, ranges)
    return Rounds(sums, atoms, s.by if s.by is not None and language.is_parametric(s.by) else None) if sums else None


def differences(
    high: Expression, low: Expression, language: Language, ranges: Ranges
) -> tuple[tuple[Any, ...], Mapping[Any, Expression]]:
    """Sums over parameters, each at least high - low, and what their symbols stand for."""
    terms = _Terms(language, ranges, {*_multipliers(high, language), *_multipliers(low, language)})
    found = [terms.largest(terms.of(b) - terms.of(a)) for a, b in product(_ways(low, "max"), _ways(high, "min"))]
    return tuple(total for total in found if total is not None), terms.atoms


def _multipliers(e: Expression, language: Language) -> set[Expression]:
    """What is made of parameters and multiplies a word."""
    match e:
        case syntax.Binary("*", a, b) if language.is_parametric(a) != language.is_parametric(b):
            return {a if language.is_parametric(a) else b} | _multipliers(a, language) | _multipliers(b, language)
        case syntax.Binary("+" | "-" | "*", a, b) | syntax.Call("min" | "max", (a, b)):
            return _multipliers(a, language) | _multipliers(b, language)
    return set()


def _ways(bound: Expression, function: str) -> list[Expression]:
    match bound:
        case syntax.Call(name, both) if name == function:
            return [way for e in both for way in _ways(e, function)]
        case syntax.Binary(("+" | "-") as sign, left, right):
            return [syntax.Binary(sign, way, right) for way in _ways(left, function)]
    return [bound]


class _Terms:
    """Turns bounds into sympy's sums of products of symbols."""

    def __init__(self, language: Language, ranges: Ranges, multipliers: set[Expression]) -> None:
        self.is_parametric, self.ranges, self.signed = language.is_parametric, ranges, language.signed
        self.language, self.multipliers = language, multipliers
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
            if varying and any(self.may_be_negative(self.atoms[s]) for s in ends if s not in varying):
                return None
            found += coefficient * powers.subs(ends, simultaneous=True)
        return found

    def may_be_negative(self, e: Expression) -> bool:
        return e not in self.multipliers and self.language.has_minus(e)

    def end(self, symbol: Any, largest: bool) -> Any:
        e = self.atoms[symbol]
        if self.is_parametric(e):
            return symbol
        if isinstance(e, Name) and e.name in self.ranges:
            return self.of(self.ranges[e.name][1 if largest else 0])
        masked = isinstance(e, syntax.Binary) and e.operator == "&" and isinstance(e.right, syntax.Number)
        return None if largest or self.signed and not masked else sympy.Integer(0)
