"""Heads that are exact-match lookups, recognised from Q and K alone.

The score of a key for a query is a sum over the inner dimensions. A dimension is one of three things:

- a *bias*: its query is the same number on every row, so it adds a form of the key's row alone;
- the *asks* dimension: its key is 0 on every row but the first, so it changes the first row's score alone;
- a *match*: its query is +half or -half, its key 1, -1 or 0, so it adds half if the signs agree, takes half if they do
  not, and does nothing where the key does not care.

So the best score that a key can reach for any query is its *recency*, bias + half * (bits it cares for), it reaches
it exactly where all of these match, and stays 2 half below it elsewhere. The first row is the *sink*: it cares for
nothing, so it scores its bias for rows that ask, and more for those that do not. If all recencies are below the sink's
score for rows that do not ask, and less than 2 half above its score for rows that ask, then attention reads
the most recent of the keys that match and exceed the sink, or else the sink. That, and that scores differ by enough for the
softmax to be 0 and 1, is what is checked: the shape here, the values whenever a row is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import VANISHING, Interval, Matrix, exact, power_of_two_factor
from lockstep.models.engines.session import Unsuitable
from lockstep.models.transformer import Layer, Transformer

#: A query's bits are packed into one integer, and so are the values that a head reads.
MOST_PACKED_BITS = 62


@dataclass(frozen=True)
class Lookup:
    """One head; rows of matrices are linear forms over the stream before its layer, [d] each.

    queries, keys:  [m, d], the matches; a query is +-half. half: [m].
    bias:           [d]. asks: [d], 0 where a row asks, `silence` where it does not (0: every row asks).
    values:         [n, d]; in [low, high], so that they pack into `bits` each. writes: [n, d].
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


def recognise(model: Transformer, layer: Layer, head: int, x: Interval, only_first: NDArray[np.bool_]) -> Lookup:
    """The lookup that a head is.

    Args:   x: the range of the stream before the layer. only_first: columns [d] that are 1 on the first row and 0 on all others.
    Raises: Unsuitable: it is none.
    """
    q, k, v, o = (exact(m[head]) for m in (layer.q, layer.k, layer.v, layer.o.transpose(1, 2)))
    scale = power_of_two_factor(q)
    if scale < VANISHING[model.dtype]:
        raise Unsuitable("scores that differ may not differ by enough: attention mixes rows")
    q = q / scale
    constant = np.where(x.low == x.high, x.low, 0.0)  # what a column holds on every row
    fixed = x.low == x.high
    bias, asks, matches = np.zeros(q.shape[1]), np.zeros(q.shape[1]), []
    for query, key in zip(q, k):
        if not query.any() or not key.any():
            continue
        if not query[~fixed].any():
            bias += float(query @ constant) * key
        elif not key[~only_first].any():
            if not (key[only_first] >= 0).all() or np.count_nonzero(key) != 1:
                raise Unsuitable("the first row's key is not a sink's")
            asks += float(key.sum()) * query
        else:
            matches.append((query, key, abs(float(query @ constant))))
    if len(matches) > MOST_PACKED_BITS or any(half <= 0 for _, _, half in matches):
        raise Unsuitable("its queries are not bits of +half and -half")
    used = [n for n in range(len(v)) if v[n].any() and o[n].any()]
    reads = x.through(v[used])
    bits = tuple(int(high - low).bit_length() for low, high in zip(reads.low, reads.high))
    if sum(bits) > MOST_PACKED_BITS:
        raise Unsuitable("it reads more than an integer holds")
    queries, keys = (np.array([m[part] for m in matches]).reshape(-1, q.shape[1]) for part in (0, 1))
    return Lookup(
        queries, keys, np.array([m[2] for m in matches]), bias, asks, float(x.through(asks[None]).high[0]), v[used],
        reads.low.astype(np.int64), bits, o[used],
    )  # fmt: skip
