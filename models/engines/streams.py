"""Compiled kernels that store, load, update and embed the stream of a block of rows.

Kernels process blocks of BLOCK rows. The stream of a block is an array [d, BLOCK], so that each nonzero weight is
one SIMD multiply-add over the block. Between layers the stream is stored in tiles of BLOCK rows, columns first, so that
loads and stores of neighbouring rows use SIMD, too. All numbers are integers that float64 holds exactly (`bounds`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.jit import jit, run_in_threads
from lockstep.models.engines.plan import Columns, EmbedPlan, Indices, Integers, Matrix
from lockstep.models.engines.sizes import BLOCK, MIN_ROWS_FOR_THREADS


class StoredStream(NamedTuple):
    """The stored stream of every row before a layer, in tiles: int16 [tiles, a, BLOCK] and int64 [tiles, b, BLOCK]."""

    columns: Columns
    narrow: NDArray[np.int16]
    wide: Integers


@jit()
def _is_run(rows: Integers, first: int, count: int) -> bool:
    """Return whether the rows of a block are consecutive."""
    return bool(rows[first + count - 1] - rows[first] == count - 1)


# Kernels index arrays in full (`x[c, i]`), and take arrays out of tuples outside of loops. Numba counts references
# whenever it makes a row of an array, and that costs more than computing the row.


@jit()
def _load_lanes(x: Matrix, columns: Indices, tiles: NDArray[np.int16], rows: Integers, first: int, count: int) -> None:
    """Load the narrow columns of a block."""
    start, run = rows[first], _is_run(rows, first, count)
    tile, lane = start // BLOCK, start % BLOCK
    split = min(count, BLOCK - lane)
    for j in range(len(columns)):
        c = columns[j]
        if run:
            for i in range(split):
                x[c, i] = tiles[tile, j, lane + i]
            for i in range(split, count):
                x[c, i] = tiles[tile + 1, j, i - split]
        else:
            for i in range(count):
                x[c, i] = tiles[rows[first + i] // BLOCK, j, rows[first + i] % BLOCK]
        for i in range(count, BLOCK):
            x[c, i] = 0.0


@jit()
def _load_wide(x: Matrix, columns: Indices, tiles: Integers, rows: Integers, first: int, count: int) -> None:
    for j in range(len(columns)):
        c = columns[j]
        for i in range(count):
            x[c, i] = tiles[rows[first + i] // BLOCK, j, rows[first + i] % BLOCK]
        for i in range(count, BLOCK):
            x[c, i] = 0.0


@jit()
def load(x: Matrix, stored: StoredStream, rows: Integers, first: int, count: int) -> None:
    """Load the stream of a block. Lanes beyond `count` become 0. Columns that nothing reads are not written."""
    fixed, constants = stored.columns.fixed, stored.columns.constants
    for j in range(len(fixed)):
        c, value = fixed[j], constants[j]
        for i in range(BLOCK):
            x[c, i] = value
    _load_lanes(x, stored.columns.narrow, stored.narrow, rows, first, count)
    _load_wide(x, stored.columns.wide, stored.wide, rows, first, count)


@jit()
def _store_lanes(x: Matrix, columns: Indices, tiles: NDArray[np.int16], rows: Integers, first: int, count: int,
                 differs: NDArray[np.int16]) -> None:  # fmt: skip
    start, run = rows[first], _is_run(rows, first, count)
    tile, lane = start // BLOCK, start % BLOCK
    split = min(count, BLOCK - lane)
    for j in range(len(columns)):
        c = columns[j]
        if run:
            for i in range(split):
                new = np.int16(x[c, i])
                differs[i] |= tiles[tile, j, lane + i] ^ new
                tiles[tile, j, lane + i] = new
            for i in range(split, count):
                new = np.int16(x[c, i])
                differs[i] |= tiles[tile + 1, j, i - split] ^ new
                tiles[tile + 1, j, i - split] = new
        else:
            for i in range(count):
                new, t, k = np.int16(x[c, i]), rows[first + i] // BLOCK, rows[first + i] % BLOCK
                differs[i] |= tiles[t, j, k] ^ new
                tiles[t, j, k] = new


@jit()
def _store_wide(x: Matrix, columns: Indices, tiles: Integers, rows: Integers, first: int, count: int,
                differs: NDArray[np.int16]) -> None:  # fmt: skip
    for j in range(len(columns)):
        c = columns[j]
        for i in range(count):
            new, t, k = np.int64(x[c, i]), rows[first + i] // BLOCK, rows[first + i] % BLOCK
            if tiles[t, j, k] != new:
                differs[i] = 1
                tiles[t, j, k] = new


@jit()
def store(x: Matrix, stored: StoredStream, rows: Integers, first: int, count: int, changed: NDArray[np.bool_]) -> None:
    """Store the stream of a block. `changed` becomes true for the rows where it differs from the stored one."""
    differs = np.zeros(BLOCK, np.int16)
    _store_lanes(x, stored.columns.narrow, stored.narrow, rows, first, count, differs)
    _store_wide(x, stored.columns.wide, stored.wide, rows, first, count, differs)
    for i in range(count):
        changed[first + i] = differs[i] != 0


@jit()
def evaluate(z: Matrix, start: Indices, columns: Indices, values: Matrix, f: int, x: Matrix) -> None:
    """z [BLOCK] = row f of a matrix times the stream."""
    for i in range(BLOCK):
        z[i] = 0.0
    gather(z, start, columns, values, f, x)


@jit()
def gather(z: Matrix, start: Indices, columns: Indices, values: Matrix, f: int, x: Matrix) -> None:
    """z [BLOCK] += row f of a matrix times the stream."""
    e, end = start[f], start[f + 1]
    while e + 4 <= end:  # four at a time: z is read and written once for them
        a, b, c, d = columns[e], columns[e + 1], columns[e + 2], columns[e + 3]
        p, q, r, s = values[e], values[e + 1], values[e + 2], values[e + 3]
        for i in range(BLOCK):
            z[i] += (p * x[a, i] + q * x[b, i]) + (r * x[c, i] + s * x[d, i])
        e += 4
    while e < end:
        p, a = values[e], columns[e]
        for i in range(BLOCK):
            z[i] += p * x[a, i]
        e += 1


@jit()
def write(x: Matrix, start: Indices, columns: Indices, values: Matrix, f: int, z: Matrix) -> None:
    """The stream += z [BLOCK] times row f of a matrix."""
    for e in range(start[f], start[f + 1]):
        weight, c = values[e], columns[e]
        for i in range(BLOCK):
            x[c, i] += weight * z[i]


@jit()
def _embed(first: int, end: int, plan: EmbedPlan, source: Indices, bits: NDArray[np.uint8], numbers: Matrix, tokens: Integers,
           rows: Integers, place: Indices, stored: StoredStream) -> None:  # fmt: skip
    row, narrow, packed = np.empty(len(plan.touched), np.int64), len(stored.columns.narrow), 8 * bits.shape[1]
    for n in range(first, end):
        r = rows[n]
        for c in range(len(row)):
            row[c] = 0
            if source[c] >= packed:
                row[c] = np.int64(numbers[r, source[c] - packed])
            elif source[c] >= 0:
                row[c] = bits[r, source[c] >> 3] >> (source[c] & 7) & 1
        kind = len(plan.offsets) - 1
        while tokens[r] < plan.offsets[kind]:
            kind -= 1
        for e in range(plan.kinds.start[kind], plan.kinds.start[kind + 1]):
            row[plan.kinds.columns[e]] += np.int64(plan.kinds.values[e])
        value = tokens[r] - plan.offsets[kind]
        for j in range(plan.kind_bits[kind]):
            if value >> j & 1:
                for e in range(plan.bits.start[j], plan.bits.start[j + 1]):
                    row[plan.bits.columns[e]] += np.int64(plan.bits.values[e])
        for c in range(len(row)):
            if place[c] >= narrow:
                stored.wide[r // BLOCK, place[c] - narrow, r % BLOCK] = row[c]
            elif place[c] >= 0:
                stored.narrow[r // BLOCK, place[c], r % BLOCK] = row[c]


@jit()
def _place(tile: int, end: int, narrow: NDArray[np.int16], bits: NDArray[np.uint8], place: Indices) -> None:
    for t in range(tile, end):
        first = t * BLOCK
        for j in range(len(place)):
            if place[j] >= 0:
                for i in range(min(BLOCK, len(bits) - first)):
                    narrow[t, place[j], i] = bits[first + i, j >> 3] >> (j & 7) & 1


def place_bits(stored: StoredStream, bits: NDArray[np.uint8], place: Indices) -> None:
    """Store PE of all positions, for columns of bits that are stored narrow. place: [a], the column in the tiles, or -1."""
    run_in_threads(_place, len(stored.narrow), len(bits) >= MIN_ROWS_FOR_THREADS, stored.narrow, bits, place)


def place_column(stored: StoredStream, at: int, values: NDArray[Any]) -> None:
    """Store one column of PE of all positions. at: its column in the tiles, where wide columns follow the narrow ones."""
    narrow = len(stored.columns.narrow)
    column = stored.wide[:, at - narrow] if at >= narrow else stored.narrow[:, at]
    padded = np.zeros(column.size, column.dtype)
    padded[: len(values)] = values
    column[:] = padded.reshape(column.shape)


def embed(plan: EmbedPlan, source: Indices, bits: NDArray[np.uint8], numbers: Matrix, tokens: Integers, rows: Integers,
          place: Indices, stored: StoredStream) -> None:  # fmt: skip
    """Store E[token] + PE[position] of rows, in the columns that tokens write.

    source: [touched], the bit of a row of `bits` or, counted on, the column of `numbers` that a column of PE comes from, or -1.
    place: [touched], its column in the tiles, where wide columns follow the narrow ones, or -1.
    """
    run_in_threads(_embed, len(rows), len(rows) >= MIN_ROWS_FOR_THREADS, plan, source, bits, numbers, tokens, rows, place, stored)


def blocks(rows: Integers) -> int:
    """Return how many blocks the rows fill."""
    return (len(rows) + BLOCK - 1) // BLOCK
