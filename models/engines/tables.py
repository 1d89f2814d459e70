"""Compiled hash tables of keys and queries: which rows hold a code, which ask it, and what they read.

A *bucket* stands for one code under one *care*: the set of bits that a key cares for. It has the keys with the code, the
rows that ask it, both as doubly linked lists, and what it *published*: the most recent key's recency and value.
Changing a row relinks it; then buckets that were touched are settled, and only where what they published changed, the
rows that ask are told. Costs follow what changed, not the context. Heads share nothing, so they run side by side.

Records are rows of integers, so that one bucket or one row is one cache line; their fields are numbered below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.jit import MINUS_INFINITY, jit, run_in_threads
from lockstep.models.engines.sizes import MIN_ROWS_FOR_THREADS

Integers = NDArray[np.int64]
Indices = NDArray[np.int32]

#: What stopped a kernel: it needs more buckets, it met an unknown set of bits, or two keys tie.
DONE, FULL, NEW_CARE, TIED = range(4)
MOST_CARES = 4

#: Fields of a link, of a row, of a bucket, and counters of a head.
BUCKET, AFTER, BEFORE, LINK = 0, 1, 2, 4
ROW_RECENCY, ROW_VALUE, QUERY, ROW_READ, ROW = 0, 1, 2, 3, 4
CODE, CARE, KEYS, ASKERS, BEST, RECENCY, VALUE, TOUCHED, RECORD = 0, 1, 2, 3, 4, 5, 6, 7, 8
USED, CARES, RESUME, TOUCHES, UNANSWERED, CHANGED_READS, PASS, STOPPED, COUNTERS = 0, 1, 2, 3, 4, 5, 6, 7, 8
#: So many bits of a code number the places in a cache line of `hashed`.
LINE = 4
#: `BEST` of a bucket without keys, and of one that must be searched; a tie is marked in CARE.
EMPTY, SEARCH, TIE = -1, -2, 16


class Projections(NamedTuple):
    """What n rows ask and answer in the H heads of a layer; all [H, n].

    query: the bits of a row's query, or -1 if it does not ask. key, care: the bits of its key and which of them it
    cares for; key is -1 if no row can find it. recency, value: of the key; the value packed.
    """

    query: Integers
    key: Integers
    care: Integers
    recency: Integers
    value: Integers


class Table(NamedTuple):
    """The tables of a layer's H heads over N rows.

    key_links: [H, 1, N, LINK], the bucket of each row's key (-1: none) and its neighbours in that list.
    query_links: [H, cares, N, LINK], likewise the bucket it asks under each care.
    rows: [H, N, ROW]: recency and value as a key, the bits it asks (-1: none), what it reads, packed.
    buckets: [H, B, RECORD]. hashed: [H, a power of two], the bucket of a code and care, or -1. cares: [H, MOST_CARES].
    touched: [H, B]; answer, news: [H, N]: buckets to settle, rows to be answered, rows that read something new.
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


# Kernels below take the arrays of one head, not a Table: Numba counts references whenever it takes a part out of a
# tuple or a row out of an array, and in these loops that costs more than the work itself.


@jit(inline=True)
def _care(buckets: Integers, b: int) -> np.int64:
    """The number of the care of a bucket."""
    return np.int64(buckets[b, CARE] & (TIE - 1))


@jit(inline=True)
def _tied(buckets: Integers, b: int) -> bool:
    """Whether the best keys of a bucket tie, as far as it has published."""
    return bool(buckets[b, CARE] >= TIE)


@jit(inline=True)
def _place(buckets: Integers, hashed: Indices, code: int, care: int) -> np.int64:
    """Where the bucket of a code and care is hashed, or would be.

    Codes that differ in their last bits only, as those of neighbouring rows do, share a cache line.
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
def _bucket(buckets: Integers, hashed: Indices, count: Integers, code: int, care: int) -> np.int64:
    """The bucket of a code; a new one if there is none."""
    at = _place(buckets, hashed, code, care)
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
        hashed[_place(buckets, hashed, buckets[b, CODE], _care(buckets, b))] = b


@jit(inline=True)
def _touch(buckets: Integers, touched: Indices, count: Integers, b: int) -> None:
    if buckets[b, TOUCHED] != count[PASS]:
        buckets[b, TOUCHED] = count[PASS]
        touched[count[TOUCHES]] = b
        count[TOUCHES] += 1


@jit(inline=True)
def _link(links: Indices, m: int, buckets: Integers, head: int, b: int, row: int) -> None:
    """Put a row at the front of a bucket's list, whose first row is in the field `head`."""
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
    """Make a row a key of bucket b (-1: of none)."""
    old, before = np.int64(key_links[0, row, BUCKET]), rows[row, ROW_RECENCY]
    if old == b and (b < 0 or (before == recency and rows[row, ROW_VALUE] == value)):
        return
    if old >= 0:
        _touch(buckets, touched, count, old)
        # A key that leaves, or changes its recency, takes the best place or a tie for it with it.
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
    """Make a row ask other bits (-1: nothing)."""
    for m in range(count[CARES]):
        if query_links[m, row, BUCKET] >= 0:
            _unlink(query_links, m, buckets, ASKERS, row)
        if query >= 0:
            _link(query_links, m, buckets, ASKERS, _bucket(buckets, hashed, count, query & cares[m], m), row)
    rows[row, QUERY] = query
    unanswered[count[UNANSWERED]] = row
    count[UNANSWERED] += 1


