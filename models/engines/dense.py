"""The reference engine: every row of every layer, every step."""

from __future__ import annotations

from torch import Tensor

from models.transformer import Transformer


def forward(model: Transformer, tokens: Tensor, positions: Tensor) -> Tensor:
    """The residual stream after the last layer.

    Args:    tokens: [N] int64. positions: [N, d] in the model's dtype.
    Returns: [N, d].
    """
    x = model.embed(tokens) + positions
    for layer in model.layers:
        x = x + layer.attend(x)
        x = x + layer.feed_forward(x)
    return x
