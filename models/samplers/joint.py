"""`joint:P:Q`: positions that are sure enough, and tokens that are sure enough of another one take it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, State, Written
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Joint:
    """Every mask whose best token has probability above P, at least one; every generated token whose best has more than Q takes that one.

    Source: JointThreshold of LLaDA2.1, arXiv 2602.08676, in SGLang, where P is 0.5 and Q 0. Edits go on for at most 16 steps after the last
    mask. There they go on after each block, and the block is fixed then; here with `blocks:B` each step edits the block that it
    fills, and edits go on after the last block alone. Given tokens are not edited, and there is no penalty on repeated tokens.
    """

    least: float
    edited: float
    edits_on = 16

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        sure = np.flatnonzero(guesses.confidence > self.least)
        return sure if len(sure) else np.array([guesses.confidence.argmax()])

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]:
        found = step.guess(step.held)
        which = (found.confidence > self.edited) & (found.token != step.before[found.rows])
        return found.rows[which], found.token[which]


ROW = Row("joint", "how many", Joint, Joint, (Number("P", 0, 1, usual=0.5), Number("Q", 0, 1, usual=0)))
