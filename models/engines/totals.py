"""What tables do for a head that adds up: a bucket holds a sum in place of its most recent key.

The sum of the values and the number of keys are in one integer: `VALUE` of a bucket. A row that changes takes its old value out and
puts the new one in, so keys need no lists. `BEST` is what the bucket held when it was last settled.
"""

from __future__ import annotations

import numpy as np

from lockstep.models.engines.jit import jit
from lockstep.models.engines.records import BEST, BUCKET, CARES, DONE, FAR, ROW_VALUE, VALUE, Indices, Integers, touch
from lockstep.models.engines.shares import MOST_SUM_BITS

#: One key, in what a bucket holds; its value stands below.
ONE = 1 << MOST_SUM_BITS


@jit(inline=True)
def move_value(key_links: Indices, rows: Integers, buckets: Integers, touched: Indices, count: Integers, row: int, b: int,
               value: int) -> None:  # fmt: skip
    """Take a row's value out of the sum where it is, and add it to that of bucket b (-1: to none)."""
    old = np.int64(key_links[0, row, BUCKET])
    if old == b and (b < 0 or rows[row, ROW_VALUE] == value):
        return
    if old >= 0:
        touch(buckets, touched, count, old)
        buckets[old, VALUE] -= rows[row, ROW_VALUE] + ONE
    if b >= 0:
        touch(buckets, touched, count, b)
        buckets[b, VALUE] += value + ONE
    key_links[0, row, BUCKET], rows[row, ROW_VALUE] = b, value


@jit(inline=True)
def publish_sum(buckets: Integers, b: int) -> bool:
    """Return whether a bucket holds something else than when this was asked last."""
    differs = buckets[b, BEST] != buckets[b, VALUE]
    buckets[b, BEST] = buckets[b, VALUE]
    return bool(differs)


@jit(inline=True)
def total(query_links: Indices, buckets: Integers, count: Integers, row: int, sums: Integers) -> tuple[np.int64, int]:
    """Return the sum that a row reads which asks, under all cares, and DONE or FAR."""
    held = np.int64(0)
    for m in range(count[CARES]):
        held += buckets[query_links[m, row, BUCKET], VALUE]
    found: tuple[np.int64, int] = sum_of(held, sums)
    return found


@jit(inline=True)
def sum_of(held: int, sums: Integers) -> tuple[np.int64, int]:
    """Return the sum in what buckets hold, and FAR if a share may not stand for it, else DONE. sums: [3], as in `HeadPlan`."""
    value, keys = np.int64(held & (ONE - 1)), np.int64(held >> MOST_SUM_BITS)
    near = value <= sums[2] and value * (keys + sums[1]) <= sums[0]
    return value, DONE if near else FAR
