"""Circuit -> weights.

A lookup becomes one head. The score of a key that matches is its recency. With C = 2 (recency_max + 1), each
wrong bit and each unmet condition lowers the score by C, so the score is then below the sink's -1:

    score = sum_j (C/2) [(2 q_j - 1)(2 k_j - care_j) - care_j] + C sum (condition - 1) + recency     on keys
    score = -1 + (recency_max + 2) (1 - asks)                                                        on the sink

Scores are integers and two keys never tie, so the best score leads by at least 1. Q is multiplied by
INVERSE_TEMPERATURE, and exp(-1024) is exactly 0 in float64 and float32, so attention copies one row exactly.
A pool has Q as it is: each row that matches scores 0 beside its exponent on the sink, and all others at most -2048.
All weights are integers. docs/certificate.md derives this, and `lockstep.proofs_check.certificate` checks it on
the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import Circuit, Control, Lookup, Pool, Ramp, Threshold
from lockstep.compiler.circuit import Layer as CircuitLayer
from lockstep.compiler.linear import Bit, Linear, total
from lockstep.models.transformer import DTYPES, Factored, Layer, Transformer

#: The factor of Q. It is a power of two, so multiplying by it rounds nothing.
INVERSE_TEMPERATURE = 1024

Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]


def assemble(circuit: Circuit, dtype: np.dtype[Any] = DTYPES["float64"]) -> Transformer:
    """Return the transformer that computes the circuit."""
    assembler = _Assembler(circuit)
    kinds = [name for name, _ in circuit.vocabulary.kinds]
    flags = [Linear({circuit.kind_flags[k].bit(): 1}) if k in circuit.kind_flags else Linear() for k in kinds]
    bits = [circuit.token_bits[j] for j in range(circuit.vocabulary.most_bits)]
    readout = circuit.readout
    scores = [readout.kinds.get(kind, Linear()) for kind in kinds]

    def cast(matrix: Matrix) -> NDArray[np.floating[Any]]:
        return matrix.astype(dtype, copy=False)

    weight, bias = map(cast, assembler.control(circuit.control)) if circuit.control else (None, None)
    return Transformer(
        circuit.vocabulary,
        Factored(cast(assembler.rows(flags)), cast(assembler.rows(bits)), cast(assembler.rows([Linear()] * len(bits)))),
        tuple(Layer(*(cast(m) for m in assembler.layer(layer))) for layer in circuit.layers),
        Factored(cast(assembler.rows(scores)), cast(assembler.rows(readout.ones)), cast(assembler.rows(readout.zeros))),
        weight,
        bias,
        circuit.causal,
    )


@dataclass(frozen=True)
class Scores:
    """The scores of one head, and what its values are multiplied by.

    half: half of what a wrong bit or an unmet condition costs. sink: the sink's score, and `silence` is added to it for rows
    that do not ask. scale: the factor of Q. gain: the factor of O.
    """

    half: int
    sink: int
    silence: int
    scale: int
    gain: int = 1

    @staticmethod
    def of(lookup: Lookup) -> Scores:
        if isinstance(lookup, Pool):
            far = INVERSE_TEMPERATURE
            return Scores(far, lookup.exponent, 2 * far, 1, round(math.exp(lookup.exponent)))
        return Scores(lookup.recency_max + 1, -1, lookup.recency_max + 2, INVERSE_TEMPERATURE)


class _Assembler:
    """Turns linear forms over fields into rows of matrices."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        offsets = circuit.offsets()
        self.columns = {f.bit(j): offsets[name] + j for name, f in circuit.fields.items() for j in range(f.width)}
        self.width = circuit.width
        self.one = circuit.one

    def rows(self, forms: Sequence[Linear]) -> Matrix:
        """Return one row for each form. The constant of a form must be 0."""
        assert not any(form.constant for form in forms), "a matrix row has no constant"
        return self.matrix([form.terms for form in forms])

    def matrix(self, rows: Sequence[Mapping[Bit, int]]) -> Matrix:
        """Return the matrix with these entries."""
        matrix = np.zeros((len(rows), self.width))
        numbers, columns, values = self.entries(rows)
        matrix[numbers, columns] = values
        return matrix

    def entries(self, rows: Sequence[Mapping[Bit, int]]) -> tuple[Indices, Indices, Matrix]:
        """Return the entries of rows as arrays, which are written in one assignment: the number of the row, the column, the value."""
        sizes = list(map(len, rows))
        columns = np.fromiter(map(self.columns.__getitem__, chain.from_iterable(rows)), np.int64, sum(sizes))
        values = np.fromiter(chain.from_iterable(row.values() for row in rows), float, len(columns))
        return np.repeat(np.arange(len(rows)), sizes), columns, values

    def layer(self, layer: CircuitLayer) -> tuple[Matrix, ...]:
        """Return q, k, v, o, w_in, b_in and w_out of a layer."""
        heads = [self.head(lookup) for lookup in layer.lookups]
        inner = max((max(q.shape[0], v.shape[0]) for q, _, v, _ in heads), default=0)
        q, k, v, o = (np.zeros((len(heads), inner, self.width)) for _ in range(4))
        for number, head in enumerate(heads):
            for stack, matrix in zip((q, k, v, o), head):
                stack[number, : matrix.shape[0]] = matrix
        return q, k, v, o.transpose(0, 2, 1).copy(), *self.gates(layer.gates)

    def head(self, lookup: Lookup) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """Return q, k [dims, d], v and o [reads, d] of one head. o is transposed."""
        score = Scores.of(lookup)
        half = score.half
        sink, present = self.circuit.sink, self.one - self.circuit.sink
        queries, keys, cared = [], [], []
        for match in lookup.matches:
            care = self.homogeneous(match.care, present)
            queries.append((2 * self.homogeneous(match.query) - self.one) * half)
            keys.append(2 * self.homogeneous(match.key) - care)
            cared.append(care)
        unmet = total(self.homogeneous(c) - present for c in lookup.conditions)
        queries.append(self.one)
        keys.append(total(cared) * -half + unmet * (2 * half) + self.homogeneous(lookup.recency) + sink * score.sink)
        queries.append((self.one - self.homogeneous(lookup.asks)) * score.silence)
        keys.append(sink)
        q, k = self.rows(queries) * score.scale, self.rows(keys)
        values = self.rows([self.homogeneous(form, present) for form, _ in lookup.reads])
        return q, k, values, self.rows([Linear({bit: score.gain}) for _, bit in lookup.reads])

    def control(self, control: Control) -> tuple[Matrix, Matrix]:
        """Return weight [3, d] and bias [3]. The output 2 x - 1 is positive where the form x is 1."""
        return self.rows([2 * form for form in control.forms]), np.full(3, -1.0)

    def homogeneous(self, form: Linear, one: Linear | None = None) -> Linear:
        """Return the form with its constant replaced by a multiple of `one`, a form that is 1 (by default on every row)."""
        return Linear(form.terms) + (self.one if one is None else one) * form.constant if form.constant else form

    def gates(self, gates: list[Threshold | Ramp]) -> tuple[Matrix, Matrix, Matrix]:
        """Return w_in [f, d], b_in [f] and w_out [d, f]. A threshold is two hidden units, a ramp is one.

        For integers x, [x >= 0] = relu(x + 1) - relu(x).
        """
        steps = np.array([not isinstance(gate, Ramp) for gate in gates], bool)
        bias = np.repeat(np.array([gate.form.constant for gate in gates], float), 1 + steps)
        last = np.cumsum(1 + steps) - 1  # the hidden unit of a ramp, and the second of a threshold, which subtracts
        first = last - steps
        bias[first[steps]] += 1
        inner, outer = np.zeros((len(bias), self.width)), np.zeros((self.width, len(bias)))
        numbers, columns, values = self.entries([gate.form.terms for gate in gates])
        inner[first[numbers], columns] = inner[last[numbers], columns] = values
        numbers, columns, values = self.entries([gate.writes for gate in gates])
        outer[columns, last[numbers]] = -values
        outer[columns, first[numbers]] = values
        return inner, bias, outer
