"""The sequence during a decode, which is edited in place, and the change that a decoding step makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.processes import Edits, apply
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Change:
    """The rows whose token a decoding step changed, ascending, and the length after the step.

    New rows are among `rows`. Rows from `length` on no longer exist.
    """

    rows: Tokens
    length: int


class TokenSequence:
    """Tokens by position. A decoding step takes time linear in its edits; with inserts or deletes, linear in the length.

    Appended tokens are written to `room`, which doubles when it is full; `tokens` is its first part.
    """

    def __init__(self, tokens: Tokens, mask: int) -> None:
        self.tokens: Tokens = tokens.astype(np.int64)  # a copy
        self.mask = mask
        self.masks = int((self.tokens == mask).sum())
        self.room = self.tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def follow(self, tokens: Tokens, masks: int) -> None:
        """Take over tokens that somebody else has written. Those in `room` are out of date then."""
        self.tokens = self.room = tokens
        self.masks = masks

    def edit(self, edits: Edits) -> Change:
        """Carry out all edits at once, and return the change."""
        if edits.shifts_positions:
            return self._replace(apply(self.tokens, edits, self.mask))
        if edits.appends(len(self.tokens)):
            return self._append(int(edits.tokens[-1]))
        rows, tokens = edits.rows, edits.tokens
        before = self.tokens[rows]
        self.masks += int((tokens == self.mask).sum()) - int((before == self.mask).sum())
        self.tokens[rows] = tokens
        return Change(rows[before != tokens], len(self.tokens))

    def shorten(self, tokens: Tokens) -> None:
        """Replace the sequence by a shorter one without masks."""
        self.room[: len(tokens)] = tokens
        self.tokens = self.room[: len(tokens)]

    def _append(self, token: int) -> Change:
        """Append a token. Nothing else changes."""
        length = len(self.tokens)
        if length >= len(self.room):
            self.room = np.concatenate([self.tokens, np.full(max(1, length), self.mask)])
        self.room[length] = token
        self.tokens = self.room[: length + 1]
        return Change(np.array([length]), length + 1)

    def _replace(self, after: Tokens) -> Change:
        """Replace the sequence, and return the change. An encoding belongs to a position, so tokens are compared by position."""
        common = min(len(after), len(self.tokens))
        rows = np.flatnonzero(after[:common] != self.tokens[:common])
        self.tokens, self.masks = after, int((after == self.mask).sum())
        return Change(np.concatenate([rows, np.arange(common, len(after))]), len(after))
