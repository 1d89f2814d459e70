"""The active engine: dense attention, but only for rows that a decoding step can have changed.

A row is computed edited in a layer iff its token or its own stream changed, or the row that one of its heads reads did, or some changed key
now scores within the cut of the best score it had. The cut is where exp is exactly 0, so the keys that are skipped have
weight exactly 0, and sums are exact (`bounds`): residuals are bit-identical to the reference's. That each head reads
one row, with weight exactly 1, and all others with weight exactly 0, is checked whenever a row is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.models.engines.bounds import VANISHING, bound
from lockstep.models.engines.session import Unsuitable
from lockstep.models.engines.sizes import MAX_SCORED_ROWS
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.transformer import Layer, Prediction, Transformer


@dataclass(frozen=True)
class _State:
    """One layer over all positions: queries, keys, values [H, N, a]; best score and the row it is of [H, N]; output [N, d]."""

    layer: Layer
    queries: Tensor
    keys: Tensor
    values: Tensor
    best: Tensor
    found: Tensor
    after: Tensor


class ActiveSession:
    """Predictions by the active engine, for one sequence; see `lockstep.models.engines.session`."""

    name = "active"

    def __init__(self, model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions]) -> None:
        if len(sequences) > 1:
            raise Unsuitable("it takes one sequence at a time")
        self.model, self.positions, self.tokens = model, positions[0], sequences[0]
        bound(model, self.positions)
        self.cut, most = VANISHING[model.dtype], len(self.positions)
        self.before = torch.zeros(most, model.width, dtype=model.dtype, device=model.device)
        self.states = [self._state(layer, most) for layer in model.layers]
        self.changed, self.removed = np.arange(len(self.tokens)), np.zeros(0, np.int64)

    def _state(self, layer: Layer, most: int) -> _State:
        heads, inner, _ = layer.q.shape
        dtype, device = self.model.dtype, self.model.device
        queries, keys, values = (torch.zeros(heads, most, inner, dtype=dtype, device=device) for _ in range(3))
        best = torch.full((heads, most), -torch.inf, dtype=dtype, device=device)
        after = torch.zeros(most, self.model.width, dtype=dtype, device=device)
        return _State(layer, queries, keys, values, best, torch.zeros(heads, most, dtype=torch.int64, device=device), after)

    def update(self, number: int, change: Change, tokens: NDArray[np.int64]) -> None:
        self.removed = np.arange(change.length, len(self.tokens))
        self.tokens, self.changed = tokens, change.rows

    def predict(self, live: Sequence[int]) -> list[tuple[NDArray[np.int64], Prediction]]:
        """Predict the rows that a change may have reached."""
        device, before = self.model.device, self.before
        rows, removed = torch.from_numpy(self.changed).to(device), torch.from_numpy(self.removed).to(device)
        here = torch.from_numpy(self.tokens[self.changed]).to(device)
        before[rows] = self.model.embed(here) + self.positions.rows(self.changed, self.model.dtype).to(device)
        edited = computed = rows
        for state in self.states:
            computed = self._affected(state, before, rows, removed)
            different = [self._compute(state, before, part) for part in _chunks(computed)]
            # A row whose token changed is predicted edited whatever its stream, and one that was gone has no keys.
            rows = torch.unique(torch.cat([edited, *different]))
            before = state.after
        return [(computed.cpu().numpy(), self.model.predict(before[computed]).on_cpu())]

    def residual(self) -> Tensor:
        """The stream after the last layer, [N, d]."""
        return (self.states[-1].after if self.states else self.before)[: len(self.tokens)]

    def _affected(self, state: _State, before: Tensor, rows: Tensor, removed: Tensor) -> Tensor:
        """Take over the keys, queries and values of rows whose stream changed; return those rows and all that may read something new."""
        alive, gone = len(self.tokens), torch.cat([rows, removed])
        projections = ((state.queries, state.layer.q), (state.keys, state.layer.k), (state.values, state.layer.v))
        for kept, weights in projections:
            kept[:, rows] = torch.einsum("nd,had->hna", before[rows], weights)
        changed = torch.zeros(len(before), dtype=torch.bool, device=before.device)
        changed[gone] = True
        lost = changed[state.found[:, :alive]].any(0)
        for head in range(len(state.best)):
            for part in _chunks(rows):
                scores = state.queries[head, :alive] @ state.keys[head, part].T
                lost |= (scores >= state.best[head, :alive, None] - self.cut).any(1)
        return torch.nonzero(lost | changed[:alive])[:, 0]

    def _compute(self, state: _State, before: Tensor, rows: Tensor) -> Tensor:
        """Take rows through a layer; return those whose stream after it is not what it was."""
        alive, layer = len(self.tokens), state.layer
        if not len(rows):
            return rows
        scores = state.queries[:, rows] @ state.keys[:, :alive].transpose(1, 2)  # [H, rows, N]
        state.best[:, rows], state.found[:, rows] = scores.max(2)
        found = state.found[:, rows, None]
        others = torch.softmax(scores, dim=-1).scatter_(2, found, 0.0)
        # Not that the best weighs 1: one beside it that is too small for a sum with 1 to show would not be missed when its row goes.
        if others.numel() and float(others.max()) != 0:
            raise Unsuitable("a head does not read one row alone")
        read = state.values.gather(1, found.expand(-1, -1, state.values.shape[2]))
        x = before[rows] + torch.einsum("hna,hda->nd", read, layer.o)
        x = x + layer.feed_forward(x)
        different = (state.after[rows] != x).any(1)
        state.after[rows] = x
        return rows[different]


def _chunks(rows: Tensor) -> list[Tensor]:
    """Slices of at most MAX_SCORED_ROWS rows; one empty slice if there are no rows."""
    return [rows[first : first + MAX_SCORED_ROWS] for first in range(0, max(1, len(rows)), MAX_SCORED_ROWS)]
