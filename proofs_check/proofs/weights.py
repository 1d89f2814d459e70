"""Reads the weights of a compiled model as exact integers, with a name for each column of the residual stream.

The circuit contributes the names of columns and heads and the ranges of fields. Its gates are not used: everything that is
proved comes from the matrices.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.assemble import INVERSE_TEMPERATURE
from lockstep.compiler.circuit import Circuit, Lookup, Pool
from lockstep.compiler.linear import Bit
from lockstep.models.engines.bounds import to_float64
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import LAYER_PARTS, Layer, Transformer, Weights
from lockstep.proofs_check.proofs.interface import Form

#: float64 arrays of integers below 2^53: products and sums of them are exact and fast.
Exact = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Pairs (column, weight), ascending.
Entries = tuple[tuple[int, int], ...]

#: Integers below this are exact in float64, and so are sums of which all parts together are below it.
LARGEST = 2.0**53


class NotReadable(Exception):
    """The weights are no integers that float64 holds, or layers or heads differ from the circuit's; the message says which."""


@dataclass(frozen=True)
class Gates:
    """One feed-forward layer: w_in [f, d], bias [f], w_out [d, f]."""

    w_in: Exact
    bias: Exact
    w_out: Exact

    def arguments(self, twice_middle: Exact, reach: Exact) -> tuple[Exact, Exact]:
        """Twice the middle of each unit's argument, and its reach in both directions together, [f] each, from those of the columns.

        Most weights are 0, so only the others are multiplied.
        """
        units, columns, weights = self._reads
        middles = _sums(units, weights * twice_middle[columns], len(self.bias)) + 2 * self.bias
        return middles, _sums(units, np.abs(weights) * reach[columns], len(self.bias))

    def written(self, hidden: Exact) -> Exact:
        """What hidden units with these values, [f], add to each column, [d]."""
        columns, units, weights = self._writes
        return _sums(columns, weights * hidden[units], len(self.w_out))

    @cached_property
    def _reads(self) -> tuple[Indices, Indices, Exact]:
        """The weights of w_in that are not 0, with their units and columns."""
        units, columns = np.nonzero(self.w_in)
        return units, columns, self.w_in[units, columns]

    @cached_property
    def _writes(self) -> tuple[Indices, Indices, Exact]:
        """The weights of w_out that are not 0, with their columns and units."""
        columns, units = np.nonzero(self.w_out)
        return columns, units, self.w_out[columns, units]

    @cached_property
    def digest(self) -> bytes:
        """Of all weights: what was found for these gates holds for all with the same."""
        parts = (self.w_in, self.bias, self.w_out)
        return hashlib.sha256(b"".join(repr(part.shape).encode() + part.tobytes() for part in parts)).digest()

    @cached_property
    def _units(self) -> dict[int, tuple[Entries, Entries]]:
        return {}

    def unit(self, number: int) -> tuple[Entries, Entries]:
        """The weights of a hidden unit that are not 0: those that it reads with, and those that it writes with."""
        if number not in self._units:
            self._units[number] = _entries(self.w_in[number]), _entries(self.w_out[:, number])
        return self._units[number]


def _sums(places: Indices, terms: Exact, count: int) -> Exact:
    """The sum of the terms of each of so many places."""
    return np.bincount(places, terms, count).astype(np.float64, copy=False)


def _entries(weights: Exact) -> Entries:
    return tuple((column, int(weights[column])) for column in np.flatnonzero(weights).tolist())


@dataclass(frozen=True)
class ProofLayer:
    """One layer.

    copies: O V of each head, [d, d]: how the row that it reads is added. scores: Q K of each head, [d, d]. most: the largest
    recency for which the scores of each head have room; for a head that adds up, the exponent of the sink.
    """

    copies: Mapping[str, Exact]
    scores: Mapping[str, Exact]
    most: Mapping[str, int]
    gates: Gates


