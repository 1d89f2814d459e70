"""`threshold:P`: all positions that are sure enough, at least one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Threshold:
    """Every position whose best token has probability P or more; where none has, the first one.

    Source: Fast-dLLM, arXiv 2505.22618, confidence-aware parallel decoding; P is 0.9 there. A suffix says which one is the first.
    """

    least: float
    first: str

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        ready = np.flatnonzero(guesses.confidence >= self.least)
        return ready if len(ready) else FIRST[self.first](guesses, state)[:1]


ROW = Row("threshold", "how many", Threshold, Threshold, (Number("P", 0, 1, usual=0.9, above=True),), tuple(FIRST))
