"""The reference engine: every row of every layer, every step."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.positions import Positions
from models.sequence import Change
from models.transformer import Prediction, Transformer


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


class DenseSession:
    """A decode by the reference engine; see `models.engines.Session`."""

    name = "dense"

    def __init__(self, model: Transformer, tokens: NDArray[np.int64], positions: Positions) -> None:
        self.model = model
        self.positions = positions.rows(slice(None), model.dtype).to(model.device)
        self.tokens = torch.from_numpy(tokens)

    def update(self, change: Change, tokens: NDArray[np.int64]) -> None:
        self.tokens = torch.from_numpy(tokens)

    def predict(self) -> tuple[NDArray[np.int64], Prediction]:
        """All rows, since all are computed."""
        return np.arange(len(self.tokens)), self.model.predict(self.residual()).on_cpu()

    def residual(self) -> Tensor:
        return forward(self.model, self.tokens.to(self.model.device), self.positions[: len(self.tokens)])
