"""Compiled hash tables of keys and queries.

A *care* is the set of bits that a key cares for. A *bucket* stands for one code under one care. It has two doubly linked
lists: the rows whose key has this code, and the rows whose query has it. It *publishes* the recency and the value of its
most recent key.

When a row changes, it is *relinked*: moved to the lists of its new buckets. Then every touched bucket is *settled*: it
publishes again, and if that differs, all rows that ask this bucket update what they read. So the cost grows with the
number of changes, not with the context. Heads share no data, so they run in parallel.

`records` has what buckets and rows hold. A head that adds up has sums in its buckets: `totals`.
"""

from __future__ import annotations

import numpy as np

from lockstep.models.engines.jit import MINUS_INFINITY, jit, run_in_threads
from lockstep.models.engines.records import (
    AFTER,
    ASKERS,
    BEFORE,
    BEST,
    BUCKET,
    CARES,
    CHANGED_READS,
    CODE,
    DONE,
    EMPTY,
    FULL,
    KEYS,
    NEW_CARE,
    PASS,
    QUERY,
    RECENCY,
    RESUME,
    ROW_READ,
    ROW_RECENCY,
    ROW_VALUE,
    SEARCH,
    STOPPED,
    TIED,
    TOUCHES,
    UNANSWERED,
    VALUE,
    Indices,
    Integers,
    Projections,
    Table,
    bucket,
    care_of,
    is_full,
    is_tied,
    number_of,
    set_tied,
    touch,
)
from lockstep.models.engines.sizes import MIN_ROWS_FOR_THREADS
from lockstep.models.engines.totals import move_value, publish_sum, total


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
        touch(buckets, touched, count, old)
        # If the best key, or one that ties with it, leaves or changes its recency, the bucket must search for the best.
        if buckets[old, BEST] >= 0 and (b != old or before != recency):
            if before == rows[buckets[old, BEST], ROW_RECENCY]:
                buckets[old, BEST] = SEARCH
        if b != old:
            _unlink(key_links, 0, buckets, KEYS, row)
    rows[row, ROW_RECENCY], rows[row, ROW_VALUE] = recency, value
    if b >= 0:
        touch(buckets, touched, count, b)
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


@jit()
def _relink_head(key_links: Indices, query_links: Indices, rows: Integers, buckets: Integers, hashed: Indices, cares: Integers,
                 touched: Indices, unanswered: Indices, count: Integers, adds: bool, changed: Integers, query: Integers,
                 key: Integers, care: Integers, recency: Integers, value: Integers) -> int:  # fmt: skip
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
            if b < 0 or buckets[b, CODE] != code or care_of(buckets, b) != m:
                b = bucket(buckets, hashed, count, code, m)
        if adds:
            move_value(key_links, rows, buckets, touched, count, row, b, value[i])
        else:
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
            t.counts[h], t.sums[h, 0] > 0, changed, projected.query[h], projected.key[h], projected.care[h], projected.recency[h],
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


@jit(inline=True)
def _most_recent(query_links: Indices, buckets: Integers, count: Integers, row: int, sink: int) -> tuple[np.int64, int]:
    """Return what a row reads that asks, and whether two keys tie for it."""
    value, best, stop = np.int64(sink), np.int64(MINUS_INFINITY), DONE
    for m in range(count[CARES]):
        b = query_links[m, row, BUCKET]
        if buckets[b, RECENCY] > best:
            best, value, stop = buckets[b, RECENCY], buckets[b, VALUE], TIED if is_tied(buckets, b) else DONE
        elif buckets[b, RECENCY] == best and best > MINUS_INFINITY:
            stop = TIED
    return value, stop


@jit()
def _answer(query_links: Indices, rows: Integers, buckets: Integers, changed_reads: Indices, count: Integers, sums: Integers,
            row: int, sink: int) -> int:  # fmt: skip
    """Update what a row reads. Return TIED if two keys tie for it, FAR if it may not read a share for a sum, else DONE."""
    value, stop = np.int64(sink), DONE
    if rows[row, QUERY] >= 0:
        if sums[0] > 0:
            value, stop = total(query_links, buckets, count, row, sums)
        else:
            value, stop = _most_recent(query_links, buckets, count, row, sink)
    if rows[row, ROW_READ] != value:
        rows[row, ROW_READ] = value
        # All buckets have published by now, so a row comes here at most once in a pass.
        changed_reads[count[CHANGED_READS]] = row
        count[CHANGED_READS] += 1
    return stop


@jit()
def _settle_head(key_links: Indices, query_links: Indices, rows: Integers, buckets: Integers, touched: Indices,
                 unanswered: Indices, changed_reads: Indices, count: Integers, sums: Integers, sink: int) -> int:  # fmt: skip
    fresh, stop = 0, DONE
    for i in range(count[TOUCHES]):
        b = touched[i]
        if publish_sum(buckets, b) if sums[0] > 0 else _publish(key_links, rows, buckets, count, b):
            touched[fresh] = b
            fresh += 1
    for i in range(fresh):
        b = touched[i]
        m, row = care_of(buckets, b), buckets[b, ASKERS]
        while row >= 0:
            stop = max(stop, _answer(query_links, rows, buckets, changed_reads, count, sums, row, sink))
            row = np.int64(query_links[m, row, AFTER])
    for i in range(count[UNANSWERED]):
        stop = max(stop, _answer(query_links, rows, buckets, changed_reads, count, sums, np.int64(unanswered[i]), sink))
    count[TOUCHES], count[UNANSWERED] = 0, 0
    return stop


@jit()
def _settle(head: int, end: int, t: Table, sink: Integers) -> None:
    for h in range(head, end):
        t.counts[h, STOPPED] = _settle_head(
            t.key_links[h], t.query_links[h], t.rows[h], t.buckets[h], t.touched[h], t.unanswered[h], t.changed_reads[h],
            t.counts[h], t.sums[h], sink[h],
        )  # fmt: skip


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
    """Settle touched buckets, and answer the rows that ask them and new queries.

    STOPPED becomes TIED in heads with a tie, FAR where a share may not stand for a sum.
    """
    run_in_threads(_settle, len(t.counts), size >= MIN_ROWS_FOR_THREADS, t, sink)
