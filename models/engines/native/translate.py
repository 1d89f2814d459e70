"""Weights to a network of bit planes: one part of it for each layer, and one for the readout.

The plan of a model (`lockstep.models.engines.plan`) has its weights as sparse forms. A column of the stream is such a form over
planes: bits of positions and tokens, bits that heads read, and bits that layers wrote before. Hidden units become thresholds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.models.engines.native.forms import Form, Gates, combined
from lockstep.models.engines.native.heads import Asking, First, Head, Packer
from lockstep.models.engines.native.network import Network, Nodes
from lockstep.models.engines.native.readout import read_out
from lockstep.models.engines.plan import HeadPlan, MlpPlan, Plan
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
    """A model as a network.

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

    @cached_property
    def nodes(self) -> Nodes:
        return self.network.arrays()


def translate(model: Transformer, positions: Positions, first: int, plan: Plan, wide: Collection[str] = ()) -> Translation:
    """Translate a model.

    Args:   first: the token at position 0. wide: names of columns that rows have shown to hold more than a bit.
    Raises: Unsuitable: something in it is not what planes compute.
    """
    return _Translator(model, positions, first, plan, wide).translation()


def first_rows(model: Transformer, positions: Positions, first: int) -> list[First]:
    """What row 0 holds before each layer, if it reads itself in every head; [d] each."""
    row = torch.from_numpy(np.zeros(1, np.int64))
    x = (model.embed(row + first) + positions.rows(row.numpy(), model.dtype)).double()
    found = [x.numpy()[0]]
    for layer in model.layers:
        value = torch.einsum("nd,had->hna", x, layer.v.double())
        x = x + torch.einsum("hna,hda->nd", value, layer.o.double())
        x = x + torch.relu(x @ layer.w_in.double().T + layer.b_in.double()) @ layer.w_out.double().T
        found.append(x.numpy()[0])
    return found


