"""Models and predictions that no compiler made: random weights, a chain, one without an end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Factored, Layer, Prediction, Transformer

KINDS = Vocabulary((("BOS", 0), (MASK, 0), ("A", 1), ("B", 3)))


def random_model(seed: int, width: int = 7, dtype: str = "float64") -> Transformer:
    generator = np.random.default_rng(seed)

    def matrix(*shape: int) -> NDArray[Any]:
        return generator.normal(size=shape).astype(dtype)

    factored = [Factored(matrix(4, width), matrix(3, width), matrix(3, width)) for _ in range(2)]
    heads = (matrix(2, 4, width), matrix(2, 4, width), matrix(2, 4, width), matrix(2, width, 4))
    layer = Layer(*heads, matrix(5, width), matrix(5), matrix(width, 5))
    return Transformer(KINDS, factored[0], (layer,), factored[1])


def made(tokens: list[int], probabilities: list[float]) -> Prediction:
    return Prediction(np.array(tokens), np.array(probabilities), None)


def chain_model(length: int) -> tuple[Transformer, NDArray[Any], NDArray[Any]]:
    """Position i predicts token A 1 once position i - 1 is no mask: one head finds the row before.

    Residual: 0 mask flag, 1 found-before-unmasked, 2.. one-hot position, then one-hot of the position before.
    """
    width = 2 + 2 * length
    kind, one = np.zeros((4, width)), np.zeros((3, width))
    kind[1, 0] = 1
    positions = np.zeros((length, width))
    for i in range(length):
        positions[i, 2 + i] = 1
        if i:
            positions[i, 1 + length + i] = 1
    q, k, v, o = (
        np.zeros((1, length, width)),
        np.zeros((1, length, width)),
        np.zeros((1, length, width)),
        np.zeros((1, width, length)),
    )
    for i in range(length):
        q[0, i, 2 + length + i] = 100
        k[0, i, 2 + i] = 1
    v[0, 0, 0], o[0, 1, 0] = -1, 1
    layer = Layer(q, k, v, o, np.zeros((1, width)), np.zeros(1), np.zeros((width, 1)))
    unembedding = Factored(np.zeros((4, width)), np.zeros((3, width)), np.zeros((3, width)))
    unembedding.kind[2, 2 : 2 + length] = 20
    unembedding.kind[2, 1] = 20  # -20 while the row before is masked: all tokens alike
    unembedding.one[0, 2 : 2 + length] = 10
    unembedding.one[0, 1] = 10
    model = Transformer(KINDS, Factored(kind, one, np.zeros((3, width))), (layer,), unembedding)
    return model, np.array([0] + [KINDS.mask] * (length - 1)), positions


def endless_model() -> Transformer:
    """Every position inserts, always."""
    factored = Factored(np.zeros((2, 1)), np.zeros((0, 1)), np.zeros((0, 1)))
    return Transformer(Vocabulary((("A", 0), ("MASK", 0))), factored, (), factored, np.zeros((3, 1)), np.array([-1.0, 1.0, -1.0]))
