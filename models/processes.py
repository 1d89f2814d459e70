"""Generation processes: what one decoding step does to a sequence. PROCESSES is the table.

A process looks at each position by itself - its token and the model's prediction there - and proposes edits;
a decoding step carries out those that are chosen, all at once. To add a process made of existing edits, add a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lockstep.models.transformer import Prediction

#: Picks, from the positions that may be edited now, those that are: [n] -> [m], m <= n.
Chooser = Callable[[Tensor], Tensor]

#: A masked position is unmasked by masked diffusion when its best token is at least this likely.
THRESHOLD = 0.9
#: What is left for all other tokens.
REMAINDER = round(1 - THRESHOLD, 9)


@dataclass(frozen=True)
class Edits:
    """What becomes of some positions; all tensors are [n].

    rows: positions, ascending. tokens: what they hold afterwards. delete: they vanish (then `tokens` does not
    matter). insert: a new MASK comes after them.
    """

    rows: Tensor
    tokens: Tensor
    delete: Tensor
    insert: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tensor) -> Edits:
        """Those where a mask is true, or at some indices."""
        return Edits(self.rows[which], self.tokens[which], self.delete[which], self.insert[which])

    @staticmethod
    def joined(first: Edits, then: Edits) -> Edits:
        """The edits of both, those of `first` before those of `then`."""
        return Edits(
            rows=torch.cat([first.rows, then.rows]),
            tokens=torch.cat([first.tokens, then.tokens]),
            delete=torch.cat([first.delete, then.delete]),
            insert=torch.cat([first.insert, then.insert]),
        )

    @property
    def shifts_positions(self) -> bool:
        """Whether positions after an edit may move."""
        return bool(self.delete.any() or self.insert.any())


def no_edits() -> Edits:
    """Edits that change nothing."""
    nothing = torch.zeros(0, dtype=torch.int64)
    return Edits(nothing, nothing, nothing.bool(), nothing.bool())


def apply(tokens: Tensor, edits: Edits, mask: int) -> Tensor:
    """The sequence after all edits at once; the sequence before is left as it is."""
    after = tokens.clone()
    after[edits.rows] = edits.tokens
    if not edits.shifts_positions:
        return after
    kept, lengths = torch.ones(len(tokens), dtype=torch.bool), torch.ones_like(tokens)
    kept[edits.rows] = ~edits.delete
    lengths[edits.rows] += edits.insert.long() - edits.delete.long()
    starts = lengths.cumsum(0) - lengths
    edited = torch.full((int(lengths.sum()),), mask, dtype=tokens.dtype)
    edited[starts[kept]] = after[kept]
    return edited


@dataclass(frozen=True)
class Process:
    """One row of PROCESSES.

    propose:  (rows [n] ascending, their tokens [n], prediction of each [n], id of MASK) -> the edits among them.
              What it says of a row depends on nothing but that row's token and prediction.
    ends_without_masks:    decoding ends when no mask is left, and masks that stay are an error; else it ends at a fixed point.
    any_order: a decoding step may carry out a part of the edits.
    """

    name: str
    meaning: str
    propose: Callable[[Tensor, Tensor, Prediction, int], Edits]
    ends_without_masks: bool
    any_order: bool

    def step(self, tokens: Tensor, prediction: Prediction, mask: int, choose: Chooser) -> Tensor:
        """One decoding step, spelled out: the next sequence, [N'] int64, from a prediction for every position."""
        proposed = self.propose(torch.arange(len(tokens)), tokens, prediction, mask)
        return apply(tokens, select_edits(proposed, choose), mask)


def select_edits(proposed: Edits, choose: Chooser) -> Edits:
    """The proposed edits at the positions that `choose` picks."""
    if not len(proposed):
        return proposed
    picked = choose(proposed.rows)
    return proposed if picked is proposed.rows else proposed.take(torch.searchsorted(proposed.rows, picked))


def unmask(rows: Tensor, tokens: Tensor, prediction: Prediction, mask: int) -> Edits:
    """Masked positions whose best token is likely enough take that token."""
    ready = torch.nonzero((tokens == mask) & (prediction.probability >= THRESHOLD))[:, 0]
    nowhere = torch.zeros(len(ready), dtype=torch.bool)
    return Edits(rows[ready], prediction.token[ready], nowhere, nowhere)


def edit(rows: Tensor, tokens: Tensor, prediction: Prediction, mask: int) -> Edits:
    """The transition g of any-process masked diffusion.

    The remask bit makes MASK of a position, whatever was there; else a MASK takes its token. The delete bit removes
    a position that was MASK before this step. The insert bit puts a new MASK after the position.
    Source: section 3 of arXiv 2510.06190; composition insert after delete after remask.
    """
    assert prediction.control is not None, "the model has no control bits"
    remask, insert, delete = prediction.control.unbind(1)  # each [n] bool
    was_mask = tokens == mask
    after = torch.where(was_mask, prediction.token, tokens)
    after = torch.where(remask, mask, after)
    vanish = delete & was_mask
    acts = torch.nonzero((after != tokens) | vanish | insert)[:, 0]
    return Edits(rows[acts], after[acts], vanish[acts], insert[acts])


PROCESSES = {
    process.name: process
    for process in (
        Process("mdm", "masked diffusion: unmask", unmask, ends_without_masks=True, any_order=True),
        Process(
            "ap-mdm",
            "any-process masked diffusion: unmask, remask, insert, delete",
            edit,
            ends_without_masks=False,
            any_order=False,
        ),
    )
}