@jit(inline=True)
def _number_of(cares: Integers, count: Integers, care: int) -> int:
    for m in range(count[CARES]):
        if cares[m] == care:
            return m
    return -1


@jit(inline=True)
def _full(buckets: Integers, hashed: Indices, count: Integers) -> bool:
    """Whether there might be too few buckets for one more row."""
    return bool(count[USED] + 1 + MOST_CARES > min(len(buckets), len(hashed) // 2))


@jit()
def _relink_head(key_links: Indices, query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers,
                 touched: Indices, unanswered: Indices, count: Integers, changed: Integers, query: Integers, key: Integers,
                 care: Integers, recency: Integers, value: Integers) -> int:  # fmt: skip
    for i in range(count[RESUME], len(changed)):
        row, b, code = changed[i], np.int64(-1), key[i]
        if code >= 0 or query[i] >= 0:
            count[RESUME] = i
            if _full(buckets, hashed, count):
                return FULL
        if code >= 0:
            m = _number_of(cares, count, care[i])
            if m < 0:
                return NEW_CARE
            b = np.int64(key_links[0, row, BUCKET])
            if b < 0 or buckets[b, CODE] != code or _care(buckets, b) != m:
                b = _bucket(buckets, hashed, count, code, m)
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
            t.counts[h], changed, projected.query[h], projected.key[h], projected.care[h], projected.recency[h], projected.value[h],
        )  # fmt: skip


@jit()
def _link_queries(
    query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers, count: Integers, m: int
) -> int:
    for row in range(count[RESUME], len(rows)):
        if rows[row, QUERY] >= 0:
            count[RESUME] = row
            if _full(buckets, hashed, count):
                return FULL
            _link(query_links, m, buckets, ASKERS, _bucket(buckets, hashed, count, rows[row, QUERY] & cares[m], m), row)
    return DONE


@jit()
def _search(key_links: Indices, rows: Integers, buckets: Integers, b: int) -> bool:
    """Find the most recent key of a bucket; return whether another one is as recent."""
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
    """Publish what a bucket holds now; return whether that is anything new."""
    tied = False
    if buckets[b, BEST] == SEARCH:
        tied = _search(key_links, rows, buckets, b)
    recency, value, best, was = np.int64(MINUS_INFINITY), np.int64(0), buckets[b, BEST], buckets[b, RECENCY]
    if best >= 0:
        recency, value = rows[best, ROW_RECENCY], rows[best, ROW_VALUE]
    # Where a head has one care, how recent a key is decides nothing beyond its bucket.
    same = recency == was or (count[CARES] == 1 and recency != MINUS_INFINITY and was != MINUS_INFINITY)
    same = same and value == buckets[b, VALUE] and tied == _tied(buckets, b)
    buckets[b, RECENCY], buckets[b, VALUE] = recency, value
    buckets[b, CARE] = _care(buckets, b) + (TIE if tied else 0)
    if tied:
        buckets[b, BEST] = SEARCH  # so that the next touch searches again
    return not same


@jit()
def _answer(
    query_links: Indices, rows: Integers, buckets: Integers, changed_reads: Indices, count: Integers, row: int, sink: int
) -> bool:
    """Settle what a row reads now; return whether two keys tie for it."""
    value, best, tied = sink, np.int64(MINUS_INFINITY), False
    if rows[row, QUERY] >= 0:
        for m in range(count[CARES]):
            b = query_links[m, row, BUCKET]
            if buckets[b, RECENCY] > best:
                best, value, tied = buckets[b, RECENCY], buckets[b, VALUE], _tied(buckets, b)
            elif buckets[b, RECENCY] == best and best > MINUS_INFINITY:
                tied = True
    if rows[row, ROW_READ] != value:
        rows[row, ROW_READ] = value
        # All buckets have published, so this happens once in a pass.
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
    """Rows that read something new in any head, each once, of those not yet seen in this pass; how many."""
    return int(_gather_changed_reads(t.changed_reads, t.counts, seen, affected))


def link_queries(t: Table, h: int, m: int) -> None:
    """Enter every row that asks something in head h under its new care, the m-th; stops, to be resumed, like relink."""
    t.counts[h, STOPPED] = _link_queries(t.query_links[h], t.rows[h], t.buckets[h], t.hashed[h], t.cares[h], t.counts[h], m)


def relink(t: Table, changed: Integers, projected: Projections) -> None:
    """Put changed rows where their keys and queries belong now.

    A head that stops before the last row says why in STOPPED; call again, with RESUME as it is.
    """
    run_in_threads(_relink, len(t.counts), len(changed) >= MIN_ROWS_FOR_THREADS, t, changed, projected)


def settle(t: Table, sink: Integers, size: int) -> None:
    """Publish what touched buckets hold, tell those who ask, answer new queries. STOPPED is TIED where an answer ties."""
    run_in_threads(_settle, len(t.counts), size >= MIN_ROWS_FOR_THREADS, t, sink)
