"""Weights to a network of bit planes: one part of it for each layer, and one for the readout.

The plan of a model (`lockstep.models.engines.plan`) has its weights as sparse forms. A column of the stream is such a form over
planes: bits of positions and tokens, bits that heads read, and bits that layers wrote before. Hidden units become thresholds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import to_float64
from lockstep.models.engines.native.forms import Network, Stream, matrix, taken_faults
from lockstep.models.engines.native.heads import Asking, Head, Packer
from lockstep.models.engines.native.readout import read_out
from lockstep.models.engines.plan import HeadPlan, Plan
from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.transformer import Transformer

#: Rows that are looked at for how often bits of positions change.
LOOKED_AT = 1 << 15


@dataclass(frozen=True)
class PositionBit:
    """A bit of a column of the position encoding."""

    column: int
    bit: int


@dataclass(frozen=True)
class Part:
    """What one tape computes: planes that rows keep, words of planes that go out, and planes that are 1 on rows with a fault."""

    kept: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]
    faults: Mapping[str, int]

    @property
    def literals(self) -> list[int]:
        return [*self.kept, *(plane for word in self.outputs for plane in word), *self.faults.values()]


@dataclass(frozen=True)
class Translation:
    """A model as a network of planes.

    parts: of layer l: what the heads of layer l ask, from the stream before it; so part l has the MLP of layer l - 1. The last is
    the readout. heads: of each layer. positions, kinds, bits: the inputs that are known before: position bits, kinds of tokens,
    bits of tokens. read: of each layer and head, the planes that it reads. kept: of each layer but the last, the planes that it
    keeps, as inputs of later parts.
    """

    network: Network
    parts: tuple[Part, ...]
    heads: tuple[tuple[Head, ...], ...]
    positions: Mapping[int, PositionBit]
    kinds: tuple[int, ...]
    bits: tuple[int, ...]
    read: tuple[tuple[tuple[int, ...], ...], ...]
    kept: tuple[tuple[int, ...], ...]


def translate(
    compiled: ModuleType, model: Transformer, positions: Positions, plan: Plan, wide: Collection[str] = ()
) -> Translation:
    """Translate a model.

    Args:   compiled: the module that makes the network. wide: names of columns that rows have shown to hold more than a bit.
    Raises: Unsuitable: something in it is not what planes compute.
    """
    return _Translator(compiled, model, positions, plan, wide).translation()


def first_rows(model: Transformer, positions: Positions, kind: int) -> list[NDArray[np.float64]]:
    """What row 0 holds before each layer, if it reads itself in every head; [d] each. kind: that of its token, which has no bits."""
    x = to_float64(model.embedding.kind[kind] + positions.rows(slice(1), model.dtype)[0])
    found = [x]
    for layer in model.layers:
        v, o, w_in, b_in, w_out = map(to_float64, (layer.v, layer.o, layer.w_in, layer.b_in, layer.w_out))
        x = x + (o @ (v @ x)[:, :, None]).sum(axis=0)[:, 0]
        x = x + w_out @ np.maximum(w_in @ x + b_in, 0)
        found.append(x)
    return found


class _Translator:
    def __init__(self, compiled: ModuleType, model: Transformer, positions: Positions, plan: Plan, wide: Collection[str]) -> None:
        self.compiled, self.plan, self.wide = compiled, plan, wide
        self.gates = compiled.Gates()
        self.network = self.gates.network
        first = first_rows(model, positions, plan.sink_kind)
        self.first = [compiled.Stream(x.astype(np.int64).tolist()) for x in first]
        self.positions: dict[int, PositionBit] = {}
        self.kinds = [self.network.input() for _ in plan.embed.offsets]
        self.bits = [self.network.input() for _ in range(len(plan.embed.bits.start) - 1)]
        self.columns = self._embedded(model.width, positions)
        self.changes = _changes(positions, self.positions)

    def translation(self) -> Translation:
        outputs, last = Packer(), len(self.plan.heads) - 1
        heads, parts, read, kept = [self._ask(0, self.columns, outputs)], [self._part((), outputs)], [], []
        for layer in range(last + 1):
            planes, after, written = self._through(layer)
            read.append(planes)
            literals, inputs = self._keep(layer, after, sorted(written & self._live(layer)))
            outputs = Packer()
            if layer < last:
                heads.append(self._ask(layer + 1, after, outputs))
                kept.append(inputs)
                parts.append(self._part(literals, outputs))
            else:
                read_out(self.compiled, self.plan.readout, after, self.gates, self.wide, outputs, self.plan.distances.logit)
                parts.append(self._part((), outputs))
        return Translation(self.network, tuple(parts), tuple(heads), self.positions, tuple(self.kinds), tuple(self.bits),
                           tuple(read), tuple(kept))  # fmt: skip

    def _part(self, kept: Sequence[int], outputs: Packer) -> Part:
        return Part(tuple(kept), tuple(map(tuple, outputs.words)), taken_faults(self.gates))

    def _embedded(self, width: int, positions: Positions) -> Stream:
        """The stream before the first layer."""
        constants, embed = np.zeros(width, np.int64), self.plan.embed
        low, high = positions.extremes()
        if (low < 0).any():
            raise Unsuitable("the position encoding has negative values")
        constants[self.plan.columns[0].fixed] = self.plan.columns[0].constants
        columns, fixed = self.compiled.Stream(constants.tolist()), set(self.plan.columns[0].fixed.tolist())
        for c in np.flatnonzero(high).tolist():
            for bit in range(int(high[c]).bit_length()):
                literal = self.network.input()
                self.positions[literal] = PositionBit(c, bit)
                if c not in fixed:
                    columns.add(c, literal, 1 << bit)
        for rows, literals in ((embed.kinds, self.kinds), (embed.bits, self.bits)):
            touched, counts = embed.touched[rows.columns].tolist(), np.diff(rows.start)
            for c, literal, value in zip(touched, np.repeat(literals, counts).tolist(), rows.values.tolist()):
                columns.add(c, literal, int(value))
        return columns

    def _ask(self, layer: int, columns: Stream, outputs: Packer) -> tuple[Head, ...]:
        is_first = self.kinds[self.plan.sink_kind]
        plan, first = self.plan.heads[layer], self.first[layer]
        return tuple(Asking(self.compiled, self.gates, plan, columns, first, is_first, self.changes, layer, outputs).heads())

    def _through(self, layer: int) -> tuple[tuple[tuple[int, ...], ...], Stream, set[int]]:
        """The planes that each head reads, the stream after the layer, and the columns that it writes."""
        columns, heads, mlp = self.columns.copy(), self.plan.heads[layer], self.plan.mlps[layer]
        read = tuple(self._read(heads, h, columns) for h in range(len(heads.silence)))
        forms, writes = matrix(self.compiled, mlp.forms), matrix(self.compiled, mlp.writes)
        after = self.gates.through(columns, forms, mlp.complete, mlp.form_of, mlp.first_unit, mlp.bias, mlp.sign, writes)
        return read, after, {*heads.writes.columns.tolist(), *mlp.writes.columns.tolist()}

    def _read(self, plan: HeadPlan, h: int, columns: Stream) -> tuple[int, ...]:
        """New planes for what a head reads, which it adds to columns."""
        planes: list[int] = []
        for v in range(plan.first_value[h], plan.first_value[h + 1]):
            bits = [self.network.input() for _ in range(int(plan.width[v]))]
            planes += bits
            entries = slice(plan.writes.start[v], plan.writes.start[v + 1])
            for column, value in zip(plan.writes.columns[entries].tolist(), plan.writes.values[entries].tolist()):
                columns.shift(column, int(value) * int(plan.low[v]))
                for j, plane in enumerate(bits):
                    columns.add(column, plane, int(value) << j)
        return tuple(planes)

    def _live(self, layer: int) -> set[int]:
        """The columns that something reads after a layer."""
        if layer + 1 < len(self.plan.heads):
            after = self.plan.columns[layer + 1]
            return {*after.narrow.tolist(), *after.wide.tolist()}
        return set(self.plan.readout.forms.columns.tolist())

    def _keep(self, layer: int, after: Stream, columns: Sequence[int]) -> tuple[list[int], tuple[int, ...]]:
        """Take columns for the planes that they hold; the literals that rows keep, and the inputs that later parts have for them."""
        literals, inputs = list[int](), list[int]()
        self.columns, nothing = after.copy(), self.compiled.Form()
        for c in columns:
            self.gates.about = name = f"layer {layer + 1}, column {c}"
            weighted = self.gates.column(after[c], name in self.wide)
            after[c] = self.columns[c] = nothing
            for literal, weight in weighted:
                after.add(c, literal, weight)
                if literal > 1:
                    literals.append(literal)
                    inputs.append(self.network.input())
                self.columns.add(c, inputs[-1] if literal > 1 else literal, weight)
        return literals, tuple(inputs)


def _changes(positions: Positions, bits: Mapping[int, PositionBit]) -> dict[int, int]:
    """How often each bit differs between neighbours, in a part of the rows."""
    middle = len(positions) // 2
    part = slice(middle, middle + LOOKED_AT)
    flips = np.count_nonzero(np.diff(positions.unpacked(part), axis=0), axis=0)
    found = {PositionBit(int(c), 0): int(many) for c, many in zip(positions.bit_columns, flips)}
    for c, values in zip(positions.number_columns, positions.numbers[part].T.astype(np.int64)):
        found |= {PositionBit(int(c), bit): _flips(values, bit) for bit in range(int(values.max(initial=0)).bit_length())}
    return {literal: found.get(bit, 0) for literal, bit in bits.items()}


def _flips(values: NDArray[np.int64], bit: int) -> int:
    return int(np.count_nonzero(np.diff(values >> bit & 1)))
