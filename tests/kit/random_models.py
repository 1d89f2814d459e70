"""Models and predictions that no compiler made: random weights, a chain, one without an end."""

from __future__ import annotations

import torch

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Factored, Layer, Prediction, Transformer

KINDS = Vocabulary((("BOS", 0), (MASK, 0), ("A", 1), ("B", 3)))


def random_model(seed: int, width: int = 7, dtype: torch.dtype = torch.float64) -> Transformer:
    generator = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    factored = [Factored(matrix(4, width), matrix(3, width), matrix(3, width)) for _ in range(2)]
    heads = (matrix(2, 4, width), matrix(2, 4, width), matrix(2, 4, width), matrix(2, width, 4))
    layer = Layer(*heads, matrix(5, width), matrix(5), matrix(width, 5))
    return Transformer(KINDS, factored[0], (layer,), factored[1])


def made(tokens: list[int], probabilities: list[float]) -> Prediction:
    return Prediction(torch.tensor(tokens), torch.tensor(probabilities), None)


def chain_model(length: int) -> tuple[Transformer, torch.Tensor, torch.Tensor]:
    """Position i predicts token A 1 once position i - 1 is no mask: one head finds the row before.

    Residual: 0 mask flag, 1 found-before-unmasked, 2.. one-hot position, then one-hot of the position before.
    """
    width = 2 + 2 * length
    zero = torch.zeros
    kind, one = zero(4, width), zero(3, width)
    kind[1, 0] = 1
    positions = zero(length, width)
    for i in range(length):
        positions[i, 2 + i] = 1
        if i:
            positions[i, 1 + length + i] = 1
    q, k, v, o = zero(1, length, width), zero(1, length, width), zero(1, length, width), zero(1, width, length)
    for i in range(length):
        q[0, i, 2 + length + i] = 100
        k[0, i, 2 + i] = 1
    v[0, 0, 0], o[0, 1, 0] = -1, 1
    layer = Layer(q, k, v, o, zero(1, width), zero(1), zero(width, 1))
    unembedding = Factored(zero(4, width), zero(3, width), zero(3, width))
    unembedding.kind[2, 2 : 2 + length] = 20
    unembedding.kind[2, 1] = 20  # -20 while the row before is masked: all tokens alike
    unembedding.one[0, 2 : 2 + length] = 10
    unembedding.one[0, 1] = 10
    model = Transformer(KINDS, Factored(kind, one, zero(3, width)), (layer,), unembedding)
    return model, torch.tensor([0] + [KINDS.mask] * (length - 1)), positions


def endless_model() -> Transformer:
    """Every position inserts, always."""
    zero = torch.zeros
    factored = Factored(zero(2, 1), zero(0, 1), zero(0, 1))
    return Transformer(Vocabulary((("A", 0), ("MASK", 0))), factored, (), factored, zero(3, 1), torch.tensor([-1.0, 1.0, -1.0]))
