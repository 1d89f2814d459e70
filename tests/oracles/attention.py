"""Which rows a head reads, by softmax attention in NumPy: the published equations, row by row, from tokens and positions.

It takes the weights as they are, and shares no code with the engines.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lockstep.models.transformer import Transformer

Array = np.ndarray[Any, Any]


def embedded(model: Transformer, tokens: Array) -> Array:
    """E[token] of each row, [N, d]: the row of its kind, and one of each of its bits."""
    rows, part = [], model.embedding
    for token in tokens.tolist():
        kind, value = 0, token
        while value >= 1 << model.vocabulary.kinds[kind][1]:
            value -= 1 << model.vocabulary.kinds[kind][1]
            kind += 1
        bits = range(model.vocabulary.kinds[kind][1])
        rows.append(part.kind[kind] + sum((part.one if value >> j & 1 else part.zero)[j] for j in bits))
    return np.array(rows)


def rows_read(model: Transformer, tokens: Array, places: Array, rows: Array) -> list[list[set[int]]]:
    """The rows to which each head gives any weight, for some rows: a set for each head of all layers and each row.

    Args: places: the position encodings, [N, d].
    """
    x, found = embedded(model, tokens) + places[: len(tokens)], []
    for layer in model.layers:
        attended = np.zeros_like(x)
        for q, k, v, o in zip(layer.q, layer.k, layer.v, layer.o):
            scores = (x @ q.T) @ (x @ k.T).T
            if model.causal:
                scores[np.triu_indices(len(x), 1)] = -np.inf
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            found.append([set(np.flatnonzero(weights[row]).tolist()) for row in rows.tolist()])
            attended += (weights @ (x @ v.T)) @ o.T
        x = x + attended
        x = x + np.maximum(x @ layer.w_in.T + layer.b_in, 0) @ layer.w_out.T
    return found
