"""Decoding orders: which of the ready positions a decoding step edits. ORDERS is the table.

An order is *fixed* if it gives every masked position its turn before the first step. Then each step edits one position: of the
ready ones, the one whose turn comes first. All other orders choose anew in each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lockstep.models.processes import Chooser, Edits, select_edits
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Tokens

#: Carries out some of the proposed edits.
Selector = Callable[[Edits], Edits]


class NoPermutation(Exception):
    """The user's permutation does not have each masked position once. entry: the index of the wrong one; its length if one is missing."""

    def __init__(self, entry: int, message: str) -> None:
        self.entry = entry
        super().__init__(message)


@dataclass(frozen=True)
class Order:
    """One row of ORDERS; it has `turns` or `choose`.

    meaning: a sentence for users.
    turns:   of a fixed order: the masked positions [m], and the options of the decode -> the same, in the order of their turns.
    by_kind: a fixed order that prefers tokens of kinds with few bits. The turn decides between kinds with as many.
    choose:  of any other order: from a random generator, what chooses the positions of each step.
    """

    meaning: str
    turns: Callable[[Tokens, Sampling], Tokens] | None = None
    by_kind: bool = False
    choose: Callable[[np.random.Generator], Chooser] | None = None


def _subset(ready: Tokens, random: np.random.Generator) -> Tokens:
    """A random non-empty subset of the ready positions."""
    kept = random.random(len(ready)) < 0.5
    kept[random.integers(len(ready))] = True
    return ready[kept]


def _permuted(masked: Tokens, sampling: Sampling) -> Tokens:
    """The user's permutation, or one that is drawn from the seed.

    Raises: NoPermutation: the user's has not each masked position once.
    """
    if sampling.permutation is None:
        return np.random.default_rng(sampling.seed).permutation(masked)
    left = set(masked.tolist())
    for entry, position in enumerate(sampling.permutation):
        if position not in left:
            wrong = "comes a second time" if position in masked else "is not masked at the start"
            raise NoPermutation(entry, f"position {position} {wrong}: write each masked position once")
        left.remove(position)
    if left:
        raise NoPermutation(
            len(sampling.permutation),
            f"position {min(left)} is missing: write each of the {len(masked)} masked positions, {masked[0]} .. {masked[-1]}, once",
        )
    return np.array(sampling.permutation, np.int64)


ORDERS: dict[str, Order] = {
    "parallel": Order("All ready positions at once.", choose=lambda random: lambda ready: ready),
    "left-to-right": Order("The leftmost ready position.", turns=lambda masked, sampling: masked),
    "right-to-left": Order("The rightmost ready position.", turns=lambda masked, sampling: masked[::-1]),
    "permutation": Order(
        "The ready position that comes first in a permutation, which is drawn from the seed or read from a file.", turns=_permuted
    ),
    "most-confident": Order(
        "The ready position whose token is of the kind with the fewest bits; of several, the leftmost. Each bit of a token leaves some "
        "probability for others, so a token of few bits is the surest.",
        turns=lambda masked, sampling: masked,
        by_kind=True,
    ),
    "random": Order(
        "One ready position, drawn anew in each decoding step.",
        choose=lambda random: lambda ready: ready[random.integers(len(ready), size=1)],
    ),
    "random-subsets": Order(
        "Some of the ready positions, drawn anew in each decoding step.",
        choose=lambda random: lambda ready: _subset(ready, random),
    ),
}


def turns(tokens: Tokens, mask: int, sampling: Sampling) -> Tokens:
    """The turn of each position in a fixed order, [N], from 0. It is 0 for positions that are not masked.

    Args:   tokens: [N], the start sequence. mask: the id of MASK.
    Raises: NoPermutation: the user's permutation has not each masked position once.
    """
    order = ORDERS[sampling.order]
    assert order.turns is not None, f"{sampling.order} is not fixed"
    ordered, found = order.turns(np.flatnonzero(tokens == mask), sampling), np.zeros(len(tokens), np.int64)
    found[ordered] = np.arange(len(ordered))
    return found


def selector(tokens: Tokens, vocabulary: Vocabulary, sampling: Sampling) -> Selector:
    """What selects the edits of each decoding step. Arguments and errors are those of `turns`."""
    order = ORDERS[sampling.order]
    if order.choose is not None:
        choose = order.choose(np.random.default_rng(sampling.seed))
        return lambda proposed: select_edits(proposed, choose)
    place = turns(tokens, vocabulary.mask, sampling)
    if not order.by_kind:
        return lambda proposed: _first(proposed, place[proposed.rows])
    return lambda proposed: _first(proposed, bits_of(proposed.tokens, vocabulary) * len(place) + place[proposed.rows])


def bits_of(tokens: Tokens, vocabulary: Vocabulary) -> Tokens:
    """How many bits the kind of each token has."""
    kinds = np.searchsorted([vocabulary.offsets[name] for name, _ in vocabulary.kinds], tokens, side="right") - 1
    bits: Tokens = np.array([bits for _, bits in vocabulary.kinds], np.int64)[kinds]
    return bits


def _first(proposed: Edits, place: Tokens) -> Edits:
    """The edit with the least place; none if there are none."""
    return proposed.take(np.array([place.argmin()])) if len(place) else proposed