class _Translator:
    def __init__(self, model: Transformer, positions: Positions, first: int, plan: Plan, wide: Collection[str]) -> None:
        self.plan, self.wide, self.width = plan, wide, model.width
        self.network = Network()
        self.gates = Gates(self.network)
        self.first = first_rows(model, positions, first)
        self.positions: dict[int, PositionBit] = {}
        self.kinds = [self.network.input() for _ in plan.embed.offsets]
        self.bits = [self.network.input() for _ in range(len(plan.embed.bits.start) - 1)]
        self.columns = self._embedded(positions)
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
                read_out(self.plan.readout, after, self.gates, self.wide, outputs)
                parts.append(self._part((), outputs))
        return Translation(self.network, tuple(parts), tuple(heads), self.positions, tuple(self.kinds), tuple(self.bits),
                           tuple(read), tuple(kept))  # fmt: skip

    def _part(self, kept: Sequence[int], outputs: Packer) -> Part:
        return Part(tuple(kept), tuple(map(tuple, outputs.words)), self.gates.taken_faults())

    def _embedded(self, positions: Positions) -> list[Form]:
        """The stream before the first layer."""
        columns, embed = [Form() for _ in range(self.width)], self.plan.embed
        low, high = positions.extremes()
        if (low < 0).any():
            raise Unsuitable("the position encoding has negative values")
        for c in np.flatnonzero(high):
            for bit in range(int(high[c]).bit_length()):
                literal = self.network.input()
                self.positions[literal] = PositionBit(int(c), bit)
                columns[c].add(literal, 1 << bit)
        for c, value in zip(self.plan.columns[0].fixed, self.plan.columns[0].constants):
            columns[c] = Form(constant=int(value))
        for matrix, literals in ((embed.kinds, self.kinds), (embed.bits, self.bits)):
            for row, literal in enumerate(literals):
                for e in range(matrix.start[row], matrix.start[row + 1]):
                    columns[embed.touched[matrix.columns[e]]].add(literal, int(matrix.values[e]))
        return columns

    def _ask(self, layer: int, columns: Sequence[Form], outputs: Packer) -> tuple[Head, ...]:
        is_first = self.kinds[self.plan.sink_kind]
        return tuple(
            Asking(self.gates, self.plan.heads[layer], columns, self.first[layer], is_first, self.changes, layer, outputs).heads()
        )

    def _through(self, layer: int) -> tuple[tuple[tuple[int, ...], ...], list[Form], set[int]]:
        """The planes that each head reads, the stream after the layer, and the columns that it writes."""
        columns, written = [form.copy() for form in self.columns], set[int]()
        read = tuple(self._read(self.plan.heads[layer], h, columns, written) for h in range(len(self.plan.heads[layer].silence)))
        mlp, forms = self.plan.mlps[layer], list[Form]()
        for f, fresh in enumerate(mlp.complete):
            form = combined(mlp.forms, f, columns)
            forms.append(form if fresh else form.plus(forms[-1]))
        after = [form.copy() for form in columns]
        for g, f in enumerate(mlp.form_of):
            added = self._hidden(mlp, g, forms[f])
            for e in range(mlp.writes.start[g], mlp.writes.start[g + 1]):
                written.add(int(mlp.writes.columns[e]))
                after[mlp.writes.columns[e]].plus(added, int(mlp.writes.values[e]))
        return read, after, written

    def _read(self, plan: HeadPlan, h: int, columns: Sequence[Form], written: set[int]) -> tuple[int, ...]:
        """New planes for what a head reads, which it adds to columns."""
        planes: list[int] = []
        for v in range(plan.first_value[h], plan.first_value[h + 1]):
            bits = [self.network.input() for _ in range(int(plan.width[v]))]
            planes += bits
            for e in range(plan.writes.start[v], plan.writes.start[v + 1]):
                column, weight = int(plan.writes.columns[e]), int(plan.writes.values[e])
                written.add(column)
                columns[column].constant += weight * int(plan.low[v])
                for j, plane in enumerate(bits):
                    columns[column].add(plane, weight << j)
        return tuple(planes)

    def _hidden(self, mlp: MlpPlan, g: int, form: Form) -> Form:
        """sum_i sign_i relu(form + bias_i) of a group of hidden units; two of them can make a threshold."""
        units = sorted((int(mlp.bias[u]), int(mlp.sign[u])) for u in range(mlp.first_unit[g], mlp.first_unit[g + 1]))
        if len(units) == 2 and units[1][0] == units[0][0] + 1 and units[0][1] == -units[1][1]:
            return Form().add(self.gates.at_least(form, -units[0][0]), units[1][1])
        added = Form()
        for bias, sign in units:
            added.plus(self.gates.relu(form.shifted(bias)), sign)
        return added

    def _live(self, layer: int) -> set[int]:
        """The columns that something reads after a layer."""
        if layer + 1 < len(self.plan.heads):
            after = self.plan.columns[layer + 1]
            return {int(c) for c in (*after.narrow, *after.wide)}
        return {int(c) for c in self.plan.readout.forms.columns}

    def _keep(self, layer: int, after: list[Form], columns: Sequence[int]) -> tuple[list[int], tuple[int, ...]]:
        """Take columns for the planes that they hold; the literals that rows keep, and the inputs that later parts have for them."""
        literals, inputs = list[int](), list[int]()
        self.columns = after.copy()
        for c in columns:
            self.gates.about = name = f"layer {layer + 1}, column {c}"
            weighted = self.gates.column(after[c], name in self.wide)
            after[c], self.columns[c] = Form(), Form()
            for literal, weight in weighted:
                after[c].add(literal, weight)
                if literal > 1:
                    literals.append(literal)
                    inputs.append(self.network.input())
                self.columns[c].add(inputs[-1] if literal > 1 else literal, weight)
        return literals, tuple(inputs)


def _changes(positions: Positions, bits: Mapping[int, PositionBit]) -> dict[int, int]:
    """How often each bit differs between neighbours, in a part of the rows."""
    middle = len(positions) // 2
    part = slice(middle, middle + LOOKED_AT)
    values = {int(c): positions.small[part, n].astype(np.int64) for n, c in enumerate(positions.small_columns)}
    values |= {int(c): positions.large[part, n].astype(np.int64) for n, c in enumerate(positions.large_columns)}
    return {literal: _flips(values[bit.column], bit.bit) for literal, bit in bits.items()}


def _flips(values: NDArray[np.int64], bit: int) -> int:
    return int(np.count_nonzero(np.diff(values >> bit & 1)))
