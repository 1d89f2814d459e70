"""The circuit: a description of the model that the compiler turns into weights.

| element   | meaning                                                                              |
|-----------|--------------------------------------------------------------------------------------|
| Field     | a named range of the residual stream; it holds integers from 0, nearly always bits   |
| Linear    | an integer linear form over bits of fields, with a constant: `linear.py`             |
| Threshold | a gate: 1 if its form is >= 0, else 0; it adds this to bits of fields, with factors  |
| Ramp      | a gate: max(0, form); it adds this to bits of fields, with factors                   |
| Lookup    | an attention head: finds the most recent row whose key matches, and adds its values  |
| Pool      | an attention head: finds all rows whose keys match, and adds up their values         |
| Layer     | lookups, then gates: one layer of the transformer                                    |
| Readout   | the output head: a score for each kind of token, two rails for each bit              |
| Control   | the output head for the edits remask, insert and delete                              |

`Circuit.evaluate` evaluates a circuit directly, by the meaning of each element, without weights, scores or softmax.
`lockstep.compiler.invariants` checks the invariants of a circuit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Union

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.linear import Bit, Linear, total
from lockstep.models.tokens import Vocabulary

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Field:
    """A named range of the residual stream. Bit j takes values from 0 to highs[j]."""

    name: str
    width: int
    highs: tuple[int, ...]

    def __getitem__(self, index: int) -> Linear:
        assert 0 <= index < self.width, f"{self.name} has {self.width} bits, not {index + 1}"
        return self._bits[index]

    @cached_property
    def _bits(self) -> tuple[Linear, ...]:
        """Its bits, made once: forms never change."""
        return tuple(Linear({(self.name, j): 1}) for j in range(self.width))

    def __len__(self) -> int:
        return self.width

    def __iter__(self) -> Iterator[Linear]:
        return iter(self._bits)

    @property
    def flag(self) -> Linear:
        """The only bit of a field of width 1."""
        assert self.width == 1, self.name
        return self[0]

    def bit(self, index: int = 0) -> Bit:
        """A bit, as the target of a write."""
        assert 0 <= index < self.width
        return self.name, index


#: The bits of fields that a gate writes. The gate adds its value times the coefficient.
Writes = Mapping[Bit, int]


@dataclass(frozen=True)
class Threshold:
    """A gate that writes [form >= 0]."""

    form: Linear
    writes: Writes

    def __call__(self, values: Integers) -> Integers:
        return (values >= 0).astype(np.int64)


@dataclass(frozen=True)
class Ramp:
    """A gate that writes max(0, form)."""

    form: Linear
    writes: Writes

    def __call__(self, values: Integers) -> Integers:
        return np.maximum(values, 0)


Gate = Union[Threshold, Ramp]


def conjunction(literals: Iterable[Linear], writes: Writes) -> Threshold:
    """A gate that is 1 when all literals, each 0 or 1, are 1."""
    literals = list(literals)
    return Threshold(total(literals) - len(literals), writes)


#: The recency of keys in a lookup that finds at most one row.
NO_RECENCY = Linear()


@dataclass(frozen=True)
class Match:
    """One bit of a lookup: `query` of the asking row must equal `key`. Where `care` is 0, `key` is 0 and any query matches."""

    query: Linear
    key: Linear
    care: Linear = Linear(constant=1)


@dataclass(frozen=True)
class Lookup:
    """An attention head. It finds the most recent row that meets all conditions and matches all bits.

    asks:        0 or 1; a row that does not ask reads 0.
    conditions:  0 or 1 on keys, 0 on the sink (the BOS row).
    recency:     0 .. recency_max on keys. Of all rows that match one query, no two have the same recency.
    reads:       pairs of a form and a bit: the form's value on the row found is added to the bit; if none is found, 0.
    """

    name: str
    asks: Linear
    matches: tuple[Match, ...]
    conditions: tuple[Linear, ...]
    reads: tuple[tuple[Linear, Bit], ...]
    recency: Linear = NO_RECENCY
    recency_max: int = 0


@dataclass(frozen=True)
class Pool(Lookup):
    """An attention head that adds up the values of all rows that meet all conditions and match all bits.

    Attention only averages. So each row found weighs e^-exponent beside the sink, and O multiplies by e^exponent. What comes
    out is within 1/4 of the sum: a *share*. `lockstep.compiler.invariants` lists what may read it.

    most: no more rows than these are found.
    """

    exponent: int = 0
    most: int = 1


@dataclass
class Layer:
    lookups: list[Lookup] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)

    @property
    def written(self) -> list[Bit]:
        """The bits that it writes, one for each read and each write of a gate."""
        return [bit for lookup in self.lookups for _, bit in lookup.reads] + [bit for gate in self.gates for bit in gate.writes]


@dataclass(frozen=True)
class Readout:
    """The scores of a row's prediction: one for each kind of token, and for each bit one of 1 and one of 0."""

    kinds: Mapping[str, Linear]
    ones: tuple[Linear, ...]
    zeros: tuple[Linear, ...]


