"""`entropy-sum:GAMMA`: positions up to a bound on their entropies, the last one included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.entropy import PROXIES
from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class EntropySum:
    """The longest prefix, of positions in order of entropy, with sum of entropies <= GAMMA; at least one.

    Source: `entropy`, the EB-Sampler's rule, but the last position counts as well. It is not published. A position that is not
    ready is taken only where its own entropy fits, or where it comes first. A suffix orders by another proxy.
    """

    most: float
    first: str

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        order = FIRST[self.first](guesses, state)
        within = guesses.entropy[order].cumsum() <= self.most
        return np.sort(order[: max(1, int(within.sum()))])


ROW = Row("entropy-sum", "how many", EntropySum, EntropySum, (Number("GAMMA", 0),), PROXIES)
