"""`entropy:GAMMA`: positions up to a bound on their entropies, as the EB-Sampler counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State
from lockstep.models.transformer import Tokens

#: What may order the positions: the EB-Sampler's error proxies. The first is usual.
PROXIES = ("entropy", "confidence", "margin")


@dataclass(frozen=True)
class Entropy:
    """The longest prefix, of positions in order of entropy, with sum of entropies - the largest of them <= GAMMA; at least one.

    Source: EB-Sampler, arXiv 2505.24857; a deployed GAMMA is 0.1 (EntropyBoundScheduler of diffusers). The largest entropy is that of
    the last position, so it counts for nothing: see `entropy-sum`. A suffix orders by another proxy.
    """

    most: float
    first: str

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        order = FIRST[self.first](guesses, state)
        entropies = guesses.entropy[order]
        within = entropies.cumsum() - np.maximum.accumulate(entropies) <= self.most
        return np.sort(order[: max(1, int(within.sum()))])


ROW = Row("entropy", "how many", Entropy, Entropy, (Number("GAMMA", 0),), PROXIES)
