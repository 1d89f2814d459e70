"""Recognises heads that are exact-match lookups, from Q and K alone; and heads that add up, from O besides.

The score of a key for a query is a sum over the inner dimensions of the head. Each dimension is one of three kinds:

- a *bias*: its query is the same number on every row, so it adds a form of the key's row alone;
- the *asks* dimension: its key is 0 on every row but the first, so it changes the first row's score alone;
- a *match*: its query is +half or -half, and its key is 1, -1 or 0. It adds half if the signs agree, and subtracts half
  if they differ. It adds 0 if the key is 0: the key does not care for this bit.

So the best score that a key can reach is its *recency*, bias + half * (number of bits that it cares for). A query gets
this score if all these bits match, and at least 2 half less otherwise. The first row is the *sink*. It cares for no bit,
so its score is its bias for rows that ask, and more for rows that do not ask. Suppose that all recencies are below the
sink's score for rows that do not ask, and less than 2 half above its score for rows that ask. Then attention reads the
most recent matching key whose recency exceeds the sink's score, or else the sink.

A head that adds up (`shares`) has the same dimensions. All keys that can be found have the same recency: the sink's score for rows
that ask, less the exponent. So all that match weigh the same. The other keys must score so much less that they weigh 0.

`recognise` checks the form of the dimensions, and that scores differ by enough for softmax to give exactly 0 and 1, or exactly 0 beside
the rows that are added up. The engine checks the conditions on values whenever it computes a row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import VANISHING, Interval, Matrix, power_of_two_factor, to_float64
from lockstep.models.engines.session import Unsuitable
from lockstep.models.engines.shares import MOST_SUM_BITS, Share
from lockstep.models.transformer import Layer, Transformer

#: The bits of a query are packed into one integer of at most so many bits. So are the values that a head reads.
MOST_PACKED_BITS = 62


@dataclass(frozen=True)
class Lookup:
    """One head as a lookup. Rows of matrices are linear forms over the stream before the layer, [d] each.

    queries, keys:  [m, d], the matches. A query is +half or -half. half: [m].
    bias:           [d]. asks: [d]: 0 on rows that ask, `silence` on rows that do not. If `silence` is 0, every row asks.
    values:         [n, d]. Value i lies from low[i] on and takes bits[i] bits. writes: [n, d].
    share:          None, unless the head adds up its only value, to at most `largest`.
    """

    queries: Matrix
    keys: Matrix
    half: Matrix
    bias: Matrix
    asks: Matrix
    silence: float
    values: Matrix
    low: NDArray[np.int64]
    bits: tuple[int, ...]
    writes: Matrix
    share: Share | None = None
    largest: int = 0


def recognise(
    model: Transformer, layer: Layer, head: int, x: Interval, only_first: NDArray[np.bool_], share: Share | None = None
) -> Lookup:
    """Return the lookup that a head computes.

    Args:   x: the range of the stream before the layer. only_first: the columns [d] that are 1 on the first row, 0 elsewhere.
            share: what O says if the head may add up.
    Raises: Unsuitable: the head is no lookup.
    """
    q, k, v, o = (to_float64(m[head]) for m in (layer.q, layer.k, layer.v, layer.o.transpose(0, 2, 1)))
    if share is None:
        scale = power_of_two_factor(q)
        if scale < VANISHING[model.dtype]:
            raise Unsuitable("different scores may be so close that attention mixes rows")
        q = q / scale
    fixed = x.low == x.high  # columns that hold the same number on every row
    at_fixed = q @ np.where(fixed, x.low, 0.0)
    present = q.any(axis=1) & k.any(axis=1)
    is_bias = present & ~q[:, ~fixed].any(axis=1)
    is_match = present & ~is_bias & k[:, ~only_first].any(axis=1)
    is_asks = present & ~is_bias & ~is_match
    sinks = k[is_asks]
    if not (sinks >= 0).all() or (np.count_nonzero(sinks, axis=1) != 1).any():
        raise Unsuitable("the key of the first row is not that of a sink")
    half = np.abs(at_fixed[is_match])
    if len(half) > MOST_PACKED_BITS or (half <= 0).any():
        raise Unsuitable("a head has queries other than +half and -half")
    used = v.any(axis=1) & o.any(axis=1)
    reads = x.image_under(v[used])
    bits = tuple(int(high - low).bit_length() for low, high in zip(reads.low, reads.high))
    if max(bits, default=0) > MOST_PACKED_BITS:
        raise Unsuitable("a value that a head reads does not fit in one integer")
    asks = sinks.sum(axis=1) @ q[is_asks]
    found = Lookup(
        q[is_match], k[is_match], half, at_fixed[is_bias] @ k[is_bias], asks, float(x.image_under(asks[None]).high[0]), v[used],
        reads.low.astype(np.int64), bits, o[used],
    )  # fmt: skip
    return _adding(found, share, reads, VANISHING[model.dtype]) if share else found


def parted(lookup: Lookup) -> list[Lookup]:
    """The lookup as several that find the same row, if its values do not fit in one integer: each reads some of them."""
    firsts, room = [0], MOST_PACKED_BITS
    for number, bits in enumerate(lookup.bits):
        if bits > room:
            firsts.append(number)
            room = MOST_PACKED_BITS
        room -= bits
    parts = [slice(first, end) for first, end in zip(firsts, [*firsts[1:], len(lookup.bits)])]
    return [
        replace(lookup, values=lookup.values[p], low=lookup.low[p], bits=lookup.bits[p], writes=lookup.writes[p]) for p in parts
    ]


def _adding(found: Lookup, share: Share, reads: Interval, vanishing: float) -> Lookup:
    """The head as one that adds up. Its sums are no larger than the largest number that one row gives."""
    steps = [*(2 * found.half), *([found.silence] if found.silence else [])]
    if min(steps, default=vanishing) + share.exponent < vanishing:
        raise Unsuitable("a head adds up, and other rows may weigh more than 0")
    if len(reads.low) != 1 or reads.low[0] != 0 or reads.high[0] >= 1 << MOST_SUM_BITS:
        raise Unsuitable("a head adds up other than one number of 0 or more")
    return replace(found, share=share, largest=int(reads.high[0]))
