"""`random:K`: so many positions in each step, drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.samplers.rule import Number, Row
from lockstep.models.samplers.top import Top


@dataclass(frozen=True)
class Random(Top):
    """K random positions, whatever they are worth: `top:K,random`.

    Source: D3PM, arXiv 2107.03006, and Dream's `origin`. They unmask each position with a chance that grows from step to step; here K
    is the same in all steps.
    """


ROW = Row("random", "how many", Random, lambda most: Random(most, "random"), (Number("K", 1, usual=1, whole=True),))
