"""The records of compiled tables: buckets, links and rows, and how a bucket is found.

A record is a row of integers, so that one bucket or one row takes one cache line. The fields are numbered below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.jit import MINUS_INFINITY, jit

Integers = NDArray[np.int64]
Indices = NDArray[np.int32]

#: Why a kernel stopped: it is done, it needs more buckets, it met a new care, two keys tie, or a share is far from its sum.
DONE, FULL, NEW_CARE, TIED, FAR = range(5)
#: The most cares that a head may have.
MOST_CARES = 4

#: The fields of a link, of a row and of a bucket, and the counters of a head.
BUCKET, AFTER, BEFORE, LINK = 0, 1, 2, 4
ROW_RECENCY, ROW_VALUE, QUERY, ROW_READ, ROW = 0, 1, 2, 3, 4
CODE, CARE, KEYS, ASKERS, BEST, RECENCY, VALUE, TOUCHED, RECORD = 0, 1, 2, 3, 4, 5, 6, 7, 8
USED, CARES, RESUME, TOUCHES, UNANSWERED, CHANGED_READS, PASS, STOPPED, COUNTERS = 0, 1, 2, 3, 4, 5, 6, 7, 8
#: The low bits of a code that choose a place within one cache line of `hashed`.
LINE = 4
#: `BEST` of a bucket without keys, and of one that must be searched. TIE is the bit of CARE that marks a tie.
EMPTY, SEARCH, TIE = -1, -2, 16


class Projections(NamedTuple):
    """Queries, keys and values of n rows in the H heads of a layer. All are [H, n].

    query: the bits of a row's query, or -1 if it does not ask. key, care: the bits of its key and the bits that the key
    cares for; key is -1 if no row can find it. recency, value: those of the key. The value is packed.
    """

    query: Integers
    key: Integers
    care: Integers
    recency: Integers
    value: Integers


class Table(NamedTuple):
    """The tables of a layer's H heads over N rows.

    key_links: [H, 1, N, LINK], the bucket of each row's key (-1: none) and the row's neighbours in its list.
    query_links: [H, cares, N, LINK], the same for the bucket that the row asks, under each care.
    rows: [H, N, ROW]: the key's recency and value, the query's bits (-1: none), and the packed value that the row reads.
    buckets: [H, B, RECORD]. hashed: [H, a power of two], the bucket of a code and care, or -1. cares: [H, MOST_CARES].
    touched: [H, B], buckets to settle. unanswered: [H, N], rows to answer. changed_reads: [H, N], rows that read something new.
    counts: [H, COUNTERS]. sums: [H, 3], as in `HeadPlan`.
    """

    key_links: Indices
    query_links: Indices
    rows: Integers
    buckets: Integers
    hashed: Indices
    cares: Integers
    touched: Indices
    unanswered: Indices
    changed_reads: Indices
    counts: Integers
    sums: Integers


# Kernels take the arrays of one head, not a Table. Numba counts references whenever it takes a part of a tuple or a row of an
# array, and in their loops that would cost more than the work itself.


@jit(inline=True)
def care_of(buckets: Integers, b: int) -> np.int64:
    """Return the number of a bucket's care."""
    return np.int64(buckets[b, CARE] & (TIE - 1))


@jit(inline=True)
def is_tied(buckets: Integers, b: int) -> bool:
    """Return whether a bucket's best keys tied when it last published."""
    return bool(buckets[b, CARE] >= TIE)


@jit(inline=True)
def set_tied(buckets: Integers, b: int, tie: bool) -> None:
    """Say whether a bucket's best keys tie."""
    buckets[b, CARE] = care_of(buckets, b) + (TIE if tie else 0)


@jit(inline=True)
def place(buckets: Integers, hashed: Indices, code: int, care: int) -> np.int64:
    """Return the place in `hashed` of the bucket of a code and care, or the empty place for it.

    Neighbouring rows have codes that differ in the low bits only. Such codes share a cache line.
    """
    mixed = (np.uint64(code >> LINE) + np.uint64(care) * np.uint64(0xC2B2AE3D27D4EB4F)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    last = len(hashed) - 1
    at = (np.int64(mixed << np.uint64(LINE)) | code & (1 << LINE) - 1) & last
    while hashed[at] >= 0:
        b = hashed[at]
        if buckets[b, CODE] == code and care_of(buckets, b) == care:
            break
        at = (at + 1) & last
    return at


@jit(inline=True)
def bucket(buckets: Integers, hashed: Indices, count: Integers, code: int, care: int) -> np.int64:
    """Return the bucket of a code and care. If there is none, make one."""
    at = place(buckets, hashed, code, care)
    if hashed[at] < 0:
        b = count[USED]
        count[USED] += 1
        hashed[at] = b
        buckets[b, CODE], buckets[b, CARE], buckets[b, KEYS], buckets[b, ASKERS] = code, care, -1, -1
        buckets[b, BEST], buckets[b, RECENCY], buckets[b, VALUE], buckets[b, TOUCHED] = EMPTY, MINUS_INFINITY, 0, -1
    return np.int64(hashed[at])


@jit()
def rehash(buckets: Integers, hashed: Indices, used: int) -> None:
    """Enter all buckets into an empty `hashed`."""
    for b in range(used):
        hashed[place(buckets, hashed, buckets[b, CODE], care_of(buckets, b))] = b


@jit(inline=True)
def touch(buckets: Integers, touched: Indices, count: Integers, b: int) -> None:
    """Add a bucket to the touched ones, once in a pass."""
    if buckets[b, TOUCHED] != count[PASS]:
        buckets[b, TOUCHED] = count[PASS]
        touched[count[TOUCHES]] = b
        count[TOUCHES] += 1


@jit(inline=True)
def number_of(cares: Integers, count: Integers, care: int) -> int:
    """Return the number of a care, or -1 if it is new."""
    for m in range(count[CARES]):
        if cares[m] == care:
            return m
    return -1


@jit(inline=True)
def is_full(buckets: Integers, hashed: Indices, count: Integers) -> bool:
    """Return whether one more row might need more buckets than there are."""
    return bool(count[USED] + 1 + MOST_CARES > min(len(buckets), len(hashed) // 2))
