"""`cap:ETA`: tokens are masked again with a chance of at most ETA."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.samplers.remasking import ANYWHERE, NEWEST, masked_again
from lockstep.models.samplers.rule import Number, Row, State, Written
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Cap:
    """Each generated token is masked again with chance sigma = min(ETA, sigma_max).

    Source: ReMDM-cap, arXiv 2503.00307. `remasking.py` says what sigma_max is here, and where this departs from the paper.
    """

    eta: float
    where: str
    edits_on = 0

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]:
        return masked_again(step, state, self.where, lambda largest: min(self.eta, largest))


ROW = Row("cap", "written back", Cap, Cap, (Number("ETA", 0, 1),), (ANYWHERE, NEWEST), needs=NEWEST)
