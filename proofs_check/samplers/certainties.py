"""What an exact model of masked diffusion says of a masked row, in closed form.

A row that is not ready scores every token 0, so all but MASK are equally likely. A ready row scores its kind of token S (b + 2), b the
most bits of a token, and S for each bit. So a token of n bits has probability (1 + e^-S)^-n, but for what other kinds take:
less than e^(-2 S) each. What tells ready rows apart is the number of bits of their tokens, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log1p

from lockstep.compiler.processor import SHARPNESS
from lockstep.models.tokens import MASK, Vocabulary


@dataclass(frozen=True)
class Certainty:
    """What samplers see of one row: probability of the best token, its lead over the second best, and the entropy in nats."""

    confidence: float
    margin: float
    entropy: float


def of_unready(vocabulary: Vocabulary) -> Certainty:
    """All tokens but MASK are equally likely."""
    others = vocabulary.size - 1
    return Certainty(1 / others, 0.0, log(others))


def of_ready(vocabulary: Vocabulary, kind: str) -> Certainty:
    """The row is certain of a token of this kind."""
    bits, wrong = vocabulary.bits(kind), exp(-SHARPNESS)
    lead = SHARPNESS * (vocabulary.most_bits + 2)
    # Weights of kinds, relative to the best token; of each, its best token alone and all its tokens together.
    best = {name: exp(SHARPNESS * (n - bits) - lead) for name, n in vocabulary.kinds if name not in (MASK, kind)}
    together = {name: weight * (1 + wrong) ** vocabulary.bits(name) for name, weight in best.items()}
    own, rest = (1 + wrong) ** bits, sum(together.values())
    second = max([wrong] * bool(bits) + list(best.values()))
    of_bit = log1p(wrong) + SHARPNESS * wrong / (1 + wrong)  # the entropy of one bit
    entropy = own / (own + rest) * (bits * of_bit + log1p(rest / own))
    for name, weight in together.items():
        if weight:
            share = weight / (own + rest)
            entropy += share * (vocabulary.bits(name) * of_bit - log(share))
    confidence = 1 / (own + rest)
    return Certainty(confidence, confidence * (1 - second), entropy)
