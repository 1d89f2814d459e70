"""The active engine: dense attention, but only for rows that a decoding step can have changed.

In each layer, a row is recomputed iff
- its token or its stream changed, or
- the row that one of its heads reads changed, or
- the score of a changed key is within the *cut* of the row's best score.

Where scores differ by the cut, exp is exactly 0. So skipped keys have weight exactly 0, and sums are exact (`bounds`):
the stream is bit-identical to the reference's. Whenever the engine computes a row, it checks that each head gives weight
1 to one row and weight 0 to all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lockstep.models.drawing import Logits
from lockstep.models.engines.bounds import VANISHING, bound
from lockstep.models.engines.session import NOTHING, Unsuitable
from lockstep.models.engines.sizes import MAX_SCORED_ROWS
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.torch_transformer import TorchLayer, TorchTransformer
from lockstep.models.transformer import Prediction, Tokens, Transformer


@dataclass(frozen=True)
class _State:
    """One layer at all positions: queries, keys, values [H, N, a]; best score and its row [H, N]; the stream after it [N, d]."""

    layer: TorchLayer
    queries: Tensor
    keys: Tensor
    values: Tensor
    best: Tensor
    best_row: Tensor
    after: Tensor


class ActiveSession:
    """Predictions by the active engine, for one sequence; see `lockstep.models.engines.session`."""

    name = "active"

    def __init__(self, model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions],
                 device: str = "cpu") -> None:  # fmt: skip
        if len(sequences) > 1:
            raise Unsuitable("it takes one sequence at a time")
        self.positions, self.tokens, self.dtype = positions[0], sequences[0], model.dtype
        bound(model, self.positions)
        self.model = TorchTransformer(model, device)
        self.cut, capacity = VANISHING[model.dtype], len(self.positions)
        self.before = torch.zeros(capacity, model.width, dtype=self.model.dtype, device=self.model.device)
        self.states = [self._state(layer, capacity) for layer in self.model.layers]
        self.changed, self.removed = np.arange(len(self.tokens)), np.zeros(0, np.int64)

    def _state(self, layer: TorchLayer, capacity: int) -> _State:
        heads, inner, _ = layer.q.shape
        dtype, device = self.model.dtype, self.model.device
        queries, keys, values = (torch.zeros(heads, capacity, inner, dtype=dtype, device=device) for _ in range(3))
        best = torch.full((heads, capacity), -torch.inf, dtype=dtype, device=device)
        after = torch.zeros(capacity, self.model.width, dtype=dtype, device=device)
        return _State(layer, queries, keys, values, best, torch.zeros(heads, capacity, dtype=torch.int64, device=device), after)

    def update(self, number: int, change: Change, tokens: Tokens) -> None:
        self.removed = np.arange(change.length, len(self.tokens))
        self.tokens, self.changed = tokens, change.rows

    def predict(self, live: Sequence[int]) -> list[tuple[Tokens, Prediction]]:
        """Predict the rows that the last changes may have affected."""
        device, before = self.model.device, self.before
        rows, removed = torch.from_numpy(self.changed).to(device), torch.from_numpy(self.removed).to(device)
        here = torch.from_numpy(self.tokens[self.changed]).to(device)
        before[rows] = self.model.embed(here) + self.model.tensor(self.positions.rows(self.changed, self.dtype))
        edited = computed = rows
        for state in self.states:
            computed = self._affected(state, before, rows, removed)
            different = [self._compute(state, before, part) for part in _chunks(computed)]
            # Rows with a new token go through all layers: they need a prediction, and a row that returns needs new keys.
            rows = torch.unique(torch.cat([edited, *different]))
            before = state.after
        return [(computed.cpu().numpy(), self.model.predict(before[computed]).on_cpu())]

    def logits(self, number: int, rows: Tokens) -> Logits:
        return self.model.logits(self.residual()[torch.from_numpy(rows).to(self.model.device)])

    def found(self, number: int, rows: Tokens) -> Tokens:
        here = torch.from_numpy(rows).to(self.model.device)
        best = torch.cat([state.best_row[:, here] for state in self.states])  # each head reads one row alone
        return torch.where(best == 0, NOTHING, best).cpu().numpy()

    def residual(self) -> Tensor:
        """The stream after the last layer, [N, d]."""
        return (self.states[-1].after if self.states else self.before)[: len(self.tokens)]

    def _affected(self, state: _State, before: Tensor, rows: Tensor, removed: Tensor) -> Tensor:
        """Update keys, queries and values of `rows`. Return these rows and all that may read something new."""
        alive, gone = len(self.tokens), torch.cat([rows, removed])
        projections = ((state.queries, state.layer.q), (state.keys, state.layer.k), (state.values, state.layer.v))
        for kept, weights in projections:
            kept[:, rows] = torch.einsum("nd,had->hna", before[rows], weights)
        changed = torch.zeros(len(before), dtype=torch.bool, device=before.device)
        changed[gone] = True
        affected = changed[state.best_row[:, :alive]].any(0)
        for head in range(len(state.best)):
            for part in _chunks(rows):
                scores = state.queries[head, :alive] @ state.keys[head, part].T
                affected |= (scores >= state.best[head, :alive, None] - self.cut).any(1)
        return torch.nonzero(affected | changed[:alive])[:, 0]

    def _compute(self, state: _State, before: Tensor, rows: Tensor) -> Tensor:
        """Compute rows of a layer. Return those whose stream after it changed."""
        alive, layer = len(self.tokens), state.layer
        if not len(rows):
            return rows
        scores = state.queries[:, rows] @ state.keys[:, :alive].transpose(1, 2)  # [H, rows, N]
        state.best[:, rows], state.best_row[:, rows] = scores.max(2)
        best_row = state.best_row[:, rows, None]
        others = torch.softmax(scores, dim=-1).scatter_(2, best_row, 0.0)
        # Testing that the best weight is 1 would not do: a tiny weight beside it can round away in the sum.
        if others.numel() and float(others.max()) != 0:
            raise Unsuitable("a head does not read one row alone")
        read = state.values.gather(1, best_row.expand(-1, -1, state.values.shape[2]))
        x = before[rows] + torch.einsum("hna,hda->nd", read, layer.o)
        x = x + layer.feed_forward(x)
        different = (state.after[rows] != x).any(1)
        state.after[rows] = x
        return rows[different]


def _chunks(rows: Tensor) -> list[Tensor]:
    """Split rows into slices of at most MAX_SCORED_ROWS. If there are no rows, return one empty slice."""
    return [rows[first : first + MAX_SCORED_ROWS] for first in range(0, max(1, len(rows)), MAX_SCORED_ROWS)]
