"""The reference: the forward pass of a transformer, in PyTorch.

It imports PyTorch, which takes a second. Modules that may do without import it where they need it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lockstep.models.tokens import MASK
from lockstep.models.transformer import FACTORED_PARTS, LAYER_PARTS, Factored, Layer, Prediction, Transformer, Weights


@dataclass(frozen=True)
class TorchLayer:
    """One layer as tensors. Shapes are those of `Layer`."""

    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    w_in: Tensor
    b_in: Tensor
    w_out: Tensor

    def attend(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return sum_h O_h softmax(Q_h x . K_h x) V_h x. x and the result are [..., N, d].

        Args:   padding: bool [..., N], rows that pad a batch: they are no keys.
        """
        queries = torch.einsum("...nd,had->...hna", x, self.q)
        keys = torch.einsum("...nd,had->...hna", x, self.k)
        values = torch.einsum("...nd,had->...hna", x, self.v)
        scores = queries @ keys.transpose(-1, -2)  # [..., H, N, N]
        if padding is not None:
            scores = scores.masked_fill(padding[..., None, None, :], -torch.inf)
        return torch.einsum("...hna,hda->...nd", torch.softmax(scores, dim=-1) @ values, self.o)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Return W_out relu(W_in x + b). x and the result are [..., N, d]."""
        return torch.relu(x @ self.w_in.T + self.b_in) @ self.w_out.T


@dataclass(frozen=True)
class TorchFactored:
    """A factored matrix as tensors. Shapes are those of `Factored`."""

    kind: Tensor
    one: Tensor
    zero: Tensor


@dataclass(frozen=True)
class TorchPrediction:
    """As `Prediction`, on the device of the model."""

    token: Tensor
    probability: Tensor
    control: Tensor | None

    def on_cpu(self) -> Prediction:
        """The same as arrays."""
        control = self.control.cpu().numpy() if self.control is not None else None
        return Prediction(self.token.cpu().numpy(), self.probability.cpu().numpy(), control)


class TorchTransformer:
    """A model whose weights are tensors on a device. On the CPU they share memory with the model's arrays."""

    def __init__(self, model: Transformer, device: str = "cpu") -> None:
        self.vocabulary, self.width, self.device = model.vocabulary, model.width, torch.device(device)
        self.dtype: torch.dtype = getattr(torch, model.dtype_name)
        self.embedding, self.unembedding = self._factored(model.embedding), self._factored(model.unembedding)
        self.layers = tuple(self._layer(layer) for layer in model.layers)
        control = model.control_weight, model.control_bias
        self.control_weight, self.control_bias = (None if part is None else self.tensor(part) for part in control)

    def tensor(self, values: Weights) -> Tensor:
        """An array as a tensor, in the dtype of the model and on its device."""
        return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(self.device, self.dtype)

    def _factored(self, part: Factored) -> TorchFactored:
        return TorchFactored(*(self.tensor(getattr(part, name)) for name in FACTORED_PARTS))

    def _layer(self, layer: Layer) -> TorchLayer:
        return TorchLayer(*(self.tensor(getattr(layer, name)) for name in LAYER_PARTS))

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return the stream after the last layer. x: the stream before the first. Both are [..., N, d].

        Args:   padding: that of `TorchLayer.attend`.
        """
        for layer in self.layers:
            x = x + layer.attend(x, padding)
            x = x + layer.feed_forward(x)
        return x

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embedding of each token, [N, d]. tokens: [N] int64."""
        x = torch.zeros(len(tokens), self.width, dtype=self.dtype, device=self.device)
        for number, (name, bits) in enumerate(self.vocabulary.kinds):
            offset = self.vocabulary.offsets[name]
            here = torch.nonzero((tokens >= offset) & (tokens < offset + (1 << bits)))[:, 0]
            values = (tokens[here] - offset)[:, None] >> torch.arange(bits, device=self.device)[None, :] & 1
            chosen = values.to(self.dtype)  # [rows, bits]
            x[here] = self.embedding.kind[number] + chosen @ self.embedding.one[:bits] + (1 - chosen) @ self.embedding.zero[:bits]
        return x

    def predict(self, x: Tensor) -> TorchPrediction:
        """Return the best token of each row and its probability. MASK is left out. x: [N, d]."""
        kinds = x @ self.unembedding.kind.T  # [N, kinds]
        one, zero = x @ self.unembedding.one.T, x @ self.unembedding.zero.T  # [N, bits]
        best_bits = torch.maximum(one, zero).cumsum(1)
        all_bits = torch.logaddexp(one, zero).cumsum(1)
        best, every, token = [], [], []
        powers = 1 << torch.arange(self.vocabulary.most_bits, device=self.device)
        chosen = (one > zero).long() * powers  # [N, bits]
        for number, (name, bits) in enumerate(self.vocabulary.kinds):
            if name == MASK:
                continue
            best.append(kinds[:, number] + (best_bits[:, bits - 1] if bits else 0))
            every.append(kinds[:, number] + (all_bits[:, bits - 1] if bits else 0))
            token.append(self.vocabulary.offsets[name] + chosen[:, :bits].sum(1))
        score, kind = torch.stack(best).max(0)
        probability = torch.exp(score - torch.logsumexp(torch.stack(every), 0))
        tokens = torch.stack(token).gather(0, kind[None])[0]
        return TorchPrediction(tokens, probability, self._control(x))

    def _control(self, x: Tensor) -> Tensor | None:
        if self.control_weight is None or self.control_bias is None:
            return None
        return x @ self.control_weight.T + self.control_bias > 0
