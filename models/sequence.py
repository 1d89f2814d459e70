"""The sequence that is being decoded, edited in place, and what an edit changed of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lockstep.models.processes import Edits, apply

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """The rows whose token a decoding step changed, ascending, and the length after it.

    A row that is new is among them; rows from `length` on are gone.
    """

    rows: Tokens
    length: int


class TokenSequence:
    """Tokens by position. A decoding step costs as much as it edits; only inserts and deletes cost the length."""

    def __init__(self, tokens: Tensor, mask: int) -> None:
        self.tokens: Tokens = tokens.numpy().astype(np.int64)  # a copy
        self.mask = mask
        self.masks = int((self.tokens == mask).sum())

    def __len__(self) -> int:
        return len(self.tokens)

    def edit(self, edits: Edits) -> Change:
        """Carry out edits all at once, and say what they changed."""
        if edits.shifts_positions:
            return self._replace(apply(torch.from_numpy(self.tokens), edits, self.mask).numpy())
        rows, tokens = edits.rows.numpy(), edits.tokens.numpy()
        before = self.tokens[rows]
        self.masks += int((tokens == self.mask).sum()) - int((before == self.mask).sum())
        self.tokens[rows] = tokens
        return Change(rows[before != tokens], len(self.tokens))

    def _replace(self, after: Tokens) -> Change:
        """Take another sequence. Position i keeps its encoding whatever moves, so rows are compared by position."""
        common = min(len(after), len(self.tokens))
        rows = np.flatnonzero(after[:common] != self.tokens[:common])
        self.tokens, self.masks = after, int((after == self.mask).sum())
        return Change(np.concatenate([rows, np.arange(common, len(after))]), len(after))
