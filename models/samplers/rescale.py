"""`rescale:ETA`: tokens are masked again with ETA times the largest chance."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.samplers.remasking import ANYWHERE, NEWEST, masked_again
from lockstep.models.samplers.rule import Number, Row, State, Written
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Rescale:
    """Each generated token is masked again with chance sigma = ETA sigma_max.

    Source: ReMDM-rescale, arXiv 2503.00307. `remasking.py` says what sigma_max is here, and where this departs from the paper.
    """

    eta: float
    where: str
    edits_on = 0

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]:
        return masked_again(step, state, self.where, lambda largest: self.eta * largest)


ROW = Row("rescale", "written back", Rescale, Rescale, (Number("ETA", 0, 1),), (ANYWHERE, NEWEST), needs=NEWEST)
