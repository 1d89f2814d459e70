"""Compiled hash tables of keys and queries: which rows hold a code, which ask it, and what they read.

A *bucket* stands for one code in one *slot*: a head and a set of bits that keys care for. It has the keys with the
code, the rows that ask it, both as doubly linked lists, and what it *published*: the most recent key's recency and
value. Changing a row relinks it; then buckets that were touched are settled, and only where what they published
changed, the rows that ask are told. Costs follow what changed, not the context.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.engines.plan import Indices, Integers
from models.engines.rows import NONE, Asked, _jit

#: What stopped a kernel: it needs more buckets, it met an unknown set of bits, or two keys tie.
DONE, FULL, NEW_CARE, TIED = range(4)
MOST_CARES = 4


class Rows(NamedTuple):
    """State of each row r in each head h of a layer.

    bucket, recency, value, after, before: as a key, [H, N]; the bucket is -1 for no key.
    query: the bits it asks, or -1; got: what it reads, packed; [H, N].
    asks, asks_after, asks_before: [S, N], the bucket it asks in each slot, and its neighbours in that list.
    """

    bucket: Indices
    recency: Integers
    value: Integers
    after: Indices
    before: Indices
    query: Integers
    got: Integers
    asks: Indices
    asks_after: Indices
    asks_before: Indices


class Slots(NamedTuple):
    """The sets of bits that keys of a head care for: care [H, MOST_CARES] in slots [H, MOST_CARES], count [H]; and
    the head of each slot, [S]."""

    care: Integers
    slot: Indices
    count: Indices
    head: Indices


class Buckets(NamedTuple):
    """keys, askers: first rows of the lists, or -1. best: the most recent key, -1 none, -2 to be searched.

    recency, value, tied: published; recency is NONE where there is no key. touched: the pass that last touched it.
    """

    keys: Indices
    askers: Indices
    best: Indices
    recency: Integers
    value: Integers
    tied: Indices
    touched: Integers
    slot: Indices


class Hash(NamedTuple):
    """Open addressing: the bucket of (code, slot), or -1."""

    code: Integers
    slot: Indices
    bucket: Indices


class Lists(NamedTuple):
    """Buckets that were touched, queries (h * N + row) to be answered, rows that read something new; and their `count`.

    count: touched, to answer, affected, buckets in use, where to resume, the pass.
    """

    touched: Indices
    answer: Integers
    affected: Integers
    seen: Integers
    count: Integers


TOUCHED, ANSWER, AFFECTED, USED, RESUME, PASS = range(6)


@_jit()
def _place(hashed: Hash, code: int, slot: int) -> int:
    """Where (code, slot) is, or would be."""
    mixed = np.uint64(code) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(slot) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    at = np.int64(mixed >> np.uint64(33)) & (len(hashed.code) - 1)
    while hashed.bucket[at] >= 0 and (hashed.code[at] != code or hashed.slot[at] != slot):
        at = (at + 1) & (len(hashed.code) - 1)
    return at


@_jit()
def _bucket(hashed: Hash, buckets: Buckets, lists: Lists, code: int, slot: int) -> int:
    """The bucket of a code; a new one if there is none."""
    at = _place(hashed, code, slot)
    if hashed.bucket[at] < 0:
        number = lists.count[USED]
        lists.count[USED] += 1
        hashed.code[at], hashed.slot[at], hashed.bucket[at] = code, slot, number
        buckets.keys[number], buckets.askers[number], buckets.best[number] = -1, -1, -1
        buckets.recency[number], buckets.value[number] = NONE, 0
        buckets.tied[number], buckets.touched[number], buckets.slot[number] = 0, -1, slot
    return hashed.bucket[at]


@_jit()
def rehash(old: Hash, new: Hash) -> None:
    """Copy all entries."""
    for i in range(len(old.code)):
        if old.bucket[i] >= 0:
            at = _place(new, old.code[i], old.slot[i])
            new.code[at], new.slot[at], new.bucket[at] = old.code[i], old.slot[i], old.bucket[i]


@_jit()
def _touch(buckets: Buckets, lists: Lists, b: int) -> None:
    if buckets.touched[b] != lists.count[PASS]:
        buckets.touched[b] = lists.count[PASS]
        lists.touched[lists.count[TOUCHED]] = b
        lists.count[TOUCHED] += 1


@_jit()
def _link(first: Indices, after: Indices, before: Indices, b: int, row: int) -> None:
    """Put a row at the front of the list of bucket b."""
    head = first[b]
    after[row], before[row] = head, -1
    if head >= 0:
        before[head] = row
    first[b] = row


@_jit()
def _unlink(first: Indices, after: Indices, before: Indices, b: int, row: int) -> None:
    following, preceding = after[row], before[row]
    if preceding >= 0:
        after[preceding] = following
    else:
        first[b] = following
    if following >= 0:
        before[following] = preceding


@_jit()
def _relink_key(h: int, row: int, b: int, recency: int, value: int, rows: Rows, buckets: Buckets, lists: Lists) -> None:
    """Make a row a key of bucket b (-1: of none)."""
    old = rows.bucket[h, row]
    if old == b and (b < 0 or (rows.recency[h, row] == recency and rows.value[h, row] == value)):
        return
    if old >= 0:
        _touch(buckets, lists, old)
        best = buckets.best[old]
        # A key that leaves, or changes its recency, takes the best place or a tie for it with it.
        if best >= 0 and (b != old or rows.recency[h, row] != recency):
            if rows.recency[h, row] == rows.recency[h, best]:
                buckets.best[old] = -2
        if b != old:
            _unlink(buckets.keys, rows.after[h], rows.before[h], old, row)
    rows.bucket[h, row] = b
    rows.recency[h, row] = recency
    rows.value[h, row] = value
    if b >= 0:
        _touch(buckets, lists, b)
        if b != old:
            _link(buckets.keys, rows.after[h], rows.before[h], b, row)
        best = buckets.best[b]
        if best == -1 or (best >= 0 and recency > rows.recency[h, best]):
            buckets.best[b] = row
        elif best >= 0 and best != row and recency == rows.recency[h, best]:
            buckets.best[b] = -2


@_jit()
def _relink_query(h: int, row: int, query: int, rows: Rows, slots: Slots, hashed: Hash, buckets: Buckets, lists: Lists) -> None:
    """Make a row ask other bits (-1: nothing)."""
    if rows.query[h, row] == query:
        return
    for m in range(slots.count[h]):
        s = slots.slot[h, m]
        if rows.asks[s, row] >= 0:
            _unlink(buckets.askers, rows.asks_after[s], rows.asks_before[s], rows.asks[s, row], row)
            rows.asks[s, row] = -1
        if query >= 0:
            b = _bucket(hashed, buckets, lists, query & slots.care[h, m], s)
            _link(buckets.askers, rows.asks_after[s], rows.asks_before[s], b, row)
            rows.asks[s, row] = b
    rows.query[h, row] = query
    lists.answer[lists.count[ANSWER]] = h * rows.query.shape[1] + row
    lists.count[ANSWER] += 1


@_jit()
def _slot(slots: Slots, h: int, care: int) -> int:
    for m in range(slots.count[h]):
        if slots.care[h, m] == care:
            return slots.slot[h, m]
    return -1


@_jit()
def relink(changed: Integers, asked: Asked, rows: Rows, slots: Slots, hashed: Hash, buckets: Buckets, lists: Lists) -> int:
    """Put changed rows where their keys and queries belong now. Stops, to be resumed, where it needs more room."""
    n = len(changed)
    for item in range(lists.count[RESUME], n * len(slots.count)):
        lists.count[RESUME] = item
        h, i = item // n, item % n
        if lists.count[USED] + 1 + MOST_CARES > min(len(buckets.keys), len(hashed.code) // 2):
            return FULL
        b = -1
        if asked.key[h, i] >= 0:
            slot = _slot(slots, h, asked.care[h, i])
            if slot < 0:
                return NEW_CARE
            b = _bucket(hashed, buckets, lists, asked.key[h, i], slot)
        _relink_key(h, changed[i], b, asked.recency[h, i], asked.value[h, i], rows, buckets, lists)
        _relink_query(h, changed[i], asked.query[h, i], rows, slots, hashed, buckets, lists)
    lists.count[RESUME] = 0
    return DONE


@_jit()
def ask_again(h: int, m: int, most: int, rows: Rows, slots: Slots, hashed: Hash, buckets: Buckets, lists: Lists) -> int:
    """Enter every row that asks something in head h into its new slot, the m-th."""
    s = slots.slot[h, m]
    for row in range(lists.count[RESUME], most):
        lists.count[RESUME] = row
        if lists.count[USED] + 1 > min(len(buckets.keys), len(hashed.code) // 2):
            return FULL
        if rows.query[h, row] >= 0:
            b = _bucket(hashed, buckets, lists, rows.query[h, row] & slots.care[h, m], s)
            _link(buckets.askers, rows.asks_after[s], rows.asks_before[s], b, row)
            rows.asks[s, row] = b
    lists.count[RESUME] = 0
    return DONE


@_jit()
def _search(h: int, b: int, rows: Rows, buckets: Buckets) -> int:
    """Find the best key of a bucket; whether another one is as recent."""
    best, tied, row = -1, 0, buckets.keys[b]
    while row >= 0:
        if best < 0 or rows.recency[h, row] > rows.recency[h, best]:
            best, tied = row, 0
        elif rows.recency[h, row] == rows.recency[h, best]:
            tied = 1
        row = rows.after[h, row]
    buckets.best[b] = best
    return tied


@_jit()
def _answer(h: int, row: int, sink: Integers, rows: Rows, slots: Slots, buckets: Buckets, lists: Lists) -> int:
    """What a row reads now; if it is something new, the row is affected. TIED if two keys are equally recent."""
    value, best, tied = sink[h], np.int64(NONE), False
    if rows.query[h, row] >= 0:
        for m in range(slots.count[h]):
            b = rows.asks[slots.slot[h, m], row]
            recency = buckets.recency[b]
            if recency > best:
                best, value, tied = recency, buckets.value[b], buckets.tied[b] == 1
            elif recency == best and recency > NONE:
                tied = True
    if rows.got[h, row] != value:
        rows.got[h, row] = value
        if lists.seen[row] != lists.count[PASS]:
            lists.seen[row] = lists.count[PASS]
            lists.affected[lists.count[AFFECTED]] = row
            lists.count[AFFECTED] += 1
    return TIED if tied else DONE


@_jit()
def _publish(b: int, rows: Rows, slots: Slots, buckets: Buckets) -> bool:
    """Say what a bucket holds now; whether that is anything new."""
    h, tied = slots.head[buckets.slot[b]], 0
    if buckets.best[b] == -2:
        tied = _search(h, b, rows, buckets)
    best = buckets.best[b]
    recency = rows.recency[h, best] if best >= 0 else np.int64(NONE)
    value = rows.value[h, best] if best >= 0 else np.int64(0)
    # Where a head has one slot, how recent a key is decides nothing beyond its bucket.
    same = (recency == NONE) == (buckets.recency[b] == NONE) and (slots.count[h] == 1 or recency == buckets.recency[b])
    same = same and value == buckets.value[b] and tied == buckets.tied[b]
    buckets.recency[b], buckets.value[b], buckets.tied[b] = recency, value, tied
    if tied:
        buckets.best[b] = -2  # so that the next touch searches again
    return not same


@_jit()
def settle(sink: Integers, rows: Rows, slots: Slots, buckets: Buckets, lists: Lists) -> int:
    """Publish what touched buckets hold, then tell those who ask, and answer new queries. TIED if an answer is tied."""
    news, result = 0, DONE
    for t in range(lists.count[TOUCHED]):
        if _publish(lists.touched[t], rows, slots, buckets):
            lists.touched[news] = lists.touched[t]
            news += 1
    for t in range(news):
        b = lists.touched[t]
        s, row = buckets.slot[b], buckets.askers[b]
        while row >= 0:
            result = max(result, _answer(slots.head[s], row, sink, rows, slots, buckets, lists))
            row = rows.asks_after[s, row]
    most = rows.query.shape[1]
    for a in range(lists.count[ANSWER]):
        h, row = lists.answer[a] // most, lists.answer[a] % most
        result = max(result, _answer(h, row, sink, rows, slots, buckets, lists))
    lists.count[TOUCHED], lists.count[ANSWER] = 0, 0
    return result