@dataclass(frozen=True)
class Network:
    """The matrices of a compiled model.

    names: field and bit of each column. highs: the largest value of each column. positions: fields that position
    encodings write. embedding, unembedding: matrices with a row for each kind, for each bit that is 1, and that is 0.
    sink: the field that is 1 on BOS.
    """

    names: tuple[Bit, ...]
    highs: Exact
    positions: frozenset[str]
    vocabulary: Vocabulary
    layers: tuple[ProofLayer, ...]
    embedding: tuple[Exact, Exact, Exact]
    unembedding: tuple[Exact, Exact, Exact]
    control: tuple[Exact, Exact] | None
    sink: str

    @cached_property
    def columns(self) -> dict[Bit, int]:
        return {name: column for column, name in enumerate(self.names)}

    @cached_property
    def fields(self) -> dict[str, tuple[int, ...]]:
        """The columns of each field, lowest bit first."""
        found: dict[str, list[int]] = {}
        for column, (name, _) in enumerate(self.names):
            found.setdefault(name, []).append(column)
        return {name: tuple(columns) for name, columns in found.items()}

    @property
    def word_bits(self) -> int:
        return len(self.fields["x"])

    def row(self, form: Form, bit: int = 0) -> Exact:
        """The coefficient of each column in one bit of a sum of fields, [d]."""
        row = np.zeros(len(self.names))
        for part in form.parts:
            columns = self.fields[part.field][: part.bits]
            if part.as_integer:
                for j, column in enumerate(columns[: self.word_bits] if bit == 0 else ()):
                    row[column] += part.sign << j + part.shift
            elif 0 <= bit - part.shift < len(columns):
                row[columns[bit - part.shift]] += -part.sign if part.complement else part.sign
                if part.complement:
                    row[self.columns["one", 0]] += part.sign
                    row[self.columns[self.sink, 0]] -= part.sign
        return row

    def text(self, column: int) -> str:
        name, bit = self.names[column]
        return name if len(self.fields[name]) == 1 else f"{name}[{bit}]"


def read_weights(model: Transformer, circuit: Circuit) -> Network:
    """Take a model's matrices as integers.

    Raises: NotReadable: an entry or a product is no integer below 2^53, or there are other layers or heads than the circuit's.
    """
    if len(model.layers) != len(circuit.layers):
        raise NotReadable(f"there are {len(model.layers)} layers, not {len(circuit.layers)}")
    highs = np.array([h for f in circuit.fields.values() for h in f.highs], float)
    names = tuple((f.name, j) for f in circuit.fields.values() for j in range(f.width))
    layers = tuple(
        _layer(number, layer, {lookup.name: lookup for lookup in meaning.lookups})
        for number, (layer, meaning) in enumerate(zip(model.layers, circuit.layers), 1)
    )
    embedding, unembedding = (
        (_exact(f.kind, what), _exact(f.one, what), _exact(f.zero, what))
        for f, what in ((model.embedding, "embedding"), (model.unembedding, "readout"))
    )
    control = None
    if model.control_weight is not None and model.control_bias is not None:
        control = _exact(model.control_weight, "control"), _exact(model.control_bias, "control")
    ((sink, _),) = circuit.sink.terms
    return Network(names, highs, circuit.positions, model.vocabulary, layers, embedding, unembedding, control, sink)


def _layer(number: int, layer: Layer, lookups: dict[str, Lookup]) -> ProofLayer:
    """The matrices of a layer. In a head that adds up, O has the factor that undoes the weight of a row, and Q has none."""
    q, k, v, o, w_in, b_in, w_out = (_exact(getattr(layer, part), f"layer {number}, {part}") for part in LAYER_PARTS)
    if len(q) != len(lookups):  # no obligation would look at a surplus head
        raise NotReadable(f"layer {number} has {len(q)} heads, not {len(lookups)}")
    pools = {name: lookup.exponent for name, lookup in lookups.items() if isinstance(lookup, Pool)}
    gains = {name: float(round(math.exp(exponent))) for name, exponent in pools.items()}
    copies = {name: _product(o[h], v[h], f"layer {number}, O V") / gains.get(name, 1.0) for h, name in enumerate(lookups)}
    scores = {
        name: _product(q[h].T, k[h], f"layer {number}, Q K") / (1 if name in pools else INVERSE_TEMPERATURE)
        for h, name in enumerate(lookups)
    }
    most = {name: pools.get(name, lookup.recency_max) for name, lookup in lookups.items()}
    return ProofLayer(copies, scores, most, Gates(w_in, b_in, w_out))


def _exact(weights: Weights, what: str) -> Exact:
    matrix: Exact = to_float64(weights)
    if (matrix != np.rint(matrix)).any() or np.abs(matrix).max(initial=0) >= LARGEST:
        raise NotReadable(f"{what}: not all weights are integers below 2^53")
    return matrix


def _product(a: Exact, b: Exact, what: str) -> Exact:
    """The product of matrices, of which no sum rounds in any order."""
    if (np.abs(a) @ np.abs(b)).max(initial=0) >= LARGEST:
        raise NotReadable(f"{what}: sums of products may be 2^53 or more")
    return a @ b
