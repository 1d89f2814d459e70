"""The reference of causal models: it keeps keys and values, and computes each row once.

A row attends to itself and to the rows before it. So a token that is appended changes no row that stands. If a step changes or
erases a token, the rows from there on are computed anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lockstep.models.drawing import Logits
from lockstep.models.engines.finding import found_rows
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.torch_transformer import TorchLayer, TorchTransformer, later
from lockstep.models.transformer import Prediction, Tokens, Transformer


def unchanged(change: Change) -> int:
    """How many rows a change leaves as they are, from the start: those before the first one that it changes.

    The last row is not among them. If the sequence became shorter, its prediction is asked for once more.
    """
    return min(change.length - 1, int(change.rows[0])) if len(change.rows) else change.length - 1


class _Kept:
    """Keys and values of one layer, [H, N_max, a] each. The first `rows` are filled."""

    def __init__(self, layer: TorchLayer, most: int) -> None:
        heads, inner, _ = layer.q.shape
        self.layer = layer
        self.keys, self.values = (layer.q.new_zeros(heads, most, inner) for _ in range(2))

    def after(self, x: Tensor, first: int) -> Tensor:
        """The stream after the layer of new rows, which start at row `first`. x and the result are [n, d]."""
        layer, end = self.layer, first + len(x)
        queries, self.keys[:, first:end], self.values[:, first:end] = layer.projected(x)
        scores = queries @ self.keys[:, :end].transpose(-1, -2)  # [H, n, end]
        if len(x) > 1:  # the last row attends to all
            scores = scores.masked_fill(later(len(x), x.device, first), -torch.inf)
        found = torch.softmax(scores, dim=-1) @ self.values[:, :end]  # [H, n, a]
        x = x + found.transpose(0, 1).flatten(1) @ layer.outward
        return x + layer.feed_forward(x)


class CachingSession:
    """Predictions of causal models by the dense engine. See `lockstep.models.engines.session`."""

    name = "dense"

    def __init__(self, model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions],
                 device: str = "cpu") -> None:  # fmt: skip
        self.model, self.dtype = TorchTransformer(model, device), model.dtype
        self.positions, self.tokens = list(positions), [np.asarray(tokens) for tokens in sequences]
        self.kept = [[_Kept(layer, len(places)) for layer in self.model.layers] for places in positions]
        self.computed = [0] * len(self.tokens)
        self.seen = list(self.tokens)  # those that were predicted last
        #: The first of the rows that were computed for it, and their streams after the last layer.
        self.after = [(0, torch.empty(0))] * len(self.tokens)

    def update(self, number: int, change: Change, tokens: Tokens) -> None:
        self.computed[number] = min(self.computed[number], unchanged(change))
        self.tokens[number] = tokens

    def predict(self, live: Sequence[int]) -> list[tuple[Tokens, Prediction]]:
        """Predict the rows that are new, and those behind a row that changed."""
        return [self._predict(number) for number in live]

    def logits(self, number: int, rows: Tokens) -> Logits:
        """As every session; of rows of the last prediction alone."""
        first, after = self.after[number]
        return self.model.logits(after[torch.from_numpy(rows - first).to(self.model.device)])

    def found(self, number: int, rows: Tokens) -> Tokens:
        seen = self.seen[number]
        places = self.model.tensor(self.positions[number].rows(slice(len(seen)), self.dtype))
        return found_rows(self.model, torch.from_numpy(seen), places, rows)

    @torch.inference_mode()
    def _predict(self, number: int) -> tuple[Tokens, Prediction]:
        first, end = self.computed[number], len(self.tokens[number])
        rows, self.computed[number], self.seen[number] = np.arange(first, end), end, self.tokens[number].copy()
        x = self.model.embed(torch.from_numpy(self.tokens[number][first:end]).to(self.model.device))
        x = x + self.model.tensor(self.positions[number].rows(slice(first, end), self.dtype))
        for kept in self.kept[number]:
            x = kept.after(x, first)
        self.after[number] = first, x
        return rows, self.model.predict(x).on_cpu()
