"""Finds a formula a + b lg(n) + c n of parameters that gives the exact values of several runs, to be used as a claim.

Nothing is approximated: the coefficients solve the equations of all runs in rational numbers, and must be integers. A formula counts
only if there are more runs than coefficients, so that at least one run confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from lockstep.pram.functions import lg

#: The most terms of a formula, the constant included.
MOST_TERMS = 4

#: A term of a formula: its text, and its value for some parameters.
Term = tuple[str, Callable[[Mapping[str, int]], int]]


def fitted(runs: Sequence[tuple[Mapping[str, int], int]]) -> str | None:
    """Return the shortest formula for the values of some runs.

    Args:    runs: the parameters that the user gave, and the value.
    Returns: None if there is no formula, if several that are as short fit, or if equal parameters have several values.
    """
    values: dict[tuple[tuple[str, int], ...], int] = {}
    for params, value in runs:
        if values.setdefault(tuple(sorted(params.items())), value) != value:
            return None
    points = [(dict(key), value) for key, value in values.items()]
    for count in range(min(MOST_TERMS, len(points) - 1)):
        if fits := list(_fits(points, count)):
            return fits[0] if len(fits) == 1 else None  # more runs would tell which
    return None


def _fits(points: Sequence[tuple[Mapping[str, int], int]], count: int) -> Iterator[str]:
    """Yield the formulas of a constant and `count` terms that give all values."""
    for terms in _formulas(points, count):
        coefficients = _solve([[term(params) for _, term in terms] for params, _ in points], [value for _, value in points])
        if coefficients is not None and all(c.denominator == 1 for c in coefficients):
            yield _text(terms, [int(c) for c in coefficients])


def _formulas(points: Sequence[tuple[Mapping[str, int], int]], count: int) -> Iterator[tuple[Term, ...]]:
    """Yield the formulas of a constant and `count` terms."""
    names = sorted(name for name in points[0][0] if len({params[name] for params, _ in points}) > 1) if points else []
    terms = [term for name in names for term in _terms(name, min(params[name] for params, _ in points))]
    one: Term = ("1", lambda params: 1)
    yield from ((one, *chosen) for chosen in combinations(terms, count))


def _terms(name: str, least: int) -> Iterator[Term]:
    """Yield lg(n), n, n lg(n) and n^2 for a parameter. The logarithm of 0 is left out."""
    if least >= 1:
        yield f"lg({name})", lambda params: lg(params[name])
    yield name, lambda params: params[name]
    if least >= 1:
        yield f"{name} * lg({name})", lambda params: params[name] * lg(params[name])
    yield f"{name} * {name}", lambda params: params[name] ** 2


def _solve(rows: Sequence[Sequence[int]], values: Sequence[int]) -> list[Fraction] | None:
    """Return the only solution of rows * coefficients = values; None if there is none, or more than one."""
    matrix = [[Fraction(x) for x in (*row, value)] for row, value in zip(rows, values)]
    unknowns, done = len(rows[0]), 0
    for column in range(unknowns):
        pivot = next((r for r in range(done, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            return None
        matrix[done], matrix[pivot] = matrix[pivot], matrix[done]
        matrix[done] = [x / matrix[done][column] for x in matrix[done]]
        for r in range(len(matrix)):
            if r != done and matrix[r][column]:
                matrix[r] = [x - matrix[r][column] * y for x, y in zip(matrix[r], matrix[done])]
        done += 1
    if any(row[-1] for row in matrix[done:]):
        return None
    return [row[-1] for row in matrix[:done]]


def _text(terms: Sequence[Term], coefficients: Sequence[int]) -> str:
    """Return the formula as programs write it."""
    text = str(coefficients[0]) if coefficients[0] or len(terms) == 1 else ""
    for (name, _), coefficient in zip(terms[1:], coefficients[1:]):
        if coefficient:
            product = name if abs(coefficient) == 1 else f"{abs(coefficient)} * {name}"
            sign = "-" if coefficient < 0 else "+"
            text = f"{text} {sign} {product}" if text else product if coefficient > 0 else f"0 - {product}"
    return text or "0"
