"""Proves that layers 2 and 3 compute the word operations, for all operand words.

Layer 2 computes intermediate words. Their meanings are proved first, then layer 3 is proved over these words:

| field        | meaning                                                       | closed by                               |
|--------------|---------------------------------------------------------------|-----------------------------------------|
| sum          | x + y                                                         | solver, bit by bit                      |
| addsat.over  | the carry of x + y out of the word                            | solver                                  |
| saddsat.over | whether signed x + unsigned y exceeds the largest signed word | solver                                  |
| out          | the operation itself                                          | solver, bit by bit                      |
| *.amount     | one-hot: bit s is [y = s]; all 0 for y >= w                   | solver; layer 3 for each amount         |
| mul.partial  | M_k, of x_i y_j 2^(i+j) modulo 2^(k+1) every one              | each gate on all its bits; coefficients |
| div.product  | y times the high digit of x / y                               | coefficients (`division.py`)            |
| sdiv.up, down | the same of signed words                                     | coefficients (`signed_division.py`)     |

M_k equals the product modulo 2^(k+1), so bit k of the product is bit k of M_k. Layer 3 is run on every possible value of M_k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Union

import numpy as np
import z3

from lockstep.proofs_check.proofs.division import DIVIDE, PRODUCT, Division
from lockstep.proofs_check.proofs.interface import OUT, SUM
from lockstep.proofs_check.proofs.reduction import Polyline, Reduced, Row, reduce_gates
from lockstep.proofs_check.proofs.signed_division import DOWN, SIGNED_DIVIDE, UP, SignedDivision
from lockstep.proofs_check.proofs.solver import Lemmas, OperandWords, Refutation, Unequal
from lockstep.proofs_check.proofs.specification import OPERATIONS, Word, apply
from lockstep.proofs_check.proofs.weights import Exact, Network

AMOUNTS = {"shl.amount": "shl", "shr.amount": "shr", "sar.amount": "sar"}
PARTIAL, OVER, SIGNED_OVER = "mul.partial", "addsat.over", "saddsat.over"
#: What is left of a sum after its high digit, in models that add up writes; the word that writes of other rules leave beside them.
REST, LEFT = "rest", "left"
INTERMEDIATE = (SUM, OVER, SIGNED_OVER, PARTIAL, PRODUCT, UP, DOWN, *AMOUNTS)

#: The sum that a column gets: a constant and polylines.
Column = tuple[int, tuple[Polyline, ...]]


@dataclass(frozen=True)
class Branch:
    """The next program counter of a conditional jump: `target` where x is 0."""

    target: int
    following: int


#: The value that `out` must have after layer 3: an operation on x and y, "loaded", a constant, or a branch.
Result = Union[str, int, Branch]


@dataclass(frozen=True)
class Operands:
    """The words x and y of a row, as bit-vectors."""

    network: Network
    bits: int

    @cached_property
    def x(self) -> Word:
        return z3.BitVec("x", self.bits)

    @cached_property
    def y(self) -> Word:
        return z3.BitVec("y", self.bits)

    @cached_property
    def words(self) -> OperandWords:
        """The columns of x and y."""
        columns = {c: (name, j) for name in ("x", "y") for j, c in enumerate(self.network.fields[name][: self.bits])}
        return OperandWords({"x": self.x, "y": self.y}, columns, self.network.text)


@dataclass(frozen=True)
class AfterLayer2:
    """A row after layer 2. `live` names the fields that depend on operands; their meanings are proved."""

    row: Row
    live: frozenset[str]


def prove_layer2(lemmas: Lemmas, operands: Operands, row: Row, added: Reduced, result: Result) -> AfterLayer2:
    """Prove the intermediate words that layer 2 computes from two operand words. Returns: the row after layer 2.

    Args:   added: the sums of the gates of layer 2. result: the value that `out` must have, if it is not constant.
    Raises: Unequal: an intermediate word differs from the table above.
    """
    network = operands.network
    live = set()
    bounds: dict[int, tuple[int, int]] = {}
    for field in (OUT, *(name for name in INTERMEDIATE if name in network.fields)):
        columns = network.fields[field]
        found = [_column(row, added, c) for c in columns]
        bounds |= {c: (constant, constant) for c, (constant, _) in zip(columns, found)}
        if not any(lines for _, lines in found):
            continue
        live.add(field)
        if field == PARTIAL:
            bounds |= {c: (0, most) for c, most in zip(columns, _products(lemmas, operands, found))}
            continue
        if result in (DIVIDE, SIGNED_DIVIDE) and field in (OUT, PRODUCT, UP, DOWN):
            bounds |= _digits(operands, str(result), field, found)
            continue
        size = _prove_word(lemmas, operands, field, result, found)
        bounds |= {c: (0, int(j < size)) for j, c in enumerate(columns)}
    return AfterLayer2(row.changed(bounds), frozenset(live))


def _prove_word(lemmas: Lemmas, operands: Operands, field: str, result: Result, found: Sequence[Column]) -> int:
    """Prove that a field holds the word that it must hold, bit by bit. Returns: the bits of this word; the others are 0.

    Rows of many instructions ask the same of the same sums. So the whole word is looked up before any term is made.
    """
    words = operands.words
    key = words.places, field, result, tuple(found)
    if key not in lemmas.words:
        wanted = _meaning(operands, field, result)
        for j, (column, (constant, lines)) in enumerate(zip(operands.network.fields[field], found)):
            bit = z3.Extract(j, j, wanted) if j < wanted.size() else z3.BitVecVal(0, 1)
            words.prove_bit(lemmas, f"{operands.network.text(column)} after layer 2", constant, lines, bit)
        lemmas.words[key] = wanted.size()
    return lemmas.words[key]


def _digits(operands: Operands, operation: str, field: str, found: Sequence[Column]) -> dict[int, tuple[int, int]]:
    """Prove what layer 2 adds for a division. Returns: the bounds of the field's columns."""
    if operation == DIVIDE:
        division = Division(operands.network, operands.bits)
        return division.prove_high(found) if field == OUT else division.prove_product(found[0])
    signed = SignedDivision(operands.network, operands.bits)
    return signed.prove_high(found) if field == OUT else signed.prove_product(field, found[0])


