"""`parallel`: all ready positions at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.processes import THRESHOLD
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Row, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Parallel:
    """Every position whose best token reaches THRESHOLD, 0.9; none where none does.

    Source: Theorem 1 of arXiv 2510.06190, and the order `parallel` of a decode without a sampler, which it equals.
    """

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        return np.flatnonzero(guesses.confidence >= THRESHOLD)


ROW = Row("parallel", "how many", Parallel, Parallel)
