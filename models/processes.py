"""Generation processes: what one decoding step does to a sequence. PROCESSES is the table.

A process maps a sequence and the model's prediction for each position to the next sequence. To add one
made of existing edits, add a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.transformer import Prediction

#: Picks, from the positions that may be edited now, those that are: [n] -> [m], m <= n.
Chooser = Callable[[Tensor], Tensor]

#: A masked position is unmasked by masked diffusion when its best token is at least this likely.
THRESHOLD = 0.9


@dataclass(frozen=True)
class Process:
    """One row of PROCESSES.

    step:     (tokens [N], prediction, id of MASK, chooser) -> the next tokens, [N'] int64.
    fills:    decoding ends when no mask is left, and masks that stay are an error; else it ends at a fixed point.
    any_order: a decoding step may edit a part of the positions that are ready.
    """

    name: str
    meaning: str
    step: Callable[[Tensor, Prediction, int, Chooser], Tensor]
    fills: bool
    any_order: bool


def unmask(tokens: Tensor, prediction: Prediction, mask: int, choose: Chooser) -> Tensor:
    """Masked positions whose best token is likely enough, of those the chosen, take that token."""
    ready = torch.nonzero((tokens == mask) & (prediction.probability >= THRESHOLD))[:, 0]
    chosen = choose(ready) if len(ready) else ready
    after = tokens.clone()
    after[chosen] = prediction.token[chosen]
    return after


def edit(tokens: Tensor, prediction: Prediction, mask: int, choose: Chooser) -> Tensor:
    """The transition g of any-process masked diffusion; all positions at once.

    The remask bit makes MASK of a position, whatever was there; else a MASK takes its token. The delete bit removes
    a position that was MASK before this step. The insert bit puts a new MASK after the position.
    Source: section 3 of arXiv 2510.06190; composition insert after delete after remask.
    """
    assert prediction.control is not None, "the model has no control bits"
    remask, insert, delete = prediction.control.unbind(1)  # each [N] bool
    was_mask = tokens == mask
    after = torch.where(was_mask, prediction.token, tokens)
    after = torch.where(remask, mask, after)
    kept = ~(delete & was_mask)
    lengths = kept.long() + insert.long()
    starts = lengths.cumsum(0) - lengths
    edited = torch.full((int(lengths.sum()),), mask, dtype=tokens.dtype)
    edited[starts[kept]] = after[kept]
    return edited


PROCESSES = {
    process.name: process
    for process in (
        Process("mdm", "masked diffusion: unmask", unmask, fills=True, any_order=True),
        Process("ap-mdm", "any-process masked diffusion: unmask, remask, insert, delete", edit, fills=False, any_order=False),
    )
}
