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

#: A masked position is unmasked when its best token is at least this likely.
THRESHOLD = 0.9


@dataclass(frozen=True)
class Process:
    """One row of PROCESSES.

    step: (tokens [N], prediction, id of MASK, chooser) -> the next tokens, [N'] int64.
    """

    name: str
    meaning: str
    step: Callable[[Tensor, Prediction, int, Chooser], Tensor]


def unmask(tokens: Tensor, prediction: Prediction, mask: int, choose: Chooser) -> Tensor:
    """Masked positions whose best token is likely enough, of those the chosen, take that token."""
    ready = torch.nonzero((tokens == mask) & (prediction.probability >= THRESHOLD))[:, 0]
    chosen = choose(ready) if len(ready) else ready
    after = tokens.clone()
    after[chosen] = prediction.token[chosen]
    return after


PROCESSES = {process.name: process for process in (Process("mdm", "masked diffusion: unmask", unmask),)}
