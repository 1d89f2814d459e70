"""`one`: one position in each step."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.rule import Row
from lockstep.models.samplers.top import Top


@dataclass(frozen=True)
class One(Top):
    """The position that comes first, alone: `top:1`.

    Source: the default of LLaDA, arXiv 2502.09992, with as many steps as tokens. A suffix says which one comes first.
    """


ROW = Row("one", "how many", One, lambda first: One(1, first), suffixes=tuple(FIRST))
