"""Compiled kernels that compute queries, keys and values of rows in all heads of a layer, and check them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lockstep.models.engines.jit import jit, run_in_threads
from lockstep.models.engines.plan import HeadPlan, Indices, Integers, Matrix
from lockstep.models.engines.records import Projections
from lockstep.models.engines.sizes import BLOCK, MIN_ROWS_FOR_THREADS
from lockstep.models.engines.streams import StoredStream, blocks, evaluate, load

#: The faults that a computed row can have, by number. 0 is no fault.
FAULTS = (
    "",
    "a query is not +half or -half",
    "a row neither asks nor is silent",
    "the first row is no sink, or changes",
    "a key ties with the sink",
    "a key's recency is too large",
    "a key's bit is none of 1, 0, -1",
    "a row weighs more than 0, and not as much as those that are added up",
)
QUERY, ASKS, SINK, TIE, RECENCY, KEY, WEIGHT = range(1, 8)


class Sink(NamedTuple):
    """The first row of a sequence, in each head [H]: its score for rows that ask, its packed value, the limit of recencies."""

    score: Integers
    value: Integers
    limit: Integers


class Batch(NamedTuple):
    """Sequences whose rows lie one after the other: the first row of each [B], and the number of each row's sequence [N].

    The number of the sequence stands above the bits of every query and key, so that no row finds a row of another sequence.
    number_mask: a 1 for each bit of the numbers, before they are shifted.
    """

    first: Integers
    number: Indices
    number_mask: int


@jit()
def _queries(query: Integers, h: int, heads: HeadPlan, x: Matrix, z: Matrix) -> bool:
    """Pack the query bits of each lane. Return whether some query is not +half or -half."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    fault = False
    for bit in range(heads.first_match[h + 1] - heads.first_match[h]):
        m = heads.first_match[h] + bit
        half, one = heads.half[m], np.int64(1) << np.int64(bit)
        evaluate(z, starts, columns, weights, m, x)
        bad = np.int64(0)
        for i in range(BLOCK):
            query[i] |= one if z[i] == half else np.int64(0)
            bad |= np.int64(1) if abs(z[i]) != half else np.int64(0)
        fault |= bad != 0
    return fault


@jit()
def _keys(key: Integers, care: Integers, sizes: Matrix, h: int, heads: HeadPlan, x: Matrix, z: Matrix, odd: Integers) -> None:
    """Pack the key bits and care bits of each lane, and add the most that they can score to `sizes`.

    `odd` is set for lanes with a key bit other than 1, 0 and -1.
    """
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    matches = len(heads.half)
    for bit in range(heads.first_match[h + 1] - heads.first_match[h]):
        m = heads.first_match[h] + bit
        half, one = heads.half[m], np.int64(1) << np.int64(bit)
        evaluate(z, starts, columns, weights, matches + m, x)
        for i in range(BLOCK):
            key[i] |= one if z[i] == 1.0 else np.int64(0)
            care[i] |= one if z[i] != 0.0 else np.int64(0)
            odd[i] |= np.int64(1) if abs(z[i]) > 1.0 else np.int64(0)
            sizes[i] += np.float64(half) * np.float64(abs(z[i]))


@jit()
def _values(value: Integers, h: int, heads: HeadPlan, x: Matrix, z: Matrix) -> None:
    """Pack the values of each lane."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    for v in range(heads.first_value[h], heads.first_value[h + 1]):
        evaluate(z, starts, columns, weights, 2 * len(heads.half) + v, x)
        low, shift = heads.low[v], heads.shift[v]
        for i in range(BLOCK):
            value[i] |= (np.int64(z[i]) - low) << shift


@jit()
def _project_head(h: int, heads: HeadPlan, x: Matrix, z: Matrix, work: Integers, sizes: Matrix, projected: Projections,
                  rows: Integers, first: int, count: int, sink: Sink, batch: Batch) -> int:  # fmt: skip
    """Project a block of rows for one head. Return the last fault found, or 0. work: [5, BLOCK]. sizes: [BLOCK]."""
    starts, columns, weights = heads.bias_and_asks.start, heads.bias_and_asks.columns, heads.bias_and_asks.values
    query, key, care, odd, value = work[0], work[1], work[2], work[3], work[4]
    first_rows, number, bits = batch.first, batch.number, heads.first_match[h + 1] - heads.first_match[h]
    work[:] = 0
    fault, any_asks, any_key = 0, False, False
    score, adds = sink.score[h], heads.sums[h, 0] > 0
    floor, least = score - heads.floor[h], score - heads.cut[h]
    evaluate(sizes, starts, columns, weights, 2 * h, x)
    evaluate(z, starts, columns, weights, 2 * h + 1, x)
    for i in range(count):
        if z[i] != 0.0 and z[i] != heads.silence[h]:
            fault = ASKS
        asks = z[i] == 0.0
        any_asks |= asks
        row = rows[first + i]
        any_key |= sizes[i] + heads.reach[h] >= least or row == first_rows[number[row]]
        projected.query[h, first + i] = np.int64(number[row]) << bits if asks else -1
    # A key that cannot reach the score of one that is found is not computed. Queries of silent lanes are only checked.
    if (any_asks or not heads.bounded[h]) and _queries(query, h, heads, x, z):
        fault = QUERY
    if any_key:
        _keys(key, care, sizes, h, heads, x, z, odd)
        _values(value, h, heads, x, z)
    for i in range(count):
        at, recency = first + i, np.int64(sizes[i])
        row = rows[at]
        projected.query[h, at] |= query[i]
        projected.key[h, at] = -1
        if not any_key:
            continue
        projected.value[h, at], projected.recency[h, at] = value[i], recency
        projected.care[h, at] = care[i] | batch.number_mask << bits
        if row == first_rows[number[row]]:
            if care[i] != 0 or recency != score or value[i] != sink.value[h]:
                fault = SINK
        elif recency >= floor:
            projected.key[h, at] = key[i] | np.int64(number[row]) << bits
            if recency == score:
                fault = TIE
            if recency > sink.limit[h]:
                fault = RECENCY
            if odd[i]:
                fault = KEY
            if adds and recency != floor:
                fault = WEIGHT
        elif recency > least:
            fault = WEIGHT
    return fault


@jit()
def _project(block: int, end: int, heads: HeadPlan, stored: StoredStream, rows: Integers, projected: Projections, sink: Sink,
             batch: Batch, faults: Integers, width: int) -> None:  # fmt: skip
    real = heads.half.dtype
    x, z, sizes = np.empty((width, BLOCK), real), np.empty(BLOCK, real), np.empty(BLOCK)
    work = np.empty((5, BLOCK), np.int64)
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        load(x, stored, rows, first, count)
        for h in range(len(heads.silence)):
            faults[b] = max(faults[b], _project_head(h, heads, x, z, work, sizes, projected, rows, first, count, sink, batch))


def project(
    heads: HeadPlan, stored: StoredStream, rows: Integers, projected: Projections, sink: Sink, batch: Batch, width: int
) -> int:
    """Write queries, keys and values of rows to `projected`. Return a fault that was found, or 0."""
    faults = np.zeros(blocks(rows), np.int64)
    run_in_threads(
        _project, len(faults), len(rows) >= MIN_ROWS_FOR_THREADS, heads, stored, rows, projected, sink, batch, faults, width
    )
    return int(faults.max(initial=0))
