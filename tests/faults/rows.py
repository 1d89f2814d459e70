"""Wrong weights and positions of tasks, each of which a proof of their rows must find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

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