def _column(row: Row, added: Reduced, column: int) -> Column:
    """The value of a column after the gates; before them it must be known."""
    before = row.known(column)
    assert before is not None
    return before + int(added.constant[column]), added.varying.get(column, ())


def _meaning(operands: Operands, field: str, result: Result) -> Word:
    """The word that a field must hold; for an amount, a one-hot word."""
    if field == SUM:
        return OPERATIONS["add"](operands.x, operands.y)
    if field == OVER:
        return z3.Extract(operands.bits, operands.bits, z3.ZeroExt(1, operands.x) + z3.ZeroExt(1, operands.y))
    if field == SIGNED_OVER:
        total = z3.SignExt(2, operands.x) + z3.ZeroExt(2, operands.y)
        over = total > z3.BitVecVal((1 << operands.bits - 1) - 1, operands.bits + 2)
        return z3.If(over, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1))
    if field in AMOUNTS:
        return OPERATIONS["shl"](z3.BitVecVal(1, operands.bits), operands.y)
    if isinstance(result, Branch):
        width = len(operands.network.fields[OUT])
        return z3.If(operands.x == 0, z3.BitVecVal(result.target, width), z3.BitVecVal(result.following, width))
    if result not in OPERATIONS:
        raise Unequal(Refutation({}, "out depends on operands"))
    return apply(str(result), (operands.x, operands.y))


def prove_layer3(lemmas: Lemmas, operands: Operands, after2: AfterLayer2, wanted: Result, loaded: bool) -> tuple[Row, Reduced]:
    """Prove `out` after layer 3, as the readout sees it. Returns: the row before the gates of layer 3, and their sums.

    Args:   wanted: the value that `out` must have. loaded: whether the shared-memory read adds a word to `out`.
    Raises: Unequal: `out` has another value.
    """
    network, row = operands.network, after2.row
    out = network.fields[OUT]
    if loaded:
        if OUT in after2.live or any(row.known(c) != 0 for c in out):
            raise Unequal(Refutation({}, "out is not 0 before a word is loaded into it"))
        row = row.changed(_loaded(network, operands.bits))
    added = reduce_gates(network.layers[-1].gates, row)
    if AMOUNTS.keys() & after2.live:
        _shifts(lemmas, operands, after2, wanted)
        return row, added
    found = [(int(added.constant[c]), added.varying.get(c, ())) for c in out]
    if PARTIAL in after2.live and wanted == "mul" and OUT not in after2.live:
        _parities(lemmas, operands, row, found)
    elif wanted == DIVIDE and {OUT, PRODUCT} <= after2.live:
        Division(network, operands.bits).prove_low(found)
    elif wanted == SIGNED_DIVIDE and OUT in after2.live:
        SignedDivision(network, operands.bits).prove_low(found, after2.live)
    elif SUM in after2.live and wanted in ("add", "addsat", "saddsat") and OUT not in after2.live:
        _moved(lemmas, operands, after2, row, found, str(wanted))
    elif loaded and wanted == "loaded" and REST in network.fields:
        _low_digit(network, found)
    elif not isinstance(wanted, int) and (OUT in after2.live or (loaded and wanted == "loaded")):
        _untouched(found)
    elif isinstance(wanted, int):
        _constant([row.known(c) for c in out], found, wanted)
    else:
        raise Unequal(Refutation({}, f"layer 2 does not compute the fields that `{wanted}` needs"))
    return row, added


