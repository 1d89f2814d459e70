"""The reduction rule of PENCIL (arXiv 2503.14337), by which an autoregressive decode erases what it needs no more.

    C [CALL] T [SEP] A [RETURN]   =>   C A

The model writes RETURN behind an answer A. Before its next decoding step, all from the last CALL in front of A's SEP up to that SEP
is erased, and so is RETURN. A may begin with a CALL of its own: then the decode goes on in the same way. END ends it.
The rule reads tokens alone. A vocabulary that has all four marks has this rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.sequence import Change
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Tokens

CALL, SEP, RETURN, END = "CALL", "SEP", "RETURN", "END"
#: The kinds of the marks, which have no bits.
MARKS = (CALL, SEP, RETURN, END)


@dataclass(frozen=True)
class Marks:
    """The ids of the marks."""

    call: int
    sep: int
    returns: int
    end: int

    @staticmethod
    def of(vocabulary: Vocabulary) -> Marks | None:
        """Those of a vocabulary; None if it does not have all of them."""
        if not set(MARKS) <= vocabulary.offsets.keys():
            return None
        return Marks(*(vocabulary.token(mark) for mark in MARKS))

    def erased(self, tokens: Tokens) -> range | None:
        """The positions from CALL to SEP that the rule erases, beside the last. None: there is no CALL and SEP to which it applies.

        Args: tokens: [N], the last is RETURN.
        """
        separators = np.flatnonzero(tokens == self.sep)
        if not len(separators):
            return None
        calls = np.flatnonzero(tokens[: separators[-1]] == self.call)
        if not len(calls):
            return None
        return range(int(calls[-1]), int(separators[-1]) + 1)

    def reduced(self, tokens: Tokens) -> Tokens | None:
        """The sequence after the rule; None where `erased` is None."""
        if (gone := self.erased(tokens)) is None:
            return None
        return np.concatenate([tokens[: gone.start], tokens[gone.stop : -1]])


def erasure(before: Tokens, after: Tokens) -> Change:
    """The change that the rule makes: tokens move left, and the last ones are gone."""
    return Change(np.flatnonzero(before[: len(after)] != after), len(after))