@dataclass(frozen=True)
class Control:
    """Forms, each 0 or 1, that say whether a row is remasked, has a mask inserted after it, or is deleted."""

    remask: Linear
    insert: Linear
    delete: Linear

    @property
    def forms(self) -> tuple[Linear, Linear, Linear]:
        return self.remask, self.insert, self.delete


@dataclass
class Circuit:
    """Fields, three layers and the readout.

    kind_flags: the field that each kind of token sets to 1. token_bits: the field that holds a token's bits.
    sink:       1 on the BOS row only: the flag of its token, or a field of positions. one: 1 on every row.
    positions:  the names of the fields that position encodings write.
    causal:     a row sees itself and the rows before it, not later ones.
    asking:     the fields of positions that may be more than 0 on the BOS row, if it may ask and predict.
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
    causal: bool = False
    asking: frozenset[str] = frozenset()

    @property
    def width(self) -> int:
        """The width of the residual stream, d_model."""
        return sum(f.width for f in self.fields.values())

    @property
    def marks_sink(self) -> bool:
        """Whether positions mark the BOS row, so that any token may stand there."""
        return not {name for name, _ in self.sink.terms} - self.positions

    def offsets(self) -> dict[str, int]:
        """The first column of each field in the residual stream."""
        starts, position = {}, 0
        for name, f in self.fields.items():
            starts[name] = position
            position += f.width
        return starts

    # -- direct evaluation ---------------------------------------------------------------------

    def evaluate(self, tokens: Sequence[int], positions: Integers) -> Integers:
        """Compute the residual stream after the last layer.

        Args:   tokens: [N] token ids. positions: int64 [N, d_model].
        Returns: int64 [N, d_model].
        Raises: ValueError: two keys of a lookup tie, a key bit is 1 where `care` is 0, a pool finds too many rows, or a field
                is out of range.
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
        """Return the kind flags and bits of each token, int64 [N, d_model]."""
        stream = np.zeros((len(tokens), self.width), np.int64)
        for row, token in enumerate(tokens):
            kind, value = self.vocabulary.split(int(token))
            if kind in self.kind_flags:
                stream[row, self._column(self.kind_flags[kind].bit())] = 1
            for j in range(value.bit_length()):
                stream[row, self._column(self.token_bits.bit(j))] = value >> j & 1
        return stream

    def predict(self, stream: Integers) -> list[int | None]:
        """Return the token that each row predicts, or None where no kind has a positive score."""
        kinds = {kind: self._values(form, stream) for kind, form in self.readout.kinds.items()}
        ones = [self._values(form, stream) for form in self.readout.ones]
        zeros = [self._values(form, stream) for form in self.readout.zeros]
        return [self._predict_row(row, kinds, ones, zeros) for row in range(len(stream))]

    def _predict_row(self, row: int, kinds: Mapping[str, Integers], ones: list[Integers], zeros: list[Integers]) -> int | None:
        kind = max(kinds, key=lambda k: int(kinds[k][row]), default="")
        if not kind or kinds[kind][row] <= 0:
            return None
        bits = self.vocabulary.bits(kind)
        return self.vocabulary.token(kind, sum(1 << j for j in range(bits) if ones[j][row] > zeros[j][row]))

    def _look_up(self, lookup: Lookup, before: Integers, stream: Integers) -> None:
        found = np.ones((len(before), len(before)), bool)
        for match in lookup.matches:
            query, key, care = (self._values(form, before) for form in (match.query, match.key, match.care))
            if (key > care).any():
                raise ValueError(f"lookup {lookup.name!r}: a key bit is 1 where its care bit is 0")
            found &= (query[:, None] == key[None, :]) | (care[None, :] == 0)
        for condition in lookup.conditions:
            found &= (self._values(condition, before) == 1)[None, :]
        found &= (self._values(lookup.asks, before) == 1)[:, None] & (self._values(self.sink, before) == 0)[None, :]
        if self.causal:
            found &= np.tri(len(before), dtype=bool)
        if isinstance(lookup, Pool):
            self._add_up(lookup, found, before, stream)
            return
        recency = np.where(found, self._values(lookup.recency, before)[None, :], -1)
        best = recency.max(axis=1)
        readers = np.flatnonzero(best >= 0)
        if ((recency == best[:, None]).sum(axis=1)[readers] > 1).any():
            raise ValueError(f"lookup {lookup.name!r} ties")
        rows = recency.argmax(axis=1)[readers]
        for form, bit in lookup.reads:
            values = self._values(form, before)
            stream[readers, self._column(bit)] += values[rows]
            if self.marks_sink:  # whoever finds nothing reads the sink; only here its token may give something
                stream[best < 0, self._column(bit)] += (values - form.constant)[self._values(self.sink, before) == 1].sum()

    def _add_up(self, pool: Pool, found: NDArray[np.bool_], before: Integers, stream: Integers) -> None:
        if found.sum(axis=1).max(initial=0) > pool.most:
            raise ValueError(f"head {pool.name!r} finds more than {pool.most} rows")
        for form, bit in pool.reads:
            stream[:, self._column(bit)] += found @ self._values(form, before)

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
        """`offsets`, computed once: evaluation needs them for every bit, and the fields do not change."""
        return self.offsets()

    def _values(self, form: Linear, stream: Integers) -> Integers:
        values = np.full(len(stream), form.constant, np.int64)
        for bit, coefficient in form.terms.items():
            values += coefficient * stream[:, self._column(bit)]
        return values


