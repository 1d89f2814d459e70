"""The indexed engine of causal models: hash tables that only grow.

Each row is computed once, in every layer. Its key enters the tables first, since a row attends to itself; then its query is
answered from the keys that are there. Later keys do not change the answer, so no row is linked to what it asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines import allocation, projections, records
from lockstep.models.engines.caching import unchanged
from lockstep.models.engines.indexed import FAR_FROM_SUM, IndexedSession, LayerTables
from lockstep.models.engines.jit import MINUS_INFINITY, jit
from lockstep.models.engines.plan import Indices, Integers
from lockstep.models.engines.records import (
    BEST,
    CARES,
    DONE,
    FULL,
    MOST_CARES,
    RECENCY,
    RESUME,
    ROW_READ,
    STOPPED,
    TIED,
    VALUE,
    Projections,
    bucket,
    is_full,
    is_tied,
    number_of,
    place,
    set_tied,
)
from lockstep.models.engines.session import NOT_ASKING, NOTHING, SEVERAL, Unsuitable
from lockstep.models.engines.sizes import MAX_LINKED_ROWS
from lockstep.models.engines.streams import StoredStream
from lockstep.models.engines.totals import ONE, sum_of
from lockstep.models.positions import Positions
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Transformer

#: The field of a row that says which row it found: the tables of appended rows need no recency there.
FOUND = records.ROW_RECENCY


class AppendingSession(IndexedSession):
    """Predictions of causal models by the indexed engine. See `lockstep.models.engines.session`."""

    def __init__(self, model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions],
                 every: bool = True) -> None:  # fmt: skip
        super().__init__(model, sequences, positions, every=True)  # whatever token a row holds
        self.computed = [0] * len(sequences)

    def _tables(self, number: int) -> LayerTables:
        return _AppendedTables(self.plan.heads[number], len(self.positions), self.model.width, self.batch)

    def update(self, number: int, change: Change, tokens: NDArray[np.int64]) -> None:
        if unchanged(change) >= self.computed[number]:
            super().update(number, change, tokens)
            return
        if len(self.lengths) > 1:
            raise Unsuitable("a step changed a row of one of several sequences, and keys leave no table")
        self._begin_again(tokens)

    def _begin_again(self, tokens: NDArray[np.int64]) -> None:
        """Empty all tables and compute every row anew: a key that is in a table stays there."""
        self.layers = [self._tables(number) for number in range(len(self.plan.heads))]
        self.lengths, self.computed, self.started = [len(tokens)], [0], False
        self.changed, self.removed = [], []
        self._set_tokens(0, np.arange(len(tokens)), tokens)

    def predict(self, live: Sequence[int]) -> list[tuple[NDArray[np.int64], Prediction]]:
        self.computed = list(self.lengths)
        return super().predict(live)


class _AppendedTables(LayerTables):
    """The hash tables of one layer. Rows come once, in order. A row keeps what it found."""

    def found(self, rows: Integers) -> Integers:
        return self.table.rows[:, rows, FOUND]

    def propagate(self, changed: Integers, removed: Integers, stored: StoredStream) -> Integers:
        """Enter new rows, and answer what they ask. Return them."""
        for first in range(0, len(changed), MAX_LINKED_ROWS):
            chunk = changed[first : first + MAX_LINKED_ROWS]
            projected = allocation.empty_projections(len(self.table.counts), len(chunk))
            if fault := projections.project(self.heads, stored, chunk, projected, self.sink, self.batch, self.width):
                raise Unsuitable(projections.FAULTS[fault])
            self._append(chunk, projected)
        return changed

    def _append(self, rows: Integers, projected: Projections) -> None:
        self.table.counts[:, RESUME] = 0
        while True:
            _append(self.table, self.sink.value, rows, projected)
            stopped = self.table.counts[:, STOPPED]
            if (stopped == TIED).any():
                raise Unsuitable("a query finds two keys that are equally recent")
            if (stopped == records.FAR).any():
                raise Unsuitable(FAR_FROM_SUM)
            if (stopped == records.NEW_CARE).any():
                raise Unsuitable(f"keys of a head care for more than {MOST_CARES} sets of bits")
            if not (stopped == FULL).any():
                return
            self.table = allocation.with_more_buckets(self.table)


@jit()
def _append(t: records.Table, sink: Integers, rows: Integers, projected: Projections) -> None:
    for h in range(len(t.counts)):
        t.counts[h, STOPPED] = _append_head(
            t.rows[h], t.buckets[h], t.hashed[h], t.cares[h], t.counts[h], t.sums[h], sink[h], rows, projected.query[h],
            projected.key[h], projected.care[h], projected.recency[h], projected.value[h],
        )  # fmt: skip


@jit()
def _append_head(read: Integers, buckets: Integers, hashed: Indices, cares: Integers, count: Integers, sums: Integers, sink: int,
                 rows: Integers, query: Integers, key: Integers, care: Integers, recency: Integers, value: Integers) -> int:  # fmt: skip
    """Enter the key of each row, then answer its query. Stops early as `tables.relink` does."""
    for i in range(count[RESUME], len(rows)):
        count[RESUME] = i
        if key[i] >= 0:
            m = number_of(cares, count, care[i])
            if m < 0:
                m = count[CARES]
                if m == MOST_CARES:
                    return records.NEW_CARE
                cares[m] = care[i]
                count[CARES] += 1
            if is_full(buckets, hashed, count):
                return FULL
            b = bucket(buckets, hashed, count, key[i], m)
            if sums[0] > 0:
                buckets[b, VALUE] += value[i] + ONE
            else:
                _enter(buckets, b, recency[i], value[i], rows[i])
        found, row, stop = np.int64(sink), np.int64(NOT_ASKING), DONE
        if query[i] >= 0:
            if sums[0] > 0:
                found, row, stop = _total(buckets, hashed, cares, count, sums, query[i])
            else:
                found, row, stop = _most_recent(buckets, hashed, cares, count, query[i], sink)
        if stop != DONE:
            return stop
        read[rows[i], ROW_READ], read[rows[i], FOUND] = found, row
    count[RESUME] = len(rows)
    return DONE


@jit(inline=True)
def _most_recent(
    buckets: Integers, hashed: Indices, cares: Integers, count: Integers, query: int, sink: int
) -> tuple[np.int64, np.int64, int]:
    """Return what a query finds, in which row, and TIED if two keys tie for it, else DONE."""
    found, row, best, stop = np.int64(sink), np.int64(NOTHING), np.int64(MINUS_INFINITY), DONE
    for m in range(count[CARES]):
        b = np.int64(hashed[place(buckets, hashed, query & cares[m], m)])
        if b >= 0 and buckets[b, RECENCY] > best:
            best, found, row = buckets[b, RECENCY], buckets[b, VALUE], buckets[b, BEST]
            stop = TIED if is_tied(buckets, b) else DONE
        elif b >= 0 and buckets[b, RECENCY] == best:
            stop = TIED
    return found, row, stop


@jit(inline=True)
def _total(
    buckets: Integers, hashed: Indices, cares: Integers, count: Integers, sums: Integers, query: int
) -> tuple[np.int64, np.int64, int]:
    """Return the sum that a query finds, in how many rows, and FAR if a share may not stand for it, else DONE."""
    held = np.int64(0)
    for m in range(count[CARES]):
        b = np.int64(hashed[place(buckets, hashed, query & cares[m], m)])
        if b >= 0:
            held += buckets[b, VALUE]
    total, stop = sum_of(held, sums)
    return total, np.int64(SEVERAL if held else NOTHING), stop


@jit(inline=True)
def _enter(buckets: Integers, b: int, recency: int, value: int, row: int) -> None:
    """Publish a key in its bucket, if no other is more recent."""
    if recency > buckets[b, RECENCY]:
        buckets[b, RECENCY], buckets[b, VALUE], buckets[b, BEST] = recency, value, row
        set_tied(buckets, b, False)
    elif recency == buckets[b, RECENCY]:
        set_tied(buckets, b, True)
