"""One sequence under decoding: what a process makes of predictions, in which order, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.models.processes import PROCESSES, Chooser, Edits, no_edits, select_edits
from lockstep.models.sampling import DEFAULT_SAMPLING, Sampling
from lockstep.models.sequence import Change, TokenSequence
from lockstep.models.transformer import Prediction

#: Which of the positions that are ready a decoding step edits; each takes a generator.
ORDERS: dict[str, Callable[[torch.Generator], Chooser]] = {
    "parallel": lambda random: lambda ready: ready,
    "left-to-right": lambda random: lambda ready: ready[:1],
    "random": lambda random: lambda ready: ready[torch.randint(len(ready), (1,), generator=random)],
    "random-subsets": lambda random: lambda ready: _subset(ready, random),
}


def _subset(ready: Tensor, random: torch.Generator) -> Tensor:
    """A random part of the positions that are ready, never empty."""
    kept = torch.rand(len(ready), generator=random) < 0.5
    kept[torch.randint(len(ready), (1,), generator=random)] = True
    return ready[kept]


class NotFinished(Exception):
    """Masks remain but no position is ready."""

    def __init__(self, step: int, masks: int) -> None:
        self.step, self.masks = step, masks
        super().__init__(f"decoding step {step}: no position is ready, but {masks} are still masked")


class OutOfPositions(Exception):
    """The sequence grew longer than there are position encodings."""

    def __init__(self, step: int, length: int, most: int) -> None:
        super().__init__(f"decoding step {step}: the sequence grows to {length} tokens, but there are {most} positions")


@dataclass(frozen=True)
class DecodingStep:
    """A decoding step, counted from 1: what it changed, and the sequence, which the next step edits in place."""

    number: int
    change: Change
    sequence: NDArray[np.int64]

    @property
    def tokens(self) -> Tensor:
        """A copy of the sequence, which later steps leave as it is."""
        return torch.from_numpy(self.sequence.copy())


class SequenceEditor:
    """A sequence that a process edits, one decoding step after the other; predictions come from outside.

    Args:   tokens: [N] int64, the start sequence. mask: the id of MASK. most: how many positions there are encodings for.
    Raises: ValueError: no such process or order, or the process does not take this order.
    """

    def __init__(self, tokens: Tensor, mask: int, most: int, process: str = "mdm", sampling: Sampling = DEFAULT_SAMPLING) -> None:
        if process not in PROCESSES or sampling.order not in ORDERS:
            raise ValueError(f"unknown process or order: {process!r}, {sampling.order!r}")
        self.process = PROCESSES[process]
        if sampling.order != "parallel" and not self.process.any_order:
            raise ValueError(f"the updates of {process} are synchronous: its only order is parallel")
        self.choose = ORDERS[sampling.order](torch.Generator().manual_seed(sampling.seed))
        self.sequence, self.most, self.number = TokenSequence(tokens, mask), most, 0
        self.pending = no_edits()
        self.renewed = torch.zeros(most, dtype=torch.bool)

    @property
    def is_finished(self) -> bool:
        """Whether decoding ends here, whatever is predicted."""
        return self.process.ends_without_masks and not self.sequence.masks

    def step(self, rows: NDArray[np.int64], prediction: Prediction) -> DecodingStep | None:
        """The next decoding step; None at a fixed point.

        Args:   rows: ascending, those predicted anew: at first all, later all whose prediction may have changed.
        Raises: NotFinished: masks remain but no position is ready. OutOfPositions: the sequence outgrows its positions.
        """
        self.pending = self._touched(rows, prediction)
        edits = select_edits(self.pending, self.choose)
        before = len(self.sequence)
        length = before + int(edits.insert.sum()) - int(edits.delete.sum()) if edits.shifts_positions else before
        if length > self.most:
            raise OutOfPositions(self.number + 1, length, self.most)
        change = self.sequence.edit(edits)
        if not len(change.rows) and change.length == before:
            if self.process.ends_without_masks:
                raise NotFinished(self.number + 1, self.sequence.masks)
            return None
        self.number += 1
        return DecodingStep(self.number, change, self.sequence.tokens)

    def _touched(self, rows: NDArray[np.int64], prediction: Prediction) -> Edits:
        """Pending edits, with those of rows that were predicted anew replaced.

        An edit that waits stays right: it depends on its row's token and prediction alone, and neither changed.
        """
        where, pending = torch.from_numpy(rows), self.pending
        tokens = torch.from_numpy(self.sequence.tokens[rows])
        new = self.process.propose(where, tokens, prediction, self.sequence.mask)
        if not len(pending):
            return new
        self.renewed[where] = True
        old = pending.take(~self.renewed[pending.rows] & (pending.rows < len(self.sequence)))
        self.renewed[where] = False
        if not len(old):
            return new
        both = Edits.joined(old, new)
        return both.take(both.rows.argsort())
