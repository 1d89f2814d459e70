"""What a model says of masked positions, as samplers see it: best token, confidence, margin and entropy.

The output head is factored over a token's kind and bits (`lockstep.models.tokens`), and bits do not depend on each other. So all
four are closed forms, at the cost of kinds plus bits, and equal to those of the softmax over all tokens but MASK. They are computed
in float64 from logits: in float32 every probability of an exact model would be 1.0, and ranks would be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lockstep.models.drawing import Logits, Matrix
from lockstep.models.processes import Flags
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Guesses:
    """The guesses for n masked positions. All arrays are [n].

    rows:       positions, ascending. token: the best one; of equals, the first, as `Prediction` has it. MASK is left out.
    confidence: its probability. margin: by how much it is above that of the second best token.
    entropy:    of the distribution over all tokens, in nats.
    """

    rows: Tokens
    token: Tokens
    confidence: Matrix
    margin: Matrix
    entropy: Matrix

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tokens | Flags) -> Guesses:
        """Select guesses by a boolean array or by indices."""
        return Guesses(self.rows[which], self.token[which], self.confidence[which], self.margin[which], self.entropy[which])


def guess(rows: Tokens, logits: Logits, vocabulary: Vocabulary, temperature: float = 1.0, noise: Logits | None = None) -> Guesses:
    """Return the guesses for rows [n], from their logits.

    Args: temperature: all logits are divided by it. noise: what is added to the logits before that.
    """
    kinds, ones, zeros = _scaled(logits, temperature, noise)
    kinds = np.where([name == MASK for name, _ in vocabulary.kinds], -np.inf, kinds)
    bits = np.array([bits for _, bits in vocabulary.kinds], np.int64)
    gaps = np.abs(ones - zeros)  # what the other value of a bit costs
    tops = kinds + _summed(np.maximum(ones, zeros))[:, bits]  # the best token of each kind, [n, kinds]
    kind = tops.argmax(axis=1)
    tops -= tops.max(axis=1, keepdims=True)  # relative to the best token, so large logits round nothing
    sums = tops + _summed(np.log1p(np.exp(-gaps)))[:, bits]
    total = _log_of_sum(sums)
    confidence, shares = np.exp(-total), np.exp(sums - total[:, None])
    logs = np.where(shares > 0, sums - total[:, None], 0)
    entropy = (shares * (_summed(_entropy_of_bit(gaps))[:, bits] - logs)).sum(axis=1)
    margin = confidence * -np.expm1(_second(tops, gaps, bits, kind))
    return Guesses(rows, _tokens(vocabulary, bits[kind], kind, ones > zeros), confidence, margin, entropy)


def chances(
    tokens: Tokens, logits: Logits, vocabulary: Vocabulary, temperature: float = 1.0, noise: Logits | None = None
) -> Matrix:
    """The probability of one token in each row, [n]. None is MASK. The other arguments are those of `guess`."""
    kinds, ones, zeros = _scaled(logits, temperature, noise)
    kinds = np.where([name == MASK for name, _ in vocabulary.kinds], -np.inf, kinds)
    bits = np.array([bits for _, bits in vocabulary.kinds], np.int64)
    offsets = np.array([vocabulary.offsets[name] for name, _ in vocabulary.kinds], np.int64)
    kind, each = np.searchsorted(offsets, tokens, side="right") - 1, np.arange(len(tokens))
    set_bits = (tokens - offsets[kind])[:, None] >> np.arange(ones.shape[1]) & 1 == 1
    found = kinds[each, kind] + _summed(np.where(set_bits, ones, zeros))[each, bits[kind]]
    sums = kinds + _summed(np.logaddexp(ones, zeros))[:, bits]
    chance: Matrix = np.exp(found - _log_of_sum(sums))
    return chance


def _scaled(logits: Logits, temperature: float, noise: Logits | None) -> Iterator[Matrix]:
    """The logits of kinds, of a 1 and of a 0, in float64, with noise and temperature."""
    for part in ("kinds", "ones", "zeros"):
        exact = np.asarray(getattr(logits, part), np.float64)
        yield (exact if noise is None else exact + getattr(noise, part)) / temperature


def _summed(of_bits: Matrix) -> Matrix:
    """The sum over the first 0, 1, .. bits: [n, bits] -> [n, bits + 1]."""
    return np.concatenate([np.zeros((len(of_bits), 1)), of_bits.cumsum(axis=1)], axis=1)


def _log_of_sum(logs: Matrix) -> Matrix:
    """log sum exp of each row, [n]. The largest term is left out of the sum: what is tiny beside it counts in full."""
    largest, each = logs.argmax(axis=1), np.arange(len(logs))
    rest = np.exp(logs - logs[each, largest, None])
    rest[each, largest] = 0
    found: Matrix = logs[each, largest] + np.log1p(rest.sum(axis=1))
    return found


def _entropy_of_bit(gaps: Matrix) -> Matrix:
    """The entropy of a bit whose logits differ by this much, in nats."""
    rare = np.exp(-gaps)
    found: Matrix = np.log1p(rare) + gaps * rare / (1 + rare)
    return found


def _second(tops: Matrix, gaps: Matrix, bits: Tokens, kind: Tokens) -> Matrix:
    """The logit of the second best token, relative to the best one: the best of another kind, or one with another bit, [n]."""
    each = np.arange(len(tops))
    least = np.minimum.accumulate(np.concatenate([np.full((len(gaps), 1), np.inf), gaps], axis=1), axis=1)
    others = tops.copy()
    others[each, kind] = -least[each, bits[kind]]
    found: Matrix = others.max(axis=1)
    return found


def _tokens(vocabulary: Vocabulary, bits: Tokens, kind: Tokens, ones: Flags) -> Tokens:
    """The token of each row: its kind, which has so many bits, and its bits."""
    offsets = np.array([vocabulary.offsets[name] for name, _ in vocabulary.kinds], np.int64)
    values = (ones.astype(np.int64) << np.arange(ones.shape[1])).sum(axis=1)
    found: Tokens = offsets[kind] + (values & (1 << bits) - 1)
    return found
