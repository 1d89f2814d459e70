"""Wrong weights and positions of tasks, each of which a proof of their rows must find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.positions import Positions
from lockstep.models.transformer import Layer, Transformer
from lockstep.proofs_check.tasks.all_rows import prove_weights
from lockstep.proofs_check.tasks.cases import RowDiffers
from lockstep.proofs_check.tasks.rules import Rules
from lockstep.tasks.kit import Task


def proved(task: Task, rules: Rules, model: Transformer, positions: Positions | None = None) -> bool:
    """Whether the proof holds, on these weights and positions, without the certificate, which compares weights with the circuit."""
    try:
        prove_weights(model, task.circuit, positions or task.positions(16 if rules.length < 16 else rules.length), rules)
    except RowDiffers:
        return False
    return True


def _with(model: Transformer, number: int, layer: Layer) -> Transformer:
    layers = [*model.layers]
    layers[number] = layer
    return replace(model, layers=tuple(layers))


def biases(model: Transformer) -> Iterator[tuple[str, Transformer]]:
    """The model with one bias that is one more, for each of them; and one less, for the first unit of each gate. (The second one of a
    conjunction never fires, so it may as well fire later.)
    """
    for number, layer in enumerate(model.layers):
        for unit in range(len(layer.b_in)):
            for by in (1, -1) if unit % 2 == 0 else (1,):
                b_in = layer.b_in.copy()
                b_in[unit] += by
                yield f"layer {number + 1}, bias {unit}: {by:+d}", _with(model, number, replace(layer, b_in=b_in))


def exchanged_heads(model: Transformer) -> Iterator[tuple[str, Transformer]]:
    """The model in which a head of a layer has the queries and keys of another one."""
    for number, layer in enumerate(model.layers):
        for a, b in combinations(range(len(layer.q)), 2):
            order = [b if head == a else a if head == b else head for head in range(len(layer.q))]
            if (layer.q[a].T @ layer.k[a] != layer.q[b].T @ layer.k[b]).any():
                yield (
                    f"layer {number + 1}, heads {a} and {b}",
                    _with(model, number, replace(layer, q=layer.q[order], k=layer.k[order])),
                )


Weights = NDArray[Any]


def _changed(model: Transformer, number: int, part: str, change: Callable[[Weights], object]) -> Transformer:
    """The model with one array of a layer changed in place."""
    array = getattr(model.layers[number], part).copy()
    change(array)
    return _with(model, number, replace(model.layers[number], **{part: array}))


def planted(task: Task) -> Iterator[tuple[str, Transformer]]:
    """One fault of each kind in a model of the editor."""
    model, start = task.model(), task.circuit.offsets()
    heads = [[lookup.name for lookup in layer.lookups] for layer in task.circuit.layers]
    sep, mask, bos = heads[0].index("sep"), heads[1].index("mask"), start["token.BOS"]
    yield "BOS asks", _changed(model, 0, "q", lambda q: q[sep, :, bos].fill(0))
    yield "BOS is found, not SEP", _changed(model, 0, "k", lambda k: k[sep, :1, bos].__iadd__(8))
    yield "the last mask has no greater score", _changed(model, 1, "k", lambda k: k[mask, :, start["rank"]].fill(0))
    yield "the rank of SEP is doubled", _changed(model, 0, "v", lambda v: v[sep].__imul__(2))
    yield "BOS gives something", _changed(model, 0, "v", lambda v: v[sep, 0, bos : bos + 1].fill(1))
    yield "BOS has a place", _changed(model, 0, "w_in", lambda w: w[:, bos].fill(0))
    yield "a gate fires too early", _changed(model, 1, "b_in", lambda b: b[:1].__iadd__(1))
    letter = int(np.flatnonzero(model.layers[1].w_out[start["out"]] > 0)[0])
    yield "a letter has no bit 0", _changed(model, 1, "b_in", lambda b: b[letter : letter + 1].__isub__(1))
    yield "a gate writes ranks, too", _changed(model, 0, "w_out", lambda w: w[start["rank"], :1].fill(1))
    yield "a head writes ranks, too", _changed(model, 1, "o", lambda o: o[mask, start["rank"], :1].fill(1))
    others = np.arange(model.width) != start["rank"]
    doubled = _changed(model, 1, "k", lambda k: k[mask].__imul__(1 + others))
    yield "of two masks the last one leads by a half", _changed(doubled, 1, "q", lambda q: q[mask].__imul__(0.5))
    one = model.unembedding.one.copy()
    one[0] = 0
    yield "bit 0 of a letter is never 1", replace(model, unembedding=replace(model.unembedding, one=one))
    assert model.control_weight is not None
    yield "no edit is made", replace(model, control_weight=0 * model.control_weight)


def reads_later(task: Task) -> Transformer:
    """A model of the editor whose first gates take for granted what is found one layer later: a mask."""
    model = _changed(task.model(), 0, "w_in", lambda w: w[:, task.circuit.offsets()["mask: found"]].fill(1))
    return _changed(model, 0, "b_in", lambda b: b.__isub__(1))


def other_positions(task: Task, length: int) -> Iterator[tuple[str, Positions]]:
    """Positions of which one has another bit, or another number, in one column; for each column."""
    for column in range(len(task.positions(length).bit_columns)):
        positions = task.positions(length)
        positions.bits[length // 2, column // 8] ^= 1 << column % 8
        yield f"column of bits {column}", positions
    for column in range(len(task.positions(length).number_columns)):
        positions = task.positions(length)
        positions.numbers[length // 2, column] = np.where(positions.numbers[length // 2, column] > 0, 0, 1)
        yield f"column of numbers {column}", positions
