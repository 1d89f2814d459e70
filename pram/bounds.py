"""Finds how many rounds a `for` has at most, from its bounds, where they differ from processor to processor.

A bound is taken as a polynomial over names. The number of rounds is last - first + 1; where the parts that differ cancel, it is
a parameter expression: `i * b .. (i + 1) * b - 1` has b rounds for every i. Where they do not cancel, a name with a known range
is replaced by the end of its range that gives more rounds. A bound with `min` or `max` in it gives several numbers of rounds, each
enough: the least of them is taken.

Without signed words no name is negative. With them, a name without a range has no least value, though `e & 3` has. And the ends of
ranges do not bound a product of names. Then the bounds do not tell. Nor do they where a product of a name and a parameter is left over
whose parameter may be negative: in `(i + d) * j` it may. In `d * j` it is an operand of the machine, which refuses a negative one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product, takewhile

from lockstep.pram.clamping import may_be_negative
from lockstep.pram.declarations import Symbols
from lockstep.pram.syntax import Binary, Call, Expression, For, Name, Number, left_chain

#: A polynomial: its coefficient for each product of atoms. An atom is a parameter expression or a name.
Polynomial = Mapping[tuple[Expression, ...], int]

#: The least and the largest value of a name, as parameter expressions.
Range = tuple[Expression, Expression]

#: A bound with `max` or `min` in it stands for several; more than this many are not followed.
MOST_ALTERNATIVES = 16


def most_rounds(loop: For, symbols: Symbols, ranges: Mapping[str, Range]) -> Expression | None:
    """Return a parameter expression for the most rounds of a loop, or None if its bounds do not tell.

    Args: ranges: those of the loop variables around it whose bounds are parameter expressions.
    """
    start, end = (loop.last, loop.first) if loop.down else (loop.first, loop.last)
    by = loop.by if loop.by is not None and symbols.is_parametric(loop.by) else None
    found = dict.fromkeys(_rounds(difference, by) for difference in differences(end, start, symbols, ranges))
    return reduce(lambda a, b: Call("min", (a, b), a.at), found) if found else None


def differences(high: Expression, low: Expression, symbols: Symbols, ranges: Mapping[str, Range]) -> list[Expression]:
    """Return parameter expressions, each at least `high - low` where a processor has computed both without an error.

    Args: ranges: as in `most_rounds`.
    """
    operands = {*_operands(high, symbols), *_operands(low, symbols)}
    ways = product(_alternatives(low, "max"), _alternatives(high, "min"))
    found = (_bounded(less(polynomial(b), polynomial(a)), _Known(symbols, ranges, operands)) for a, b in ways)
    return list(dict.fromkeys(as_expression(bounded) for bounded in found if bounded is not None))


def _rounds(difference: Expression, by: Expression | None) -> Expression:
    """Return max(0, difference / by + 1). A step is at least 1, and is taken as that if it is not known; the machine refuses 0."""
    at = difference.at
    steps = difference if by is None else Binary("/", difference, Call("max", (Number(1), by), by.at), by.at)
    return Call("max", (Number(0), Binary("+", steps, Number(1), at)), at)


def _alternatives(bound: Expression, function: str) -> list[Expression]:
    """Return the bounds that a bound with `min` (or `max`) in a sum stands for: it is at most (or at least) each of them."""
    match bound:
        case Call(name, (a, b)) if name == function:
            return [*_alternatives(a, function), *_alternatives(b, function)][:MOST_ALTERNATIVES]
        case Binary(("+" | "-") as sign, left, right):
            return [Binary(sign, a, right, bound.at) for a in _alternatives(left, function)]
    return [bound]


def polynomial(expression: Expression) -> Polynomial:
    """Return an expression as a polynomial: sums and products are opened, all else is an atom."""
    match expression:
        case Number(value):
            return {(): value} if value else {}
        case Binary("+" | "-" | "*"):
            chain = _sums(expression)
            found = polynomial(chain[0].left)
            for node in chain:
                right = polynomial(node.right)
                if node.operator == "*":
                    found = times(found, right)
                else:
                    found = plus(found, right) if node.operator == "+" else less(found, right)
            return found
    return {(expression,): 1}


def _sums(top: Binary) -> list[Binary]:
    """Return the last nodes of a chain of operators, as far as they are sums and products."""
    return list(takewhile(lambda node: node.operator in ("+", "-", "*"), reversed(left_chain(top))))[::-1]


def plus(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for atoms, coefficient in b.items():
        total[atoms] = total.get(atoms, 0) + coefficient
    return {atoms: coefficient for atoms, coefficient in total.items() if coefficient}


def less(a: Polynomial, b: Polynomial) -> Polynomial:
    return plus(a, times(b, {(): -1}))


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for (p, m), (q, n) in product(a.items(), b.items()):
        result = plus(result, {tuple(sorted((*p, *q), key=repr)): m * n})
    return result


def _operands(expression: Expression, symbols: Symbols) -> Iterator[Expression]:
    """Yield the parameter expressions by which the machine multiplies words. They are words themselves."""
    todo = [expression]
    while todo:
        match todo.pop():
            case Call("min" | "max", parts):
                todo += parts
            case Binary("+" | "-", left, right):
                todo += (left, right)
            case Binary("*", left, right):
                known = [part for part in (left, right) if symbols.is_parametric(part)]
                todo += [part for part in (left, right) if part not in known]
                yield from known if len(known) == 1 else ()


@dataclass(frozen=True)
class _Known:
    """What is known of names: see `differences`. operands: parameter expressions that are words."""

    symbols: Symbols
    ranges: Mapping[str, Range]
    operands: Collection[Expression]

    def is_unsure(self, atom: Expression) -> bool:
        return atom not in self.operands and may_be_negative(atom, self.symbols.params)

    def end(self, atom: Expression, largest: bool) -> Expression | None:
        """Return the largest (or least) value of an atom that is no parameter expression; None if it is not known."""
        if isinstance(atom, Name) and atom.name in self.ranges:
            return self.ranges[atom.name][1 if largest else 0]
        masked = isinstance(atom, Binary) and atom.operator == "&" and isinstance(atom.right, Number)
        return None if largest or self.symbols.signed and not masked else Number(0)


def _bounded(count: Polynomial, known: _Known) -> Polynomial | None:
    """Return a parameter polynomial that is at least `count`; None if there is none."""
    total: Polynomial = {}
    for atoms, coefficient in count.items():
        words = [atom for atom in atoms if not known.symbols.is_parametric(atom)]
        if known.symbols.signed and words and len(atoms) > 1:
            return None
        if words and any(known.is_unsure(atom) for atom in atoms if atom not in words):
            return None
        term: Polynomial = {(): coefficient}
        for atom in atoms:
            end = known.end(atom, coefficient > 0) if atom in words else atom
            if end is None:
                return None
            term = times(term, polynomial(end))
        total = plus(total, term)
    return total


def as_expression(polynomial: Polynomial) -> Expression:
    """Return a polynomial as an expression."""
    total: Expression = Number(polynomial.get((), 0))
    for atoms, coefficient in polynomial.items():
        if atoms:
            term: Expression = Number(abs(coefficient))
            for atom in atoms:
                term = atom if term == Number(1) else Binary("*", term, atom, atom.at)
            total = Binary("+" if coefficient > 0 else "-", total, term, term.at)
    return total
