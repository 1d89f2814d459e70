"""Faults: tokens that change between two decoding steps, as in a memory that does not keep what was written.

After a decoding step each exposed token changes with the same chance, to a token drawn by its kind:

- `random`: any other token but MASK, all alike.
- `plausible`: a token of the same kind, in which one bit is another one. A token without bits becomes one of another kind, which the caller
  names.

What is drawn depends on the sequence alone, so it is the same for all engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from lockstep.models.names import FaultKind
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Tokens

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(frozen=True)
class Faults:
    """rate: the chance of each exposed token after each step, 0 .. 1. seed: of all draws."""

    rate: float
    kind: FaultKind = "random"
    seed: int = 0


class Injector:
    """Draws the faults of one decode, step by step.

    Args: instead: by a kind without bits, the kind that takes its place in plausible faults; that of "" takes any other one's.
    """

    def __init__(self, faults: Faults, vocabulary: Vocabulary, instead: Mapping[str, str]) -> None:
        self.faults, self.vocabulary, self.instead = faults, vocabulary, instead
        self.random = np.random.default_rng(faults.seed)

    def draw(self, tokens: Tokens, exposed: Tokens) -> tuple[Tokens, Tokens]:
        """The rows whose token changes, ascending, and their new tokens. exposed: the rows that may change, ascending."""
        rows = exposed[self.random.random(len(exposed)) < self.faults.rate]
        return rows, np.array([self.another(int(token)) for token in tokens[rows]], np.int64)

    def another(self, token: int) -> int:
        """A token in place of this one; it is never the same, nor MASK."""
        vocabulary, random = self.vocabulary, self.random
        if self.faults.kind == "random":
            left_out = sorted({token, vocabulary.mask})
            found = int(random.integers(vocabulary.size - len(left_out)))
            for each in left_out:  # in ascending order: those that are left out are skipped
                found += found >= each
            return found
        kind, value = vocabulary.split(token)
        if bits := vocabulary.bits(kind):
            return vocabulary.token(kind, value ^ 1 << int(random.integers(bits)))
        instead = self.instead.get(kind) or self.instead[""]
        return vocabulary.token(instead, int(random.integers(1 << vocabulary.bits(instead))))
