"""The length at which an ARM of bounded precision is wrong: `lockstep.tasks.counting_arm`, on its own weights.

For words of u letters and then d inverses, for all u + d up to a length, the model says whether the word may end there. It is right if it
may exactly where u = d. What the head finds depends on the counts alone, not on the order of the letters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lockstep.models.drawing import odds
from lockstep.models.torch_transformer import TorchTransformer
from lockstep.proofs_check.certificate import certify
from lockstep.tasks.counting_arm import END, LETTER, VOCABULARY, CountingArm, counting_arm, numbered
from lockstep.tasks.kit import BOS

#: Words in one forward pass.
TOGETHER = 16


@dataclass(frozen=True)
class Bounded:
    """certified: the most letters for which the arithmetic of an exponent is certified. letters, inverses: of the first word that is
    judged wrongly, the shortest, of several the one with the fewest letters. ends: whether the model lets it end.
    """

    exponent: int
    certified: int
    letters: int
    inverses: int
    ends: bool

    @property
    def length(self) -> int:
        """The length of the first word that is judged wrongly."""
        return self.letters + self.inverses


def first_failure(exponent: int, progress: Callable[[int, int], None] = lambda done, total: None) -> Bounded:
    """Find the shortest word that an ARM of this exponent judges wrongly, and up to which length it is certified."""
    certified = _most_certified(exponent)
    arm, first, length = counting_arm(exponent, max(2, certified)), 0, 8
    while True:
        for letters, inverses, ends in _judged(arm, first, length):
            if ends != (letters == inverses):
                return Bounded(exponent, certified, letters, inverses, ends)
        progress(length, 2 * length)
        first, length = length + 1, 2 * length


def _most_certified(exponent: int) -> int:
    """The most letters with a certificate; 0 if two letters have none. A share is farther from its sum, the more letters there are."""
    low, high = 0, 2
    while _is_certified(exponent, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_certified(exponent, middle) else (low, middle)
    return low


def _is_certified(exponent: int, letters: int) -> bool:
    arm = counting_arm(exponent, letters)
    return certify(arm.model(), arm.circuit).holds


def _judged(arm: CountingArm, first: int, last: int) -> list[tuple[int, int, bool]]:
    """Letters, inverses and whether it may end, of each word of `first` to `last` letters; the shortest ones first."""
    model = TorchTransformer(arm.model())
    places = model.tensor(numbered(arm, last + 1).rows(slice(None), arm.model().dtype))
    tokens = np.full((last + 1, last + 1), VOCABULARY.token(LETTER, 1), np.int64)  # word u has u letters, then inverses
    tokens[np.tri(last + 1, last + 1, 0, dtype=bool)] = VOCABULARY.token(LETTER, 0)
    tokens[:, 0] = VOCABULARY.token(BOS)
    found = []
    for at in range(0, last + 1, TOGETHER):
        ends = _may_end(model, torch.from_numpy(tokens[at : at + TOGETHER]), places)
        found += [(at + u, n - at - u, bool(row[n])) for u, row in enumerate(ends) for n in range(max(first, at + u), last + 1)]
    return sorted(found, key=lambda judged: (judged[0] + judged[1], judged[0]))


def _may_end(model: TorchTransformer, tokens: torch.Tensor, places: torch.Tensor) -> np.ndarray:
    """Whether END has a probability at each row, [words, rows]."""
    with torch.inference_mode():
        x = model.forward(model.embed(tokens.flatten()).view(*tokens.shape, -1) + places)
        kinds, _ = odds(model.logits(x.flatten(0, 1)), VOCABULARY)
    end = [name for name, _ in VOCABULARY.kinds].index(END)
    return np.asarray(kinds[:, end].reshape(tuple(tokens.shape)) > 0)
