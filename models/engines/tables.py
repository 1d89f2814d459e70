"""Compiled hash tables of keys and queries.

A *care* is the set of bits that a key cares for. A *bucket* stands for one code under one care. It has two doubly linked
lists: the rows whose key has this code, and the rows whose query has it. It *publishes* the recency and the value of its
most recent key.

When a row changes, it is *relinked*: moved to the lists of its new buckets. Then every touched bucket is *settled*: it
publishes again, and if that differs, all rows that ask this bucket update what they read. So the cost grows with the
number of changes, not with the context. Heads share no data, so they run in parallel.

A record is a row of integers, so that one bucket or one row takes one cache line. The fields are numbered below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.jit import MINUS_INFINITY, jit, run_in_threads
from lockstep.models.engines.sizes import MIN_ROWS_FOR_THREADS

Integers = NDArray[np.int64]
Indices = NDArray[np.int32]

#: Why a kernel stopped: it is done, it needs more buckets, it met a new care, or two keys tie.
DONE, FULL, NEW_CARE, TIED = range(4)
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
    counts: [H, COUNTERS].
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


# The kernels below take the arrays of one head, not a Table. Numba counts references whenever it takes a part of a
# tuple or a row of an array, and in these loops that would cost more than the work itself.


@jit(inline=True)
def _care(buckets: Integers, b: int) -> np.int64:
    """Return the number of a bucket's care."""
    return np.int64(buckets[b, CARE] & (TIE - 1))


@jit(inline=True)
def is_tied(buckets: Integers, b: int) -> bool:
    """Return whether a bucket's best keys tied when it last published."""
    return bool(buckets[b, CARE] >= TIE)


@jit(inline=True)
def set_tied(buckets: Integers, b: int, tie: bool) -> None:
    """Say whether a bucket's best keys tie."""
    buckets[b, CARE] = _care(buckets, b) + (TIE if tie else 0)


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
        if buckets[b, CODE] == code and _care(buckets, b) == care:
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
        hashed[place(buckets, hashed, buckets[b, CODE], _care(buckets, b))] = b


@jit(inline=True)
def _touch(buckets: Integers, touched: Indices, count: Integers, b: int) -> None:
    """Add a bucket to the touched ones, once in a pass."""
    if buckets[b, TOUCHED] != count[PASS]:
        buckets[b, TOUCHED] = count[PASS]
        touched[count[TOUCHES]] = b
        count[TOUCHES] += 1


@jit(inline=True)
def _link(links: Indices, m: int, buckets: Integers, head: int, b: int, row: int) -> None:
    """Put a row at the front of a bucket's list. The field `head` of the bucket has the first row."""
    first = buckets[b, head]
    links[m, row, BUCKET], links[m, row, AFTER], links[m, row, BEFORE] = b, first, -1
    if first >= 0:
        links[m, first, BEFORE] = row
    buckets[b, head] = row


@jit(inline=True)
def _unlink(links: Indices, m: int, buckets: Integers, head: int, row: int) -> None:
    after, before = links[m, row, AFTER], links[m, row, BEFORE]
    if before >= 0:
        links[m, before, AFTER] = after
    else:
        buckets[links[m, row, BUCKET], head] = after
    if after >= 0:
        links[m, after, BEFORE] = before
    links[m, row, BUCKET] = -1


@jit(inline=True)
def _relink_key(key_links: Indices, rows: Integers, buckets: Integers, touched: Indices, count: Integers, row: int, b: int,
                recency: int, value: int) -> None:  # fmt: skip
    """Move a row's key to bucket b (-1: to none)."""
    old, before = np.int64(key_links[0, row, BUCKET]), rows[row, ROW_RECENCY]
    if old == b and (b < 0 or (before == recency and rows[row, ROW_VALUE] == value)):
        return
    if old >= 0:
        _touch(buckets, touched, count, old)
        # If the best key, or one that ties with it, leaves or changes its recency, the bucket must search for the best.
        if buckets[old, BEST] >= 0 and (b != old or before != recency):
            if before == rows[buckets[old, BEST], ROW_RECENCY]:
                buckets[old, BEST] = SEARCH
        if b != old:
            _unlink(key_links, 0, buckets, KEYS, row)
    rows[row, ROW_RECENCY], rows[row, ROW_VALUE] = recency, value
    if b >= 0:
        _touch(buckets, touched, count, b)
        if b != old:
            _link(key_links, 0, buckets, KEYS, b, row)
        best = buckets[b, BEST]
        if best == EMPTY or (best >= 0 and recency > rows[best, ROW_RECENCY]):
            buckets[b, BEST] = row
        elif best >= 0 and best != row and recency == rows[best, ROW_RECENCY]:
            buckets[b, BEST] = SEARCH