class At(IntEnum):
    """The three layers of a machine's step, named after their gates. Comments and pages number them 1, 2, 3.

    ROM: decodes the instruction at the program counter. OPERANDS: applies word operations to the operands that were read.
    MEMORY: finishes the word operations, after the read from shared memory.
    A construction may have a layer ahead of them, which gates of the step know nothing of: AHEAD.
    """

    AHEAD, ROM, OPERANDS, MEMORY = range(-1, 3)


#: The layers of every construction.
STEP = 3


class Builder:
    """Collects the fields and layers of a circuit; passes add to it.

    Args: depth: how many layers. ahead: how many of them come before `At.ROM`.
    """

    def __init__(self, depth: int = STEP, ahead: int = 0) -> None:
        self.fields: dict[str, Field] = {}
        self.layers, self.ahead = [Layer() for _ in range(depth)], ahead

    def field(self, name: str, width: int = 1, high: int | tuple[int, ...] = 1) -> Field:
        """Add a field under a new name. `high` is the largest value of each bit."""
        assert name not in self.fields, f"field {name!r} exists"
        self.fields[name] = Field(name, width, (high,) * width if isinstance(high, int) else high)
        return self.fields[name]

    def gate(self, at: int, gate: Gate) -> None:
        self.layers[self.ahead + at].gates.append(gate)

    def when(self, at: int, literals: Iterable[Linear], writes: Writes) -> None:
        """Add a gate that writes on the rows where all literals are 1."""
        self.gate(at, conjunction(literals, writes))

    def look_up(self, at: int, name: str, asks: Linear, matches: Iterable[Match], conditions: tuple[Linear, ...],
                reads: Iterable[tuple[Linear, Bit]], recency: Linear = NO_RECENCY, recency_max: int = 0) -> None:  # fmt: skip
        """Add a lookup. `Lookup` explains the arguments."""
        self.head(at, Lookup(name, asks, tuple(matches), conditions, tuple(reads), recency, recency_max))

    def head(self, at: int, lookup: Lookup) -> None:
        """Add a lookup or a pool."""
        self.layers[self.ahead + at].lookups.append(lookup)
