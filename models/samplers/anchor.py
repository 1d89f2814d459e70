"""`anchor`: given tokens are written back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.rule import Row, State, Written
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Anchor:
    """After each step, every given position takes its given token again.

    Source: DiffuSeq, arXiv 2210.08933: the given part is partially noised in training, and replaced by the original in each step of
    sampling. No rule of this table changes a given token, so it matters only where something else does.
    """

    edits_on = 0

    def write(self, step: Written, state: State) -> tuple[Tokens, Tokens]:
        rows = np.flatnonzero((step.start != step.mask) & (step.after != step.start))
        return rows, step.start[rows]


ROW = Row("anchor", "written back", Anchor, Anchor)