@jit(inline=True)
def _relink_query(query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers,
                  unanswered: Indices, count: Integers, row: int, query: int) -> None:  # fmt: skip
    """Change the bits that a row asks (-1: it does not ask)."""
    for m in range(count[CARES]):
        if query_links[m, row, BUCKET] >= 0:
            _unlink(query_links, m, buckets, ASKERS, row)
        if query >= 0:
            _link(query_links, m, buckets, ASKERS, bucket(buckets, hashed, count, query & cares[m], m), row)
    rows[row, QUERY] = query
    unanswered[count[UNANSWERED]] = row
    count[UNANSWERED] += 1


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


@jit()
def _relink_head(key_links: Indices, query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers,
                 touched: Indices, unanswered: Indices, count: Integers, changed: Integers, query: Integers, key: Integers,
                 care: Integers, recency: Integers, value: Integers) -> int:  # fmt: skip
    for i in range(count[RESUME], len(changed)):
        row, b, code = changed[i], np.int64(-1), key[i]
        if code >= 0 or query[i] >= 0:
            count[RESUME] = i
            if is_full(buckets, hashed, count):
                return FULL
        if code >= 0:
            m = number_of(cares, count, care[i])
            if m < 0:
                return NEW_CARE
            b = np.int64(key_links[0, row, BUCKET])
            if b < 0 or buckets[b, CODE] != code or _care(buckets, b) != m:
                b = bucket(buckets, hashed, count, code, m)
        _relink_key(key_links, rows, buckets, touched, count, row, b, recency[i], value[i])
        if rows[row, QUERY] != query[i]:
            _relink_query(query_links, rows, buckets, hashed, cares, unanswered, count, row, query[i])
    count[RESUME] = len(changed)
    return DONE


@jit()
def _relink(head: int, end: int, t: Table, changed: Integers, projected: Projections) -> None:
    for h in range(head, end):
        t.counts[h, STOPPED] = _relink_head(
            t.key_links[h], t.query_links[h], t.rows[h], t.buckets[h], t.hashed[h], t.cares[h], t.touched[h], t.unanswered[h],
            t.counts[h], changed, projected.query[h], projected.key[h], projected.care[h], projected.recency[h],
            projected.value[h],
        )  # fmt: skip


@jit()
def _link_queries(
    query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers, count: Integers, m: int
) -> int:
    for row in range(count[RESUME], len(rows)):
        if rows[row, QUERY] >= 0:
            count[RESUME] = row
            if is_full(buckets, hashed, count):
                return FULL
            _link(query_links, m, buckets, ASKERS, bucket(buckets, hashed, count, rows[row, QUERY] & cares[m], m), row)
    return DONE


@jit()
def _search(key_links: Indices, rows: Integers, buckets: Integers, b: int) -> bool:
    """Find the most recent key of a bucket. Return whether another key is equally recent."""
    best, tied, row = np.int64(EMPTY), False, buckets[b, KEYS]
    while row >= 0:
        if best < 0 or rows[row, ROW_RECENCY] > rows[best, ROW_RECENCY]:
            best, tied = row, False
        elif rows[row, ROW_RECENCY] == rows[best, ROW_RECENCY]:
            tied = True
        row = np.int64(key_links[0, row, AFTER])
    buckets[b, BEST] = best
    return tied


@jit()
def _publish(key_links: Indices, rows: Integers, buckets: Integers, count: Integers, b: int) -> bool:
    """Publish the best key of a bucket. Return whether that changes what the bucket published."""
    tied = False
    if buckets[b, BEST] == SEARCH:
        tied = _search(key_links, rows, buckets, b)
    recency, value, best, was = np.int64(MINUS_INFINITY), np.int64(0), buckets[b, BEST], buckets[b, RECENCY]
    if best >= 0:
        recency, value = rows[best, ROW_RECENCY], rows[best, ROW_VALUE]
    # In a head with one care, recency matters only within a bucket.
    same = recency == was or (count[CARES] == 1 and recency != MINUS_INFINITY and was != MINUS_INFINITY)
    same = same and value == buckets[b, VALUE] and tied == is_tied(buckets, b)
    buckets[b, RECENCY], buckets[b, VALUE] = recency, value
    set_tied(buckets, b, tied)
    if tied:
        buckets[b, BEST] = SEARCH  # the next touch must search again
    return not same


