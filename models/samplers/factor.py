"""`factor:F`: as many positions as are sure enough for so many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Factor:
    """The n surest positions, for the largest n up to which always (n + 1)(1 - c_n) < F, c_n the n-th largest confidence; at least one.

    Source: Fast-dLLM, arXiv 2505.22618, factor-based parallel decoding; F is 1 by default. Its code also takes n where the two sides
    are equal, and the last mask where it is the only one that falls short; the paper, and this rule, do not.
    """

    factor: float

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        order = FIRST["confidence"](guesses, state)
        over = (np.arange(len(order)) + 2) * (1 - guesses.confidence[order]) >= self.factor
        return np.sort(order[: max(1, int(over.argmax()) if over.any() else len(order))])


ROW = Row("factor", "how many", Factor, Factor, (Number("F", 0, usual=1, above=True),))
