"""Generation processes. PROCESSES is the table.

For each position, a process proposes an edit from the token and the model's prediction there. A decoding step carries
out the chosen edits, all at once. To add a process made of existing edits, add a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from lockstep.models.names import FixedOrderName, OrderName
from lockstep.models.transformer import Prediction, Tokens

Flags = NDArray[np.bool_]

#: Chooses, from the ready positions [n], those that a decoding step edits [m], m <= n.
Chooser = Callable[[Tokens], Tokens]

#: Masked diffusion unmasks a position when its best token has at least this probability.
THRESHOLD = 0.9
#: The probability that remains for all other tokens.
REMAINDER = round(1 - THRESHOLD, 9)


@dataclass(frozen=True)
class Edits:
    """Edits of n positions. All arrays are [n].

    rows: positions, ascending; the position behind the last one is a new one. tokens: their new tokens. delete: whether they are
    deleted (then `tokens` does not matter). insert: whether a new MASK is inserted after them.
    """

    rows: Tokens
    tokens: Tokens
    delete: Flags
    insert: Flags

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Tokens | Flags) -> Edits:
        """Select edits by a boolean array or by indices."""
        return Edits(self.rows[which], self.tokens[which], self.delete[which], self.insert[which])

    @staticmethod
    def joined(first: Edits, then: Edits) -> Edits:
        """Concatenate two sets of edits."""
        return Edits(
            rows=np.concatenate([first.rows, then.rows]),
            tokens=np.concatenate([first.tokens, then.tokens]),
            delete=np.concatenate([first.delete, then.delete]),
            insert=np.concatenate([first.insert, then.insert]),
        )

    @property
    def shifts_positions(self) -> bool:
        """Whether some edit inserts or deletes, so that later tokens may move."""
        return bool(self.delete.any() or self.insert.any())

    def appends(self, length: int) -> bool:
        """Whether the last of them is a new position behind a sequence of this length."""
        return len(self.rows) > 0 and int(self.rows[-1]) == length


def no_edits() -> Edits:
    """Edits that change nothing."""
    nothing, none = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    return Edits(nothing, nothing, none, none)


def apply(tokens: Tokens, edits: Edits, mask: int) -> Tokens:
    """Return the sequence after all edits at once. `tokens` is not changed."""
    after = np.concatenate([tokens, [mask]]) if edits.appends(len(tokens)) else tokens.copy()
    after[edits.rows] = edits.tokens
    if not edits.shifts_positions:
        return after
    kept, lengths = np.ones(len(tokens), np.bool_), np.ones_like(tokens)
    kept[edits.rows] = ~edits.delete
    lengths[edits.rows] += edits.insert.astype(np.int64) - edits.delete
    starts = np.cumsum(lengths) - lengths
    edited = np.full(int(lengths.sum()), mask, np.int64)
    edited[starts[kept]] = after[kept]
    return edited


@dataclass(frozen=True)
class Process:
    """One row of PROCESSES.

    propose:   (rows [n] ascending, their tokens [n], their predictions [n], id of MASK) -> the edits of these rows.
               The edit of a row depends on that row's token and prediction alone.
    ends_without_masks: decoding ends when no mask is left, and it is an error if masks stay. Otherwise it ends at a fixed point.
    orders:    the keys of `lockstep.models.orders.ORDERS` that it takes, the usual one first. because: why no others.
    fills:     the order in which it edits, whichever is chosen: position encodings hold the chosen one, or a step has one edit only.
    takes:     which masks take a token however probable it is: where tokens are not drawn, it must be certain.
    revises:   the tokens of all rows count, not those of masked rows alone.
    appends:   each decoding step appends one token, which the last row predicts, until every position has one. There are no masks.
               If the vocabulary has the marks of `lockstep.models.erasing`, RETURN erases and END ends.
    """

    name: str
    meaning: str
    propose: Callable[[Tokens, Tokens, Prediction, int], Edits]
    ends_without_masks: bool
    orders: tuple[str, ...]
    because: str = ""
    fills: str = ""
    takes: Callable[[Tokens, Prediction, int], Flags] | None = None
    revises: bool = False
    appends: bool = False

    def check_order(self, order: str) -> None:
        """Raises: ValueError: the process does not take this order."""
        if order not in self.orders:
            what = "only order is" if len(self.orders) == 1 else "orders are"
            raise ValueError(f"{self.because}: its {what} {', '.join(self.orders)}")

    def step(self, tokens: Tokens, prediction: Prediction, mask: int, choose: Chooser) -> Tokens:
        """Return the sequence after one decoding step, [N'] int64, from a prediction for every position."""
        proposed = self.propose(np.arange(len(tokens)), tokens, prediction, mask)
        return apply(tokens, select_edits(proposed, choose), mask)


def select_edits(proposed: Edits, choose: Chooser) -> Edits:
    """Return the proposed edits at the positions that `choose` chooses."""
    if not len(proposed):
        return proposed
    picked = choose(proposed.rows)
    return proposed if picked is proposed.rows else proposed.take(np.searchsorted(proposed.rows, picked))


def unmask(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
    """Replace each mask whose best token reaches THRESHOLD by that token."""
    ready = np.flatnonzero((tokens == mask) & (prediction.probability >= THRESHOLD))
    none = np.zeros(len(ready), np.bool_)
    return Edits(rows[ready], prediction.token[ready], none, none)


def edit(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
    """The transition g of any-process masked diffusion.

    With the remask bit, a position becomes MASK. Otherwise, a MASK takes its best token. The delete bit removes a
    position that was MASK before this step. The insert bit puts a new MASK after the position.
    Source: section 3 of arXiv 2510.06190. The edits are composed in this order: remask, delete, insert.
    """
    assert prediction.control is not None, "the model has no control bits"
    remask, insert, delete = prediction.control.T  # each [n] bool
    was_mask = tokens == mask
    after = np.where(was_mask, prediction.token, tokens)
    after = np.where(remask, mask, after)
    vanish = delete & was_mask
    acts = np.flatnonzero((after != tokens) | vanish | insert)
    return Edits(rows[acts], after[acts], vanish[acts], insert[acts])


def taking(tokens: Tokens, prediction: Prediction, mask: int) -> Flags:
    """Whether control bits leave each row [n] to take a token: a MASK without the remask and the delete bit."""
    assert prediction.control is not None, "the model has no control bits"
    remask, _, delete = prediction.control.T
    return np.asarray((tokens == mask) & ~remask & ~delete)


def revise(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
    """Each position whose best token reaches THRESHOLD takes it, whatever stands there; if it has it already, nothing changes.

    Source: arXiv 2512.25014; the token-to-token editing of LLaDA2.1.
    """
    acts = np.flatnonzero((prediction.probability >= THRESHOLD) & (prediction.token != tokens))
    none = np.zeros(len(acts), np.bool_)
    return Edits(rows[acts], prediction.token[acts], none, none)


def append(rows: Tokens, tokens: Tokens, prediction: Prediction, mask: int) -> Edits:
    """Append the best token of the last row, if it reaches THRESHOLD."""
    last = slice(len(rows) - 1, len(rows) if prediction.probability[-1] >= THRESHOLD else len(rows) - 1)
    none = np.zeros(len(rows[last]), np.bool_)
    return Edits(rows[last] + 1, prediction.token[last], none, none)


PROCESSES = {
    process.name: process
    for process in (
        Process("mdm", "masked diffusion: unmask", unmask, ends_without_masks=True, orders=get_args(OrderName)),
        Process(
            "ap-mdm",
            "any-process masked diffusion: unmask, remask, insert, delete",
            edit,
            ends_without_masks=False,
            orders=("parallel",),
            because="the updates of ap-mdm are synchronous",
            takes=taking,
        ),
        Process(
            "arm",
            "autoregression: append",
            append,
            ends_without_masks=False,
            orders=("parallel", "left-to-right"),
            because="arm appends one token in a decoding step",
            fills="parallel",
            appends=True,
        ),
        Process(
            "revision",
            "revision: every token that is certain and another one takes its place",
            revise,
            ends_without_masks=False,
            orders=("parallel",),
            because="the updates of revision are synchronous",
            revises=True,
        ),
        Process(
            "ao-mdm",
            "any-order masked diffusion: unmask one token in a decoding step",
            unmask,
            ends_without_masks=True,
            orders=(*get_args(FixedOrderName), "random"),
            because="ao-mdm writes one token in a decoding step",
        ),
        Process(
            "masked-arm",
            "masked autoregression: unmask from left to right; each token names a position of the sequence before, and what goes there",
            unmask,
            ends_without_masks=True,
            orders=get_args(FixedOrderName),
            because="the order of masked-arm is fixed before its first decoding step",
            fills="left-to-right",
        ),
    )
}


def usual_order(process: str) -> str:
    """The order that a decode takes if the user chooses none."""
    return PROCESSES[process].orders[0]
