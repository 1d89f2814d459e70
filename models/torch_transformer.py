"""The reference: the forward pass of a transformer, in PyTorch.

It imports PyTorch, which takes a second. Modules that may do without import it where they need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from lockstep.models.drawing import Logits
from lockstep.models.tokens import MASK
from lockstep.models.transformer import FACTORED_PARTS, LAYER_PARTS, Factored, Layer, Prediction, Transformer, Weights


def later(rows: int, device: torch.device, before: int = 0) -> Tensor:
    """Which keys stand behind the row that asks, bool [rows, before + rows]; `before` keys stand before the first of these rows."""
    return torch.ones(rows, before + rows, dtype=torch.bool, device=device).triu(1 + before)


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

    @cached_property
    def inward(self) -> Tensor:
        """Q, K and V of all heads as one matrix, [d, 3 H a]: one product is faster than one for each."""
        return torch.cat([self.q, self.k, self.v]).flatten(0, 1).T

    @cached_property
    def outward(self) -> Tensor:
        """O of all heads as one matrix, [H a, d]."""
        return self.o.transpose(1, 2).flatten(0, 1)

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of all heads, [..., H, N, a] each. x: [..., N, d]."""
        parts = (x @ self.inward).view(*x.shape[:-1], 3, *self.q.shape[:2]).movedim(-4, -2)  # [..., 3, H, N, a]
        queries, keys, values = parts.unbind(-4)
        return queries, keys, values

    def attend(self, x: Tensor, padding: Tensor | None = None, causal: bool = False) -> Tensor:
        """Return sum_h O_h softmax(Q_h x . K_h x) V_h x. x and the result are [..., N, d].

        Args:   padding: bool [..., N], rows that pad a batch: they are no keys. causal: later rows are no keys.
        """
        queries, keys, values = self.projected(x)
        scores = queries @ keys.transpose(-1, -2)  # [..., H, N, N]
        if padding is not None:
            scores = scores.masked_fill(padding[..., None, None, :], -torch.inf)
        if causal:
            scores = scores.masked_fill(later(x.shape[-2], x.device), -torch.inf)
        found = torch.softmax(scores, dim=-1) @ values  # [..., H, N, a]
        return torch.matmul(found.transpose(-2, -3).flatten(-2), self.outward)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Return W_out relu(W_in x + b). x and the result are [..., N, d]."""
        return linear(torch.relu(linear(x, self.w_in, self.b_in)), self.w_out)


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
        self.causal = model.causal
        self.dtype: torch.dtype = getattr(torch, model.dtype_name)
        #: Of each kind of token: its first token, how many bits it has, whether it is MASK. Then the place of each bit.
        offsets = [model.vocabulary.offsets[name] for name, _ in model.vocabulary.kinds]
        self.offsets = torch.tensor(offsets, device=self.device)
        self.bits = torch.tensor([bits for _, bits in model.vocabulary.kinds], device=self.device)
        self.is_mask = torch.tensor([name == MASK for name, _ in model.vocabulary.kinds], device=self.device)
        self.places = torch.arange(len(model.embedding.one), device=self.device)
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
            x = x + layer.attend(x, padding, self.causal)
            x = x + layer.feed_forward(x)
        return x

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embedding of each token, [N, d]. tokens: [N] int64."""
        kind, parts = torch.bucketize(tokens, self.offsets, right=True) - 1, self.embedding
        ones = (tokens - self.offsets[kind])[:, None] >> self.places & 1  # [N, bits]
        zeros = (self.places < self.bits[kind][:, None]).long() - ones
        return parts.kind[kind] + ones.to(self.dtype) @ parts.one + zeros.to(self.dtype) @ parts.zero

    def predict(self, x: Tensor) -> TorchPrediction:
        """Return the best token of each row and its probability. MASK is left out. x: [N, d]."""
        kinds, one, zero = self._logits(x)
        kinds = kinds.masked_fill(self.is_mask, -torch.inf)
        best, every = (kinds + self._of_each_kind(bits) for bits in (torch.maximum(one, zero), torch.logaddexp(one, zero)))
        score, kind = best.max(1)
        values = ((one > zero).long() << self.places).sum(1) & (1 << self.bits[kind]) - 1
        return TorchPrediction(self.offsets[kind] + values, torch.exp(score - torch.logsumexp(every, 1)), self._control(x))

    def logits(self, x: Tensor) -> Logits:
        """Return the logits of each row, as arrays. x: [N, d]."""
        return Logits(*(part.cpu().numpy() for part in self._logits(x)))

    def _logits(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each kind [N, kinds], of a 1 and of a 0 in each bit, [N, bits] each."""
        return x @ self.unembedding.kind.T, x @ self.unembedding.one.T, x @ self.unembedding.zero.T

    def _of_each_kind(self, bits: Tensor) -> Tensor:
        """The sum over the bits that each kind has: [N, bits] -> [N, kinds]."""
        return torch.nn.functional.pad(bits.cumsum(1), (1, 0))[:, self.bits]

    def _control(self, x: Tensor) -> Tensor | None:
        if self.control_weight is None or self.control_bias is None:
            return None
        return x @ self.control_weight.T + self.control_bias > 0
