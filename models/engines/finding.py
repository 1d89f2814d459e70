"""What heads found, from dense attention: for engines that keep no table of it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lockstep.models.engines.session import NOTHING, SEVERAL
from lockstep.models.engines.sizes import MAX_SCORED_ROWS
from lockstep.models.torch_transformer import TorchLayer, TorchTransformer, later
from lockstep.models.transformer import Tokens


def found_rows(model: TorchTransformer, tokens: Tensor, places: Tensor, rows: Tokens) -> Tokens:
    """What each head of all layers found for some rows, as `Session.found` says: [heads, rows].

    Args: tokens: [N], the sequence. places: its position encodings, [N, d].
    """
    asked, parts = torch.from_numpy(rows).to(model.device), []
    x = model.embed(tokens.to(model.device)) + places
    for layer in model.layers:
        chunks = [_found(model, layer, x, part) for part in torch.split(asked, MAX_SCORED_ROWS)]
        parts.append(np.concatenate(chunks, axis=1))
        x = x + layer.attend(x, causal=model.causal)
        x = x + layer.feed_forward(x)
    return np.concatenate(parts)


def _found(model: TorchTransformer, layer: TorchLayer, x: Tensor, rows: Tensor) -> Tokens:
    """The same for one layer, from the stream before it, [N, d]. A row with any weight counts; the first row alone is nothing."""
    queries, keys = torch.einsum("nd,had->hna", x[rows], layer.q), torch.einsum("nd,had->hna", x, layer.k)
    scores = queries @ keys.transpose(-1, -2)  # [H, rows, N]
    if model.causal:
        scores = scores.masked_fill(later(len(x), x.device)[rows], -torch.inf)
    read = torch.softmax(scores, dim=-1) > 0
    read[..., 0] = False
    many, first = read.sum(-1), read.int().argmax(-1)
    return torch.where(many == 1, first, torch.where(many == 0, NOTHING, SEVERAL)).cpu().numpy()
