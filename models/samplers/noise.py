"""Noise on logits, set by hand: exact models are certain, and differ only by the kind of token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.models.drawing import Logits

FORM = "write SEED:SIZE, a whole number and a number from 0, as in 1:2.5"


@dataclass(frozen=True)
class Noise:
    """Uniform noise from -size to size on the logit of each kind, and on those of a 1 and of a 0 in each bit; anew in each step."""

    seed: int
    size: float

    def __str__(self) -> str:
        return f"{self.seed}:{self.size:.15g}"

    def draw(self, random: np.random.Generator, rows: int, kinds: int, bits: int) -> Logits:
        """The noise of so many rows."""
        parts: Sequence[int] = (kinds, bits, bits)
        return Logits(*(random.uniform(-self.size, self.size, (rows, part)) for part in parts))

    @staticmethod
    def read(text: str) -> Noise:
        """Read it as users write it. Raises: ValueError: it is not SEED:SIZE."""
        seed, _, size = text.partition(":")
        try:
            noise = Noise(int(seed), float(size))
        except ValueError:
            raise ValueError(f"{text}: {FORM}") from None
        if noise.seed < 0 or not 0 <= noise.size < np.inf:
            raise ValueError(f"{text}: {FORM}")
        return noise
