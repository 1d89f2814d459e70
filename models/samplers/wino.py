"""`wino:P:Q`: many positions at once, and those that fail a second look are masked again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State, Written
from lockstep.models.transformer import Tokens

#: At most this share of a block's masks is unmasked in a step, but between LEAST and MOST may be.
SHARE, LEAST, MOST = 0.7, 5, 20
#: How many masks count as unmasked before the first step of a block.
BEFORE = 30


@dataclass(frozen=True)
class Wino:
    """Every position whose best token has probability above P, at least one; a token with less than Q, if it alone were masked, is masked.

    Source: WINO, arXiv 2507.18578, with the limits of its code: it unmasks at most 0.7 of a block's masks, or 5, and never more than 20;
    it masks nothing again in a step that unmasks one, and always fewer tokens than the step before unmasked. P is 0.6 and Q 0.9 there.
    It looks again through a copy of the block in the same pass; here each token is masked alone in a pass of its own, by the dense
    engine. The code was read in a copy, not in its first place.
    """

    least: float
    verified: float
    edits_on = 0

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        order = np.argsort(-guesses.confidence, kind="stable")
        most = min(max(int(len(guesses) * SHARE), LEAST), MOST)
        sure = int((guesses.confidence > self.least).sum())
        return np.sort(order[: min(max(1, sure), most)])

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]:
        rows = step.held
        if step.picked <= 1 or not len(rows):
            return rows[:0], rows[:0]
        chances, last = step.alone(rows), BEFORE if step.last is None else step.last
        doubtful = np.argsort(chances, kind="stable")[: int((chances < self.verified).sum())]
        again = np.sort(rows[doubtful[: max(0, last - 1)]])
        return again, np.full(len(again), step.mask)


ROW = Row("wino", "how many", Wino, Wino, (Number("P", 0, 1, usual=0.6), Number("Q", 0, 1, usual=0.9)))
