"""Proves with Z3 that gates add the sums that they must add, for all values of the fields that they read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import z3

from lockstep.proofs_check.proofs.interface import Adds, Term
from lockstep.proofs_check.proofs.reduction import ColumnForm, Polyline, Reduced

#: A function from an unknown column to its Z3 variable.
Variable = Callable[[int], z3.ArithRef]

TIMEOUT_MS = 20_000

#: The models whose obligations on rows are kept, and the feed-forward layers whose sums are.
KEPT_MODELS, KEPT_GATES = 4, 12


@dataclass(frozen=True)
class Refutation:
    """Values of columns for which an equality fails; empty if the solver gave up."""

    values: Mapping[int, int]
    what: str


class Unequal(Exception):
    """An equality fails, or was not decided in time."""

    def __init__(self, refuted: Refutation) -> None:
        self.refuted = refuted
        super().__init__(refuted.what)


@dataclass(frozen=True)
class RequiredTerms:
    """The sums that the interface requires on a row.

    terms: by column. columns: those that the interface read. key: everything that the terms depend on. choices: the
    bounds of each term that is a number or a choice between two numbers; none of the others.
    """

    terms: Mapping[int, Term]
    columns: tuple[int, ...]
    key: object
    choices: Mapping[int, list[tuple[int, int]]]


@dataclass(frozen=True)
class RowCache:
    """Terms and proofs of earlier models with the same columns.

    wanted: (adds, layer) -> the columns that `adds` read -> their values -> the terms that it returned. proved: sums.
    """

    wanted: dict[tuple[Adds, int], dict[tuple[int, ...], dict[bytes, RequiredTerms]]] = field(default_factory=dict)
    proved: set[object] = field(default_factory=set)


@dataclass
class Lemmas:
    """Everything proved so far, so that nothing is proved twice.

    closed: equalities. words: how many bits the word of a field has, where a field holds its word. products: the largest value
    of each M_k, for products that are right. partials: for a gate of M_k, the bit of x, the number of bits of y, and the factor.
    row_caches: one for each set of columns. reduced: the sums that gates add, by the key of the row, for the gates with this
    digest. rows: obligations on rows, by name, for models with this key. Of both,
    only what was asked for last is kept. asked: number of queries to Z3.
    """

    closed: set[object] = field(default_factory=set)
    words: dict[object, int] = field(default_factory=dict)
    products: dict[object, tuple[int, ...]] = field(default_factory=dict)
    partials: dict[object, tuple[int, int, int]] = field(default_factory=dict)
    row_caches: dict[object, RowCache] = field(default_factory=dict)
    reduced: Callable[[bytes], dict[bytes, Reduced]] = field(default_factory=lambda: lru_cache(KEPT_GATES)(lambda digest: {}))
    rows: Callable[[object], dict[str, Any]] = field(default_factory=lambda: lru_cache(KEPT_MODELS)(lambda key: {}))
    asked: int = 0


def integer_value(lines: Sequence[Polyline], variable: Variable) -> z3.ArithRef:
    """The sum of polylines as an integer term."""
    terms: list[z3.ArithRef] = [z3.IntVal(0)]
    for line in lines:
        s = z3.Sum([c * variable(column) for column, c in line.form])
        terms += [z3.If(s >= at, z3.IntVal(jump), z3.IntVal(0)) for at, jump in line.steps]
        terms += [slope * z3.If(s > start, s - start, z3.IntVal(0)) for start, slope in line.ramps]
    return z3.Sum(terms)


def prove_integers(lemmas: Lemmas, claims: Sequence[tuple[str, z3.ArithRef, Term]], ranges: Iterable[z3.BoolRef],
                   variables: Mapping[int, z3.ArithRef]) -> None:  # fmt: skip
    """Show for each (name, found, wanted) that found = wanted for all variables in range.

    Raises: Unequal: for the first that fails.
    """
    ranges = list(ranges)
    key = (tuple((_Same(found), _Same.of(wanted)) for _, found, wanted in claims), tuple(map(_Same, ranges)))
    if key in lemmas.closed:
        return
    for name, found, wanted in claims:
        lemmas.asked += 1
        solver = z3.SimpleSolver()  # `Solver` first tries tactics, which take longer than these small questions
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*ranges, found != wanted)
        _refute(solver, name, lambda model: {c: model.eval(v, True).as_long() for c, v in variables.items()})
    lemmas.closed.add(key)


class _Same:
    """A term as part of a key. Z3 has each term once, so terms that are written alike are the same; `==` of terms makes a formula."""

    def __init__(self, term: z3.ExprRef) -> None:
        self.term = term

    @staticmethod
    def of(term: Term) -> int | _Same:
        return term if isinstance(term, int) else _Same(term)

    def __hash__(self) -> int:
        return int(self.term.hash())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and bool(self.term.eq(other.term))


def _refute(solver: z3.Solver, name: str, values: Callable[[z3.ModelRef], dict[int, int]]) -> None:
    verdict = solver.check()
    if verdict == z3.sat:
        raise Unequal(Refutation(values(solver.model()), name))
    if verdict != z3.unsat:
        raise Unequal(Refutation({}, f"{name}: the solver gave up ({solver.reason_unknown()})"))


@dataclass(frozen=True)
class OperandWords:
    """Operand words as bit-vectors, the columns that hold their bits, and a function for the names of columns."""

    terms: Mapping[str, z3.BitVecRef]
    columns: Mapping[int, tuple[str, int]]
    text: Callable[[int], str] = str

    @cached_property
    def places(self) -> tuple[tuple[int, tuple[str, int]], ...]:
        """The columns of the words, as part of the keys of lemmas: other constructions use other columns."""
        return tuple(sorted(self.columns.items()))

    def prove_bit(self, lemmas: Lemmas, name: str, constant: int, lines: Sequence[Polyline], wanted: z3.BitVecRef) -> None:
        """Show that constant + lines is the one-bit vector `wanted`, for all words.

        Raises: Unequal: it is not, for some words.
        """
        key = (constant, tuple(lines), _Same(wanted), self.places)
        if key in lemmas.closed:
            return
        self._reads_words_only(name, lines)
        lemmas.asked += 1
        bits = 4 + max(_span(constant, lines).bit_length(), 1)
        found = z3.BitVecVal(constant, bits) + sum((self._line(line, bits) for line in lines), z3.BitVecVal(0, bits))
        solver = z3.SolverFor("QF_BV")
        solver.set("timeout", TIMEOUT_MS)
        solver.add(found != z3.ZeroExt(bits - 1, wanted))
        _refute(solver, name, self._values)
        lemmas.closed.add(key)

    def _reads_words_only(self, name: str, lines: Sequence[Polyline]) -> None:
        others = sorted({column for line in lines for column, _ in line.form} - self.columns.keys())
        if others:
            read = ", ".join(self.text(column) for column in others)
            raise Unequal(Refutation({}, f"{name}: a gate reads {read} besides {' and '.join(self.terms)}"))

    def _values(self, model: z3.ModelRef) -> dict[int, int]:
        words = {name: model.eval(term, True).as_long() for name, term in self.terms.items()}
        return {column: words[name] >> bit & 1 for column, (name, bit) in self.columns.items()}

    def _line(self, line: Polyline, bits: int) -> z3.BitVecRef:
        reach = max(abs(line.least), abs(line.most), *(abs(a) for a, _ in (*line.steps, *line.ramps)))
        wide = max(reach.bit_length() + 3, bits)
        s = self._sum(line.form, wide)
        value = z3.BitVecVal(0, bits)
        for at, jump in line.steps:
            value += z3.If(s >= at, z3.BitVecVal(jump, bits), z3.BitVecVal(0, bits))
        for start, slope in line.ramps:
            ramp = z3.If(s > start, s - start, z3.BitVecVal(0, wide))
            value += slope * z3.Extract(bits - 1, 0, ramp)
        return value

    def _sum(self, form: ColumnForm, wide: int) -> z3.BitVecRef:
        """A linear form over bits as a term; runs of bits with doubling coefficients become slices of words."""
        total, left = z3.BitVecVal(0, wide), {self.columns[c]: k for c, k in form}
        while left:
            (name, low), coefficient = min(left.items())
            high = low
            while left.get((name, high + 1)) == coefficient << (high + 1 - low):
                high += 1
            for bit in range(low, high + 1):
                del left[name, bit]
            part = z3.Extract(high, low, self.terms[name])
            total += coefficient * z3.ZeroExt(wide - part.size(), part)
        return total


def _span(constant: int, lines: Sequence[Polyline]) -> int:
    """A bound of the absolute value of constant + lines."""
    span = abs(constant)
    for line in lines:
        span += sum(abs(jump) for _, jump in line.steps)
        span += sum(abs(slope) * max(0, line.most - start) for start, slope in line.ramps)
    return span