@jit()
def _answer(
    query_links: Indices, rows: Integers, buckets: Integers, changed_reads: Indices, count: Integers, row: int, sink: int
) -> bool:
    """Update what a row reads. Return whether two keys tie for it."""
    value, best, tied = sink, np.int64(MINUS_INFINITY), False
    if rows[row, QUERY] >= 0:
        for m in range(count[CARES]):
            b = query_links[m, row, BUCKET]
            if buckets[b, RECENCY] > best:
                best, value, tied = buckets[b, RECENCY], buckets[b, VALUE], is_tied(buckets, b)
            elif buckets[b, RECENCY] == best and best > MINUS_INFINITY:
                tied = True
    if rows[row, ROW_READ] != value:
        rows[row, ROW_READ] = value
        # All buckets have published by now, so a row comes here at most once in a pass.
        changed_reads[count[CHANGED_READS]] = row
        count[CHANGED_READS] += 1
    return tied


@jit()
def _settle_head(key_links: Indices, query_links: Indices, rows: Integers, buckets: Integers, touched: Indices,
                 unanswered: Indices, changed_reads: Indices, count: Integers, sink: int) -> int:  # fmt: skip
    fresh, tied = 0, False
    for i in range(count[TOUCHES]):
        if _publish(key_links, rows, buckets, count, touched[i]):
            touched[fresh] = touched[i]
            fresh += 1
    for i in range(fresh):
        b = touched[i]
        m, row = _care(buckets, b), buckets[b, ASKERS]
        while row >= 0:
            tied |= _answer(query_links, rows, buckets, changed_reads, count, row, sink)
            row = np.int64(query_links[m, row, AFTER])
    for i in range(count[UNANSWERED]):
        tied |= _answer(query_links, rows, buckets, changed_reads, count, np.int64(unanswered[i]), sink)
    count[TOUCHES], count[UNANSWERED] = 0, 0
    return TIED if tied else DONE


@jit()
def _settle(head: int, end: int, t: Table, sink: Integers) -> None:
    for h in range(head, end):
        t.counts[h, STOPPED] = _settle_head(
            t.key_links[h],
            t.query_links[h],
            t.rows[h],
            t.buckets[h],
            t.touched[h],
            t.unanswered[h],
            t.changed_reads[h],
            t.counts[h],
            sink[h],
        )


@jit()
def _gather_changed_reads(changed_reads: Indices, count: Integers, seen: Integers, affected: Integers) -> int:
    number = 0
    for h in range(len(count)):
        for i in range(count[h, CHANGED_READS]):
            row = changed_reads[h, i]
            if seen[row] != count[0, PASS]:
                seen[row] = count[0, PASS]
                affected[number] = row
                number += 1
        count[h, CHANGED_READS] = 0
    return number


def gather_changed_reads(t: Table, seen: Integers, affected: Integers) -> int:
    """Write to `affected` the rows that read something new in any head and were not seen in this pass. Return their number."""
    return int(_gather_changed_reads(t.changed_reads, t.counts, seen, affected))


def link_queries(t: Table, h: int, m: int) -> None:
    """Link all queries of head h under its new care, number m. Like `relink`, it may stop early, and can be resumed."""
    t.counts[h, STOPPED] = _link_queries(t.query_links[h], t.rows[h], t.buckets[h], t.hashed[h], t.cares[h], t.counts[h], m)


def relink(t: Table, changed: Integers, projected: Projections) -> None:
    """Move changed rows to the buckets of their new keys and queries.

    If a head stops early, STOPPED has the reason. Call again to resume at RESUME.
    """
    run_in_threads(_relink, len(t.counts), len(changed) >= MIN_ROWS_FOR_THREADS, t, changed, projected)


def settle(t: Table, sink: Integers, size: int) -> None:
    """Settle touched buckets, and answer the rows that ask them and new queries. STOPPED becomes TIED in heads with a tie."""
    run_in_threads(_settle, len(t.counts), size >= MIN_ROWS_FOR_THREADS, t, sink)
