"""The circuit: what a compiled model computes, before it is weights.

| element   | what it is                                                                           |
|-----------|--------------------------------------------------------------------------------------|
| Field     | a named range of the residual stream, holding integers from 0, nearly always bits    |
| Linear    | an integer linear form over bits of fields, with a constant                          |
| Threshold | a gate: 1 if its form is >= 0, else 0, added with coefficients to bits of fields     |
| Ramp      | a gate: its form if that is > 0, else 0, added likewise                              |
| Lookup    | an attention head: finds the most recent row whose key matches, adds its values      |
| Layer     | lookups, then gates: one layer of the transformer                                    |
| Readout   | the output head: a score for each kind of token, two rails for each bit              |
| Control   | the output head of edits beside unmasking: remask, insert, delete                    |

A Circuit of these can be *evaluated directly* (`Circuit.evaluate`), by the meaning of each element and
without weights, scores or softmax. `lockstep.compiler.invariants` says what must hold of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Union

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import Vocabulary

Integers = NDArray[np.int64]
#: One bit of a field: its name and index.
Bit = tuple[str, int]


@dataclass(frozen=True)
class Linear:
    """sum of coefficient * bit, plus a constant; all integers."""

    terms: Mapping[Bit, int] = field(default_factory=dict)
    constant: int = 0

    def __add__(self, other: Linear | int) -> Linear:
        if isinstance(other, int):
            return Linear(self.terms, self.constant + other)
        terms = dict(self.terms)
        for bit, coefficient in other.terms.items():
            terms[bit] = terms.get(bit, 0) + coefficient
        return Linear(terms, self.constant + other.constant)

    def __mul__(self, factor: int) -> Linear:
        return Linear({b: c * factor for b, c in self.terms.items()}, self.constant * factor)

    def __neg__(self) -> Linear:
        return self * -1

    def __sub__(self, other: Linear | int) -> Linear:
        return self + (-other)

    def __rsub__(self, other: int) -> Linear:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__


def total(forms: Iterable[Linear | int]) -> Linear:
    """The sum of linear forms."""
    terms: dict[Bit, int] = {}
    constant = 0
    for form in forms:
        if isinstance(form, int):
            constant += form
            continue
        constant += form.constant
        for bit, coefficient in form.terms.items():
            terms[bit] = terms.get(bit, 0) + coefficient
    return Linear(terms, constant)


def word_of(bits: Sequence[Linear]) -> Linear:
    """The integer whose bits these are, lowest first."""
    return total(bit * (1 << j) for j, bit in enumerate(bits))


def equals(bits: Sequence[Linear], value: int) -> list[Linear]:
    """Literals that are all 1 when the bits spell the value."""
    return [bit if value >> j & 1 else 1 - bit for j, bit in enumerate(bits)]


@dataclass(frozen=True)
class Field:
    """A named range of the residual stream; `highs` are the largest values of its bits, the least is 0."""

    name: str
    width: int
    highs: tuple[int, ...]

    def __getitem__(self, index: int) -> Linear:
        assert 0 <= index < self.width, f"{self.name} has {self.width} bits, not {index + 1}"
        return Linear({(self.name, index): 1})

    def __len__(self) -> int:
        return self.width

    def __iter__(self) -> Iterator[Linear]:
        return (self[j] for j in range(self.width))

    @property
    def flag(self) -> Linear:
        """The only bit of a field of width 1."""
        assert self.width == 1, self.name
        return self[0]

    def bit(self, index: int = 0) -> Bit:
        """A place to write to."""
        assert 0 <= index < self.width
        return self.name, index


#: What a gate adds where: bits of fields with coefficients.
Writes = Mapping[Bit, int]


@dataclass(frozen=True)
class Threshold:
    form: Linear
    writes: Writes

    def __call__(self, values: Integers) -> Integers:
        return (values >= 0).astype(np.int64)


@dataclass(frozen=True)
class Ramp:
    form: Linear
    writes: Writes

    def __call__(self, values: Integers) -> Integers:
        return np.maximum(values, 0)


Gate = Union[Threshold, Ramp]


def conjunction(literals: Iterable[Linear], writes: Writes) -> Threshold:
    """A gate that is 1 when all literals, each 0 or 1, are 1."""
    literals = list(literals)
    return Threshold(total(literals) - len(literals), writes)


#: Of a lookup that finds at most one row.
NO_RECENCY = Linear()


@dataclass(frozen=True)
class Match:
    """One bit of a lookup: the row asks `query`, a key holds `key`; where `care` is 0 the key is 0 and takes either."""

    query: Linear
    key: Linear
    care: Linear = Linear(constant=1)


@dataclass(frozen=True)
class Lookup:
    """An attention head: among the rows that meet all conditions and match all bits, the most recent.

    asks:        0 or 1; a row that does not ask reads 0 from everything.
    conditions:  0 or 1 on keys, 0 on the sink (the BOS row).
    recency:     0 .. recency_max on keys; two rows that one row may find never tie.
    reads:       what is copied from the row found, and the bit it is added to; no row found reads 0.
    """

    name: str
    asks: Linear
    matches: tuple[Match, ...]
    conditions: tuple[Linear, ...]
    reads: tuple[tuple[Linear, Bit], ...]
    recency: Linear = NO_RECENCY
    recency_max: int = 0


@dataclass
class Layer:
    lookups: list[Lookup] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)


@dataclass(frozen=True)
class Readout:
    """Which token a row predicts: scores of kinds, and for each bit the score of 1 and of 0."""

    kinds: Mapping[str, Linear]
    ones: tuple[Linear, ...]
    zeros: tuple[Linear, ...]


@dataclass(frozen=True)
class Control:
    """Which edits a row asks for beside unmasking: forms that are 0 or 1."""

    remask: Linear
    insert: Linear
    delete: Linear

    @property
    def forms(self) -> tuple[Linear, Linear, Linear]:
        return self.remask, self.insert, self.delete


@dataclass
class Circuit:
    """Fields, how tokens enter them, three layers, and the readout.

    kind_flags: which field a token's kind sets; token_bits: the field that holds its bits.
    sink:       1 on the BOS row only; one: 1 on every row.
    positions:  the fields that position encodings write.
    """

    vocabulary: Vocabulary
    fields: dict[str, Field]
    kind_flags: dict[str, Field]
    token_bits: Field
    sink: Linear
    one: Linear
    layers: list[Layer]
    readout: Readout
    positions: frozenset[str]
    control: Control | None = None

    @property
    def width(self) -> int:
        """The width of the residual stream, d_model."""
        return sum(f.width for f in self.fields.values())

    def offsets(self) -> dict[str, int]:
        """Where each field starts in the residual stream."""
        starts, position = {}, 0
        for name, f in self.fields.items():
            starts[name] = position
            position += f.width
        return starts

    # -- direct evaluation ---------------------------------------------------------------------

    def evaluate(self, tokens: Sequence[int], positions: Integers) -> Integers:
        """The residual stream after the last layer, by the meaning of each element.

        Args:   tokens: [N] token ids. positions: int64 [N, d_model].
        Returns: int64 [N, d_model].
        Raises: ValueError: a lookup ties, a key is not as its `care` says, or a field is out of range.
        """
        stream = positions + self.embed(tokens)
        for layer in self.layers:
            before = stream.copy()
            for lookup in layer.lookups:
                self._look_up(lookup, before, stream)
            before = stream.copy()
            for gate in layer.gates:
                values = gate(self._values(gate.form, before))
                for bit, coefficient in gate.writes.items():
                    stream[:, self._column(bit)] += coefficient * values
            self._check_ranges(stream)
        return stream

    def embed(self, tokens: Sequence[int]) -> Integers:
        """int64 [N, d_model]: kind flags and bits of each token."""
        stream = np.zeros((len(tokens), self.width), np.int64)
        for row, token in enumerate(tokens):
            kind, value = self.vocabulary.split(int(token))
            if kind in self.kind_flags:
                stream[row, self._column(self.kind_flags[kind].bit())] = 1
            for j in range(value.bit_length()):
                stream[row, self._column(self.token_bits.bit(j))] = value >> j & 1
        return stream

    def predict(self, stream: Integers) -> list[int | None]:
        """The token each row predicts; None where no kind is predicted."""
        kinds = {kind: self._values(form, stream) for kind, form in self.readout.kinds.items()}
        ones = [self._values(form, stream) for form in self.readout.ones]
        zeros = [self._values(form, stream) for form in self.readout.zeros]
        return [self._predict_row(row, kinds, ones, zeros) for row in range(len(stream))]

    def _predict_row(self, row: int, kinds: Mapping[str, Integers], ones: list[Integers], zeros: list[Integers]) -> int | None:
        kind = max(kinds, key=lambda k: int(kinds[k][row]))
        if kinds[kind][row] <= 0:
            return None
        bits = self.vocabulary.bits(kind)
        return self.vocabulary.token(kind, sum(1 << j for j in range(bits) if ones[j][row] > zeros[j][row]))

    def _look_up(self, lookup: Lookup, before: Integers, stream: Integers) -> None:
        found = np.ones((len(before), len(before)), bool)
        for match in lookup.matches:
            query, key, care = (self._values(form, before) for form in (match.query, match.key, match.care))
            if (key > care).any():
                raise ValueError(f"lookup {lookup.name!r}: a key bit is set that is not cared for")
            found &= (query[:, None] == key[None, :]) | (care[None, :] == 0)
        for condition in lookup.conditions:
            found &= (self._values(condition, before) == 1)[None, :]
        found &= (self._values(lookup.asks, before) == 1)[:, None] & (self._values(self.sink, before) == 0)[None, :]
        recency = np.where(found, self._values(lookup.recency, before)[None, :], -1)
        best = recency.max(axis=1)
        asking = np.flatnonzero(best >= 0)
        if ((recency == best[:, None]).sum(axis=1)[asking] > 1).any():
            raise ValueError(f"lookup {lookup.name!r} ties")
        rows = recency.argmax(axis=1)[asking]
        for form, bit in lookup.reads:
            stream[asking, self._column(bit)] += self._values(form, before)[rows]

    def _check_ranges(self, stream: Integers) -> None:
        highs = np.array([high for f in self.fields.values() for high in f.highs])
        bad = np.flatnonzero(((stream < 0) | (stream > highs)).any(axis=0))
        if bad.size:
            column = bad[0]
            name = [f.name for f in self.fields.values() for _ in f.highs][column]
            raise ValueError(
                f"field {name!r} holds {stream[:, column].min()} .. {stream[:, column].max()}, not 0 .. {highs[column]}"
            )

    def _column(self, bit: Bit) -> int:
        return self._starts[bit[0]] + bit[1]

    @cached_property
    def _starts(self) -> dict[str, int]:
        """`offsets`, which evaluation asks for with every bit; the fields of a circuit do not change."""
        return self.offsets()

    def _values(self, form: Linear, stream: Integers) -> Integers:
        values = np.full(len(stream), form.constant, np.int64)
        for bit, coefficient in form.terms.items():
            values += coefficient * stream[:, self._column(bit)]
        return values


class At(IntEnum):
    """The layers of every construction, by what their gates do; prose numbers them 1, 2, 3.

    ROM: the instruction at the program counter. OPERANDS: word operations on what was read. MEMORY: after the shared-memory read.
    """

    ROM, OPERANDS, MEMORY = range(3)


class Builder:
    """Collects the fields and layers of a circuit; passes add to it."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.layers = [Layer() for _ in At]

    def field(self, name: str, width: int = 1, high: int | tuple[int, ...] = 1) -> Field:
        """Add a field; a name is taken once. `high` is the largest value of each bit."""
        assert name not in self.fields, f"field {name!r} exists"
        self.fields[name] = Field(name, width, (high,) * width if isinstance(high, int) else high)
        return self.fields[name]

    def gate(self, at: At, gate: Gate) -> None:
        self.layers[at].gates.append(gate)

    def when(self, at: At, literals: Iterable[Linear], writes: Writes) -> None:
        """Add `writes` on the rows where all literals are 1."""
        self.gate(at, conjunction(literals, writes))

    def look_up(self, at: At, name: str, asks: Linear, matches: Iterable[Match], conditions: tuple[Linear, ...],
                reads: Iterable[tuple[Linear, Bit]], recency: Linear = NO_RECENCY, recency_max: int = 0) -> None:  # fmt: skip
        """Add a lookup; `Lookup` says what its parts are."""
        lookup = Lookup(name, asks, tuple(matches), conditions, tuple(reads), recency, recency_max)
        self.layers[at].lookups.append(lookup)
