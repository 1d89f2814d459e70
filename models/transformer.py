"""A standard softmax encoder transformer without layer norm, in PyTorch.

    x = E[token] + PE[position]
    for each layer:  x += sum_h O_h softmax(Q_h x . K_h x) V_h x      (the inverse temperature is folded into Q)
                     x += W_out relu(W_in x + b)
    logits = U x;  control = C x + c  (remask, insert, delete; only for processes that use them)

E and U are factored over a token's kind and bits (`lockstep.models.tokens`). `Factored.full_matrix` gives the full
matrix if the vocabulary is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lockstep.models.tokens import MASK, Vocabulary

#: The largest vocabulary with full embedding matrices.
MAX_FULL_VOCABULARY = 1 << 16

#: The dtypes of weights, by name.
DTYPES = {"float64": torch.float64, "float32": torch.float32}

LAYER_PARTS = ("q", "k", "v", "o", "w_in", "b_in", "w_out")
FACTORED_PARTS = ("kind", "one", "zero")


@dataclass(frozen=True)
class Layer:
    """One layer: H heads of width a, then f hidden units. d is d_model."""

    q: Tensor  # [H, a, d]
    k: Tensor  # [H, a, d]
    v: Tensor  # [H, a, d]
    o: Tensor  # [H, d, a]
    w_in: Tensor  # [f, d]
    b_in: Tensor  # [f]
    w_out: Tensor  # [d, f]

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
class Factored:
    """A matrix with one row for each token. It is the row of the token's kind plus one row for each of its bits."""

    kind: Tensor  # [kinds, d]
    one: Tensor  # [bits, d], where the bit is 1
    zero: Tensor  # [bits, d], where it is 0

    def full_matrix(self, vocabulary: Vocabulary) -> Tensor:
        """Return the full matrix, [V, d].

        Raises: ValueError: the vocabulary is larger than MAX_FULL_VOCABULARY.
        """
        if vocabulary.size > MAX_FULL_VOCABULARY:
            raise ValueError(
                f"a vocabulary of {vocabulary.size} tokens is too large for full matrices; the limit is {MAX_FULL_VOCABULARY}"
            )
        rows = []
        for number, (_, bits) in enumerate(vocabulary.kinds):
            values = torch.arange(1 << bits)[:, None] >> torch.arange(bits)[None, :] & 1  # [2^bits, bits]
            chosen = values.to(self.one.dtype)
            rows.append(self.kind[number] + chosen @ self.one[:bits] + (1 - chosen) @ self.zero[:bits])
        return torch.cat(rows)


@dataclass(frozen=True)
class Prediction:
    """The best token of each row [N] int64, its probability [N], and control bits [N, 3] bool if the model has them."""

    token: Tensor
    probability: Tensor
    control: Tensor | None

    def part(self, rows: slice) -> Prediction:
        """Return the predictions of a slice of rows."""
        return Prediction(self.token[rows], self.probability[rows], self.control[rows] if self.control is not None else None)

    def on_cpu(self) -> Prediction:
        """Return the prediction on the CPU, without a copy if it is there."""
        control = self.control.cpu() if self.control is not None else None
        return Prediction(self.token.cpu(), self.probability.cpu(), control)


@dataclass(frozen=True)
class Transformer:
    """The weights of a transformer and its vocabulary. All tensors have the same dtype."""

    vocabulary: Vocabulary
    embedding: Factored
    layers: tuple[Layer, ...]
    unembedding: Factored
    control_weight: Tensor | None = None  # [3, d]
    control_bias: Tensor | None = None  # [3]

    @property
    def dtype(self) -> torch.dtype:
        return self.embedding.kind.dtype

    @property
    def dtype_name(self) -> str:
        """`float64` or `float32`."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def device(self) -> torch.device:
        return self.embedding.kind.device

    def to(self, device: str) -> Transformer:
        """Return the same weights on a device."""
        if self.device == torch.device(device):
            return self

        def moved(part: Factored) -> Factored:
            return Factored(*(getattr(part, name).to(device) for name in FACTORED_PARTS))

        layers = tuple(Layer(*(getattr(layer, name).to(device) for name in LAYER_PARTS)) for layer in self.layers)
        control = {name: t.to(device) for name in ("control_weight", "control_bias") if (t := getattr(self, name)) is not None}
        return replace(self, embedding=moved(self.embedding), layers=layers, unembedding=moved(self.unembedding), **control)

    @property
    def width(self) -> int:
        """The width of the residual stream, d_model."""
        return self.embedding.kind.shape[1]

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every tensor with its name in files."""
        for number, layer in enumerate(self.layers):
            for part in LAYER_PARTS:
                yield f"layers.{number}.{part}", getattr(layer, part).contiguous()
        for name in ("embedding", "unembedding"):
            for part in FACTORED_PARTS:
                yield f"{name}.{part}", getattr(getattr(self, name), part).contiguous()
        if self.control_weight is not None and self.control_bias is not None:
            yield "control.weight", self.control_weight
            yield "control.bias", self.control_bias

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

    def predict(self, x: Tensor) -> Prediction:
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
        return Prediction(tokens, probability, self._control(x))

    def _control(self, x: Tensor) -> Tensor | None:
        if self.control_weight is None or self.control_bias is None:
            return None
        return x @ self.control_weight.T + self.control_bias > 0