def _loaded(network: Network, bits: int) -> dict[int, tuple[int, int]]:
    """The bounds of the columns into which the shared-memory read brings a word: bits, or a high digit and the rest."""
    rest = network.fields.get(REST, ())
    low = int(network.highs[rest[0]]).bit_length() if rest else 0
    first = 0 if LEFT in network.fields else low
    return {c: (0, 1) for c in network.fields[OUT][first:bits]} | {c: (0, (1 << low) - 1) for c in rest}


def _low_digit(network: Network, found: Sequence[Column]) -> None:
    """Check that layer 3 adds the bits of the rest to `out`, for every rest, and nothing else."""
    (rest,) = network.fields[REST]
    most = int(network.highs[rest])
    values = np.arange(most + 1, dtype=float)
    for j, (constant, lines) in enumerate(found):
        if any(len(line.form) != 1 or line.form[0][0] != rest for line in lines):
            raise Unequal(Refutation({}, f"layer 3 adds to out[{j}] what does not follow from the rest"))
        bits: Exact = constant + sum((line.values(line.form[0][1] * values) for line in lines), np.zeros(len(values)))
        wrong = np.flatnonzero(bits != (np.arange(most + 1) >> j & 1))
        if len(wrong):
            raise Unequal(Refutation({rest: int(wrong[0])}, f"layer 3 adds {int(bits[wrong[0]])} to out[{j}]"))


def _untouched(found: Sequence[Column]) -> None:
    """Check that layer 3 adds nothing to `out`, which is right already."""
    for j, (constant, lines) in enumerate(found):
        if constant or lines:
            raise Unequal(Refutation({}, f"layer 3 adds to out[{j}]"))


def _constant(before: Sequence[int | None], found: Sequence[Column], wanted: int) -> None:
    """Check that `out` is the constant `wanted`."""
    for j, (value, (constant, lines)) in enumerate(zip(before, found)):
        if lines or value is None or value + constant != wanted >> j & 1:
            raise Unequal(Refutation({}, f"out[{j}] is not the bit of {wanted}"))


def _moved(lemmas: Lemmas, operands: Operands, after2: AfterLayer2, row: Row, found: Sequence[Column], wanted: str) -> None:
    """Prove that layer 3 computes `out` from `sum` and its carry, whose meanings are proved."""
    network = operands.network
    terms = {field: _meaning(operands, field, wanted) for field in (SUM, OVER, SIGNED_OVER) if field in after2.live}
    columns = {c: (field, j) for field in terms for j, c in enumerate(network.fields[field])}
    words, result = OperandWords(terms, columns, network.text), apply(wanted, (operands.x, operands.y))
    for j, (constant, lines) in enumerate(found):
        bit = z3.Extract(j, j, result) if j < operands.bits else z3.BitVecVal(0, 1)
        words.prove_bit(lemmas, f"out[{j}]", constant + (row.known(network.fields[OUT][j]) or 0), lines, bit)


def _shifts(lemmas: Lemmas, operands: Operands, after2: AfterLayer2, wanted: Result) -> None:
    """Prove layer 3 once for each amount, and once for all amounts of w or more, for all words x."""
    network, words = operands.network, operands.words
    fields = [f for f in AMOUNTS if f in after2.live]
    if not isinstance(wanted, str) or OUT in after2.live or wanted not in OPERATIONS:
        raise Unequal(Refutation({}, "a shift amount is set, but the instruction does not shift"))
    for amount in range(operands.bits + 1):
        hot = {c: (int(s == amount),) * 2 for f in fields for s, c in enumerate(network.fields[f])}
        row = after2.row.changed(hot)
        added = reduce_gates(network.layers[-1].gates, row)
        y = z3.BitVecVal(amount, operands.bits)  # w fits into a word and stands for all larger amounts
        result = apply(wanted, (operands.x, y))
        for j, c in enumerate(network.fields[OUT]):
            bit = z3.Extract(j, j, result) if j < operands.bits else z3.BitVecVal(0, 1)
            constant = (row.known(c) or 0) + int(added.constant[c])
            words.prove_bit(lemmas, f"out[{j}], shifted by {amount}", constant, added.varying.get(c, ()), bit)
    _vanishes(lemmas, operands, wanted)


def _vanishes(lemmas: Lemmas, operands: Operands, operation: str) -> None:
    """Prove that all amounts of w or more have the same result as w."""
    key = ("vanishes", operation, operands.bits)
    if key in lemmas.closed:
        return
    lemmas.asked += 1
    solver, w = z3.SolverFor("QF_BV"), z3.BitVecVal(operands.bits, operands.bits)
    results = apply(operation, (operands.x, operands.y)), apply(operation, (operands.x, w))
    solver.add(z3.UGE(operands.y, w), results[0] != results[1])
    if solver.check() != z3.unsat:
        raise Unequal(Refutation({}, f"{operation} by w or more"))
    lemmas.closed.add(key)


