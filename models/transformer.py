"""A standard softmax transformer without layer norm. It is an encoder or, if it is causal, a decoder. Its weights are NumPy arrays.

    x = E[token] + PE[position]
    for each layer:  x += sum_h O_h softmax(Q_h x . K_h x) V_h x      (the inverse temperature is folded into Q)
                     x += W_out relu(W_in x + b)
    (in a causal model, row i attends to the rows 0 .. i alone)
    logits = U x;  control = C x + c  (remask, insert, delete; only for processes that use them)

E and U are factored over a token's kind and bits (`lockstep.models.tokens`). `Factored.full_matrix` gives the full
matrix if the vocabulary is small. `lockstep.models.torch_transformer` computes the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import Vocabulary

#: The largest vocabulary with full embedding matrices.
MAX_FULL_VOCABULARY = 1 << 16

#: The dtypes of weights, by name.
DTYPES = {name: np.dtype(name) for name in ("float64", "float32")}

LAYER_PARTS = ("q", "k", "v", "o", "w_in", "b_in", "w_out")
FACTORED_PARTS = ("kind", "one", "zero")

Tokens = NDArray[np.int64]
Weights = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Layer:
    """One layer: H heads of width a, then f hidden units. d is d_model."""

    q: Weights  # [H, a, d]
    k: Weights  # [H, a, d]
    v: Weights  # [H, a, d]
    o: Weights  # [H, d, a]
    w_in: Weights  # [f, d]
    b_in: Weights  # [f]
    w_out: Weights  # [d, f]


@dataclass(frozen=True)
class Factored:
    """A matrix with one row for each token. It is the row of the token's kind plus one row for each of its bits."""

    kind: Weights  # [kinds, d]
    one: Weights  # [bits, d], where the bit is 1
    zero: Weights  # [bits, d], where it is 0

    def full_matrix(self, vocabulary: Vocabulary) -> Weights:
        """Return the full matrix, [V, d].

        Raises: ValueError: the vocabulary is larger than MAX_FULL_VOCABULARY.
        """
        if vocabulary.size > MAX_FULL_VOCABULARY:
            raise ValueError(
                f"a vocabulary of {vocabulary.size} tokens is too large for full matrices; the limit is {MAX_FULL_VOCABULARY}"
            )
        rows = []
        for number, (_, bits) in enumerate(vocabulary.kinds):
            values = np.arange(1 << bits)[:, None] >> np.arange(bits)[None, :] & 1  # [2^bits, bits]
            chosen = values.astype(self.one.dtype)
            rows.append(self.kind[number] + chosen @ self.one[:bits] + (1 - chosen) @ self.zero[:bits])
        return np.concatenate(rows)


@dataclass(frozen=True)
class Prediction:
    """The best token of each row [N] int64, its probability [N], and control bits [N, 3] bool if the model has them."""

    token: Tokens
    probability: NDArray[np.floating[Any]]
    control: NDArray[np.bool_] | None

    def part(self, rows: slice) -> Prediction:
        """Return the predictions of a slice of rows."""
        return Prediction(self.token[rows], self.probability[rows], self.control[rows] if self.control is not None else None)


@dataclass(frozen=True)
class Transformer:
    """The weights of a transformer and its vocabulary. All arrays have the same dtype.

    causal: a row attends to itself and to the rows before it, not to later ones.
    """

    vocabulary: Vocabulary
    embedding: Factored
    layers: tuple[Layer, ...]
    unembedding: Factored
    control_weight: Weights | None = None  # [3, d]
    control_bias: Weights | None = None  # [3]
    causal: bool = False

    def check_vocabulary(self) -> None:
        """Refuse matrices that do not fit the vocabulary: engines that read other rows than the reference would differ from it.

        Raises: ValueError: a matrix has too few or too many rows.
        """
        kinds, bits = len(self.vocabulary.kinds), self.vocabulary.most_bits
        for name in ("embedding", "unembedding"):
            for part, rows in zip(FACTORED_PARTS, (kinds, bits, bits)):
                matrix = getattr(getattr(self, name), part)
                if matrix.shape != (rows, self.width):
                    raise ValueError(f"{name}.{part} is {list(matrix.shape)}, and the vocabulary needs {[rows, self.width]}")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.embedding.kind.dtype

    @property
    def dtype_name(self) -> str:
        """`float64` or `float32`."""
        return str(self.dtype)

    @property
    def width(self) -> int:
        """The width of the residual stream, d_model."""
        return int(self.embedding.kind.shape[1])

    def tensors(self) -> Iterator[tuple[str, Weights]]:
        """Yield all weights, each with its name in files."""
        for number, layer in enumerate(self.layers):
            for part in LAYER_PARTS:
                yield f"layers.{number}.{part}", getattr(layer, part)
        for name in ("embedding", "unembedding"):
            for part in FACTORED_PARTS:
                yield f"{name}.{part}", getattr(getattr(self, name), part)
        if self.control_weight is not None and self.control_bias is not None:
            yield "control.weight", self.control_weight
            yield "control.bias", self.control_bias
