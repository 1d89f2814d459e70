"""How a decoding step changed a sequence: which positions it unmasked, remasked, rewrote, inserted, deleted and appended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.models.processes import Edits
from lockstep.models.transformer import Tokens

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Edited:
    """The edits of one decoding step. All arrays are [n].

    rows:           positions before the step, ascending. The position behind the last one stands for an appended token.
    before, after:  the token there before and after the step. Before it is appended, a token counts as MASK.
    delete, insert: whether the position is deleted, and whether a new MASK comes right after it.
    length:         of the sequence before the step. mask: the id of MASK.
    """

    rows: Tokens
    before: Tokens
    after: Tokens
    delete: Flags
    insert: Flags
    length: int
    mask: int

    @staticmethod
    def of(edits: Edits, tokens: Tokens, mask: int) -> Edited:
        """The edits of a step that starts from this sequence."""
        here = edits.rows < len(tokens)
        before = np.full(len(edits), mask)
        before[here] = tokens[edits.rows[here]]
        return Edited(edits.rows, before, edits.tokens, edits.delete, edits.insert, len(tokens), mask)

    @property
    def appended(self) -> Flags:
        """Whether the token is appended, [n]."""
        return np.asarray(self.rows >= self.length)

    @property
    def rows_after(self) -> Tokens:
        """Where the rows are after the step, [n]. That of a deleted position is where it would be."""
        grown = self.insert.astype(np.int64) - self.delete
        return np.asarray(self.rows + np.cumsum(grown) - grown)

    @property
    def asking(self) -> Tokens:
        """The rows whose predictions these edits come from, [n]: the rows themselves; of an appended token, the last row."""
        return self.rows - self.appended

    # -- positions after the step ----------------------------------------------------------------

    @property
    def unmasked(self) -> Tokens:
        """Positions whose MASK became another token, after the step."""
        return self._positions((self.before == self.mask) & (self.after != self.mask) & ~self.appended)

    @property
    def remasked(self) -> Tokens:
        """Positions whose token became MASK, after the step."""
        return self._positions((self.before != self.mask) & (self.after == self.mask))

    @property
    def rewritten(self) -> Tokens:
        """Positions whose token became another one, after the step; neither is MASK."""
        return self._positions((self.before != self.mask) & (self.after != self.mask) & (self.before != self.after))

    @property
    def inserted(self) -> Tokens:
        """Positions of new masks, after the step."""
        return np.asarray((self.rows_after + 1 - self.delete)[self.insert])

    @property
    def deleted(self) -> Tokens:
        """Positions that were deleted, before the step."""
        return np.asarray(self.rows[self.delete])

    def _positions(self, which: Flags) -> Tokens:
        return np.asarray(self.rows_after[which & ~self.delete])