# -- products ----------------------------------------------------------------------------------


def _products(lemmas: Lemmas, operands: Operands, found: Sequence[Column]) -> tuple[int, ...]:
    """Prove that each M_k is the product modulo 2^(k+1). Returns: the largest value of each M_k."""
    key = operands.bits, tuple(found), operands.words.places
    if key not in lemmas.products:
        lemmas.products[key] = tuple(_product(lemmas, operands, k, column) for k, column in enumerate(found))
    return lemmas.products[key]


def _product(lemmas: Lemmas, operands: Operands, k: int, column: Column) -> int:
    constant, lines = column
    coefficients: dict[tuple[int, int], int] = {}
    for line in lines:
        i, width, factor = _partial_product(lemmas, operands, k, line)
        for j in range(width):
            coefficients[i, j] = coefficients.get((i, j), 0) + (factor << j)
    everywhere = [(i, j) for i in range(operands.bits) for j in range(operands.bits)]
    wrong = [(i, j) for i, j in everywhere if (coefficients.get((i, j), 0) - (1 << (i + j))) % (1 << (k + 1))]
    if constant or wrong or min(coefficients.values(), default=0) < 0:
        i, j = wrong[0] if wrong else (0, 0)
        raise Unequal(Refutation(_bits(operands, 1 << i, 1 << j), f"mul.partial[{k}] is not the product modulo 2^{k + 1}"))
    return sum(coefficients.values())


def _partial_product(lemmas: Lemmas, operands: Operands, k: int, line: Polyline) -> tuple[int, int, int]:
    """Show that a gate of M_k is factor * x_i * (low bits of y), by all values of its bits. Returns: i, bits of y, factor."""
    words = operands.words
    key = line, words.places
    if key in lemmas.partials:
        return lemmas.partials[key]
    read = [(*words.columns.get(c, ("", c)), weight) for c, weight in line.form]
    x = [(bit, weight) for word, bit, weight in read if word == "x"]
    y = {bit: weight for word, bit, weight in read if word == "y"}
    if len(x) != 1 or len(y) != len(read) - 1 or sorted(y) != list(range(max(len(y), 1))):
        columns = ", ".join(operands.network.text(c) for c, _ in line.form)
        raise Unequal(Refutation({}, f"a gate of mul.partial[{k}] reads {columns}, not one bit of x and the low ones of y"))
    (i, weight), low = x[0], np.arange(1 << len(y))
    sums: Exact = (low[:, None] >> np.array([*y]) & 1) @ np.array([*y.values()], float)
    off, on = line.values(sums), line.values(sums + weight)
    factor = int(on[1])
    wrong = np.flatnonzero((off != 0) | (on != factor * low))
    if len(wrong):
        raise Unequal(Refutation(_bits(operands, 1 << i, int(wrong[0])), f"a gate of mul.partial[{k}] is no product"))
    lemmas.partials[key] = i, len(y), factor
    return lemmas.partials[key]


def _parities(lemmas: Lemmas, operands: Operands, row: Row, found: Sequence[Column]) -> None:
    """Check that out[k] is bit k of M_k, for every value of M_k."""
    fields = operands.network.fields
    for k, (constant, lines) in enumerate(found):
        before = constant + (row.known(fields[OUT][k]) or 0)
        if k >= operands.bits:
            if before or lines:
                raise Unequal(Refutation({}, f"out[{k}] is no bit of a product"))
            continue
        column = fields[PARTIAL][k]
        key = ("parity", k, column, int(row.high[column]), before, lines)
        if key in lemmas.closed:
            continue
        if any(len(line.form) != 1 or line.form[0][0] != column for line in lines):
            raise Unequal(Refutation({}, f"out[{k}] reads more than mul.partial[{k}]"))
        values = np.arange(int(row.high[column]) + 1, dtype=float)
        bits: Exact = before + sum((line.values(line.form[0][1] * values) for line in lines), np.zeros(len(values)))
        wrong = np.flatnonzero(bits != (values.astype(np.int64) >> k & 1))
        if len(wrong):
            raise Unequal(Refutation({}, f"out[{k}] is {int(bits[wrong[0]])} at mul.partial[{k}] = {wrong[0]}"))
        lemmas.closed.add(key)


def _bits(operands: Operands, x: int, y: int) -> Mapping[int, int]:
    """The values of the columns that hold two operand words."""
    return {c: (x if name == "x" else y) >> bit & 1 for c, (name, bit) in operands.words.columns.items()}
