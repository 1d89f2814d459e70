"""Finds how many rounds a `for` has at most, from its bounds, where they differ from processor to processor.

A bound is taken as a polynomial over names. The number of rounds is last - first + 1; where the parts that differ cancel, it is
a parameter expression: `i * b .. (i + 1) * b - 1` has b rounds for every i. Where they do not cancel, a name with a known range
is replaced by the end of its range that gives more rounds. A bound with `min` or `max` in it gives several numbers of rounds, each
enough: the least of them is taken.

Without signed words no name is negative. With them, a name without a range has no least value, though `e & 3` has. And the ends of
ranges do not bound a product of names. Then the bounds do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import product, takewhile

from lockstep.pram.syntax import Binary, Call, Expression, For, Name, Number, left_chain

#: A polynomial: its coefficient for each product of atoms. An atom is a parameter expression or a name.
Polynomial = Mapping[tuple[Expression, ...], int]

#: The least and the largest value of a name, as parameter expressions.
Range = tuple[Expression, Expression]

#: A bound with `max` or `min` in it stands for several; more than this many are not followed.
MOST_ALTERNATIVES = 16


def most_rounds(
    loop: For, is_parametric: Callable[[Expression], bool], ranges: Mapping[str, Range], signed: bool
) -> Expression | None:
    """Return a parameter expression for the most rounds of a loop, or None if its bounds do not tell.

    Args:
        ranges: the loop variables around it whose bounds are parameter expressions.
        signed: words may be negative.
    """
    start, end = (loop.last, loop.first) if loop.down else (loop.first, loop.last)
    by = loop.by if loop.by is not None and is_parametric(loop.by) else None
    found: list[Expression] = []
    for low, high in product(_alternatives(start, "max"), _alternatives(end, "min")):
        count = _sum(_polynomial(high, is_parametric), _times(_polynomial(low, is_parametric), {(): -1}))
        bounded = _bounded(count, is_parametric, ranges, signed)
        if bounded is not None and (rounds := _rounds(_expression(bounded), by)) not in found:
            found.append(rounds)
    return reduce(lambda a, b: Call("min", (a, b), a.at), found) if found else None


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


def _polynomial(expression: Expression, is_parametric: Callable[[Expression], bool]) -> Polynomial:
    match expression:
        case Number(value):
            return {(): value}
        case Binary("+" | "-" | "*"):
            chain = _sums(expression)
            found = _polynomial(chain[0].left, is_parametric)
            for node in chain:
                right = _polynomial(node.right, is_parametric)
                if node.operator == "*":
                    found = _times(found, right)
                else:
                    found = _sum(found, right if node.operator == "+" else _times(right, {(): -1}))
            return found
    return {(expression,): 1}


def _sums(top: Binary) -> list[Binary]:
    """Return the last nodes of a chain of operators, as far as they are sums and products."""
    return list(takewhile(lambda node: node.operator in ("+", "-", "*"), reversed(left_chain(top))))[::-1]


def _sum(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for atoms, coefficient in b.items():
        total[atoms] = total.get(atoms, 0) + coefficient
    return {atoms: coefficient for atoms, coefficient in total.items() if coefficient}


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for (p, m), (q, n) in product(a.items(), b.items()):
        result = _sum(result, {tuple(sorted((*p, *q), key=repr)): m * n})
    return result


def _bounded(
    count: Polynomial, is_parametric: Callable[[Expression], bool], ranges: Mapping[str, Range], signed: bool
) -> Polynomial | None:
    """Return a parameter polynomial that is at least `count`; None if there is none."""
    total: Polynomial = {}
    for atoms, coefficient in count.items():
        if signed and len(atoms) > 1 and not all(map(is_parametric, atoms)):
            return None
        term: Polynomial = {(): coefficient}
        for atom in atoms:
            end = atom if is_parametric(atom) else _end(atom, coefficient > 0, ranges, signed)
            if end is None:
                return None
            term = _times(term, _polynomial(end, is_parametric))
        total = _sum(total, term)
    return total


def _end(atom: Expression, largest: bool, ranges: Mapping[str, Range], signed: bool) -> Expression | None:
    """Return the largest (or least) value of an atom that is no parameter expression; None if it is not known."""
    if isinstance(atom, Name) and atom.name in ranges:
        return ranges[atom.name][1 if largest else 0]
    masked = isinstance(atom, Binary) and atom.operator == "&" and isinstance(atom.right, Number)
    return None if largest or signed and not masked else Number(0)


def _expression(polynomial: Polynomial) -> Expression:
    """Return a polynomial as an expression."""
    total: Expression = Number(polynomial.get((), 0))
    for atoms, coefficient in polynomial.items():
        if atoms:
            term: Expression = Number(abs(coefficient))
            for atom in atoms:
                term = atom if term == Number(1) else Binary("*", term, atom, atom.at)
            total = Binary("+" if coefficient > 0 else "-", total, term, term.at)
    return total
