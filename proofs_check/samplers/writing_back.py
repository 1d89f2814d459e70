"""What becomes of tokens that are masked again, or edited: the model of masked diffusion is no leave-one-out model.

A row reads the latest write to a register or cell, and whether its processor has a HALT in any block: of what comes later, too. So a
token of a finished run that is masked alone does not come back in general. In front of later blocks it does.
"""

from __future__ import annotations

import numpy as np

from lockstep.models.processes import Flags
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.samplers.counting import Truth

#: What the rows of a processor that has halted hold.
FILLS = {"V": "WORD", "C": "HALT", "A": "NONE"}


def comes_back(truth: Truth) -> Flags:
    """Whether each generated token of a finished run, masked alone, is given back: those that are masked at the start, in order.

    Each processor has a HALT, behind or beside the row, so the row takes what a halted processor's row holds. An output comes back:
    all processors have halted. So does a HALT that is masked alone: without it, the row is computed, and gives HALT.
    """
    tokens = {field: truth.vocabulary.token(kind) for field, kind in FILLS.items()}
    found = np.ones(len(truth.masked), np.bool_)
    for number, row in enumerate(truth.masked.tolist()):
        field, _, _ = truth.layout.locate(row)
        found[number] = field == "output" or truth.final[row] == tokens[field]
    return found


def newest(truth: Truth, tokens: Tokens) -> Tokens:
    """The rows that may be masked again, any of them together, so that a decode from there is still right, ascending: those from the
    block of the run on that holds the last token that was generated; outputs belong to the last block.

    Nothing is written behind these rows, so the sequence is one that some order of unmasking leads to.

    Args: tokens: [N], masks among them. All others must be those of the machine.
    """
    written: Tokens = truth.masked[tokens[truth.masked] != truth.vocabulary.mask]
    if not len(written):
        return written
    layout, size = truth.layout, truth.sizes.block
    last = min(int(written[-1]), layout.first_output - 1)
    begin = layout.first_block + (last - layout.first_block) // size * size
    return written[written >= begin]
