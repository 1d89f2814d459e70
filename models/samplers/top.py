"""`top:K`: so many positions in each step, ready or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Top:
    """The K positions that come first, whatever they are worth; all where there are fewer.

    Source: LLaDA, arXiv 2502.09992, low-confidence remasking: it keeps the K surest and masks the others again. K is the length over
    the number of steps, 1 by default. A suffix says which come first, as in Dream, arXiv 2508.15487.
    """

    most: int
    first: str

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        return np.sort(FIRST[self.first](guesses, state)[: self.most])


ROW = Row("top", "how many", Top, Top, (Number("K", 1, usual=1, whole=True),), tuple(FIRST))
