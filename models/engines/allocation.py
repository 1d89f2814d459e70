"""Allocates the tables of `lockstep.models.engines.tables`, and larger copies of them."""

from __future__ import annotations

import numpy as np

from lockstep.models.engines.records import (
    COUNTERS,
    LINK,
    MOST_CARES,
    QUERY,
    RECORD,
    ROW,
    USED,
    Integers,
    Projections,
    Table,
    rehash,
)


def empty_table(sums: Integers, rows: int) -> Table:
    """Return tables in which no row is a key and no row asks. sums: [H, 3]."""
    heads = len(sums)
    table = Table(
        key_links=np.full((heads, 1, rows, LINK), -1, np.int32),
        query_links=np.full((heads, 1, rows, LINK), -1, np.int32),
        rows=np.zeros((heads, rows, ROW), np.int64),
        buckets=np.zeros((heads, 64, RECORD), np.int64),
        hashed=np.full((heads, 256), -1, np.int32),
        cares=np.zeros((heads, MOST_CARES), np.int64),
        touched=np.zeros((heads, 64), np.int32),
        unanswered=np.zeros((heads, rows), np.int32),
        changed_reads=np.zeros((heads, rows), np.int32),
        counts=np.zeros((heads, COUNTERS), np.int64),
        sums=sums,
    )
    table.rows[:, :, QUERY] = -1
    return table


def silent_projections(heads: int, rows: int) -> Projections:
    """Return the projections of rows that are no keys and do not ask."""
    shape = (heads, rows)
    return Projections(
        query=np.full(shape, -1, np.int64),
        key=np.full(shape, -1, np.int64),
        care=np.zeros(shape, np.int64),
        recency=np.zeros(shape, np.int64),
        value=np.zeros(shape, np.int64),
    )


def empty_projections(heads: int, rows: int) -> Projections:
    """Return uninitialised arrays, which `project` fills."""
    return Projections(*(np.empty((heads, rows), np.int64) for _ in range(5)))


def with_more_buckets(t: Table) -> Table:
    """Return a copy of the tables with room for four times as many buckets."""
    heads, room, _ = t.buckets.shape
    buckets, touched = np.zeros((heads, 4 * room, RECORD), np.int64), np.zeros((heads, 4 * room), np.int32)
    for h, used in enumerate(t.counts[:, USED]):
        buckets[h, :used], touched[h, :used] = t.buckets[h, :used], t.touched[h, :used]
    hashed = np.full((heads, 16 * room), -1, np.int32)
    for h, used in enumerate(t.counts[:, USED]):
        rehash(buckets[h], hashed[h], used)
    return t._replace(buckets=buckets, touched=touched, hashed=hashed)


def with_more_cares(t: Table, number: int) -> Table:
    """Return the tables with room for `number` + 1 cares."""
    if t.query_links.shape[1] > number:
        return t
    more = np.full((len(t.counts), 1, t.query_links.shape[2], LINK), -1, np.int32)
    return t._replace(query_links=np.concatenate([t.query_links, more], axis=1))
