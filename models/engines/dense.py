"""The reference engine: every row of every layer, every step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Transformer


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


class DenseBatch:
    """Decodes of several sequences in one pass by the reference, filled up to the longest; see `lockstep.models.engines.BatchSession`."""

    name = "dense"

    def __init__(self, model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions]) -> None:
        self.model = model
        self.positions = [p.rows(slice(None), model.dtype).to(model.device) for p in positions]
        self.tokens = [torch.from_numpy(tokens) for tokens in sequences]

    def update(self, number: int, change: Change, tokens: NDArray[np.int64]) -> None:
        self.tokens[number] = torch.from_numpy(tokens)

    def predict(self, live: Sequence[int]) -> list[tuple[NDArray[np.int64], Prediction]]:
        """A prediction for every row of the sequences in `live`."""
        x, absent = self._embedded(live)
        for layer in self.model.layers:
            x = x + layer.attend(x, absent)
            x = x + layer.feed_forward(x)
        found, first, parts = self.model.predict(x[~absent]).on_cpu(), 0, []
        for number in live:
            length = len(self.tokens[number])
            parts.append((np.arange(length), found.part(slice(first, first := first + length))))
        return parts

    def _embedded(self, live: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The stream before the first layer, [B, N, d], and which rows only fill up, [B, N]."""
        tokens = [self.tokens[number] for number in live]
        lengths = torch.tensor([len(part) for part in tokens], device=self.model.device)
        absent = torch.arange(int(lengths.max()), device=self.model.device)[None] >= lengths[:, None]
        x = torch.zeros(*absent.shape, self.model.width, dtype=self.model.dtype, device=self.model.device)
        places = torch.cat([self.positions[number][: len(self.tokens[number])] for number in live])
        x[~absent] = self.model.embed(torch.cat(tokens).to(self.model.device)) + places
        return x, absent


class DenseSession:
    """A decode by the reference engine; see `lockstep.models.engines.Session`."""

    name = "dense"

    def __init__(self, model: Transformer, tokens: NDArray[np.int64], positions: Positions) -> None:
        self.model = model
        self.positions = positions.rows(slice(None), model.dtype).to(model.device)
        self.tokens = torch.from_numpy(tokens)

    def update(self, change: Change, tokens: NDArray[np.int64]) -> None:
        self.tokens = torch.from_numpy(tokens)

    def predict(self) -> tuple[NDArray[np.int64], Prediction]:
        """A prediction for every row, since all are computed."""
        return np.arange(len(self.tokens)), self.model.predict(self.residual()).on_cpu()

    def residual(self) -> Tensor:
        return forward(self.model, self.tokens.to(self.model.device), self.positions[: len(self.tokens)])
