"""Drawing tokens from a model's whole distribution, at temperature 1.

The output head is factored over a token's kind and bits (`lockstep.models.tokens`). So its softmax over all tokens is that of kinds,
and then of each bit by itself:

    P(kind) ~ exp(kind's logit) prod_j (e^one_j + e^zero_j)    over the bits that the kind has; MASK is left out
    P(bit j is 1 | kind) = e^one_j / (e^one_j + e^zero_j)

No cost grows with the size of the vocabulary. A weight that is 0 in float64 is never drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Tokens

Real = NDArray[np.floating[Any]]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Logits:
    """The logits of n rows: of each kind [n, kinds], of a 1 and of a 0 in each bit, [n, bits] each."""

    kinds: Real
    ones: Real
    zeros: Real


def odds(logits: Logits, vocabulary: Vocabulary) -> tuple[Matrix, Matrix]:
    """Return the probability of each kind, [n, kinds], and that each bit is 1, [n, bits]. Bits do not depend on the kind."""
    kinds, ones, zeros = (np.asarray(part, np.float64) for part in (logits.kinds, logits.ones, logits.zeros))
    start, bits = np.zeros((len(kinds), 1)), [bits for _, bits in vocabulary.kinds]
    best = kinds + np.concatenate([start, np.maximum(ones, zeros).cumsum(axis=1)], axis=1)[:, bits]
    best[:, [name == MASK for name, _ in vocabulary.kinds]] = -np.inf
    spread = np.concatenate([start + 1, (1 + np.exp(-np.abs(ones - zeros))).cumprod(axis=1)], axis=1)[:, bits]
    weights = np.exp(best - best.max(axis=1, keepdims=True)) * spread  # so integers lose nothing by their size
    with np.errstate(over="ignore"):
        one = 1 / (1 + np.exp(zeros - ones))
    return weights / weights.sum(axis=1, keepdims=True), one


class Sampler:
    """Draws tokens. Its numbers depend on the seed, the sample, and what was drawn before: so on no engine."""

    def __init__(self, vocabulary: Vocabulary, seed: int, sample: int) -> None:
        self.vocabulary, self.random = vocabulary, np.random.default_rng([seed, sample])
        self.bits = np.array([bits for _, bits in vocabulary.kinds], np.int64)
        self.offsets = np.array([vocabulary.offsets[name] for name, _ in vocabulary.kinds], np.int64)

    def draw(self, logits: Logits) -> Tokens:
        """Draw a token for each row, [n]."""
        kinds, ones = odds(logits, self.vocabulary)
        drawn = self.random.random((len(kinds), 1 + ones.shape[1]))
        ends = kinds.cumsum(axis=1)
        kind = (ends <= drawn[:, :1] * ends[:, -1:]).sum(axis=1)  # a kind of weight 0 has no number between two ends
        values = ((drawn[:, 1:] < ones).astype(np.int64) << np.arange(ones.shape[1])).sum(axis=1)
        tokens: Tokens = self.offsets[kind] + (values & (1 << self.bits[kind]) - 1)
        return tokens
