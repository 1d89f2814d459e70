"""The reference engine. It computes every row of every layer in every decoding step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lockstep.models.drawing import Logits
from lockstep.models.engines.finding import found_rows
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.models.transformer import Prediction, Tokens, Transformer


class DenseSession:
    """Predictions by the dense engine, which pads all sequences to the longest. See `lockstep.models.engines.session`."""

    name = "dense"

    def __init__(self, model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions],
                 device: str = "cpu") -> None:  # fmt: skip
        self.model = TorchTransformer(model, device)
        self.positions = [self.model.tensor(p.rows(slice(None), model.dtype)) for p in positions]
        self.tokens = [torch.from_numpy(tokens) for tokens in sequences]
        self.seen = list(self.tokens)  # copies of those that were predicted last: sequences are edited in place
        self.after = [torch.empty(0)] * len(self.tokens)  # their streams after the last layer, [N, d] each

    def update(self, number: int, change: Change, tokens: Tokens) -> None:
        self.tokens[number] = torch.from_numpy(tokens)

    def predict(self, live: Sequence[int]) -> list[tuple[Tokens, Prediction]]:
        """Predict every row of the sequences in `live`."""
        for number in live:
            self.seen[number] = self.tokens[number].clone()
        x, padding = self._embedded(live)
        x = self.model.forward(x, padding)
        x = x if padding is None else x[~padding]
        found, first, parts = self.model.predict(x).on_cpu(), 0, []
        for number in live:
            length = len(self.tokens[number])
            rows = slice(first, first := first + length)
            self.after[number] = x[rows]
            parts.append((np.arange(length), found.part(rows)))
        return parts

    def logits(self, number: int, rows: Tokens) -> Logits:
        return self.model.logits(self.after[number][torch.from_numpy(rows).to(self.model.device)])

    def found(self, number: int, rows: Tokens) -> Tokens:
        seen = self.seen[number]
        return found_rows(self.model, seen, self.positions[number][: len(seen)], rows)

    def _embedded(self, live: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        """Return the stream before layer 1 [B, N, d] and which rows are padding [B, N]. For one sequence: [N, d] and None."""
        device, tokens = self.model.device, [self.tokens[number] for number in live]
        places = torch.cat([self.positions[number][: len(self.tokens[number])] for number in live])
        rows = self.model.embed(torch.cat(tokens).to(device)) + places
        lengths = torch.tensor([len(part) for part in tokens], device=device)
        if len(tokens) == 1:
            return rows, None
        padding = torch.arange(int(lengths.max()), device=device)[None] >= lengths[:, None]
        x = torch.zeros(*padding.shape, self.model.width, dtype=self.model.dtype, device=device)
        x[~padding] = rows
        return x, padding
