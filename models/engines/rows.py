"""Compiled kernels that compute rows: embedding, a layer's keys and queries, its MLP, the readout.

Rows are taken in blocks of BLOCK and the stream of a block is held as [d, BLOCK], so that each nonzero weight is
one SIMD multiply-add over the block. What is kept between layers lies in tiles of BLOCK rows, columns first, so that
neighbouring rows load and store at that speed, too. All numbers are integers that float64 holds exactly (`bounds`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.engines.jit import MANY, jit, spread
from models.engines.plan import Columns, EmbedPlan, HeadPlan, Indices, Integers, Matrix, MlpPlan, ReadoutPlan
from models.engines.tables import GOT, Asked

BLOCK = 64

#: What can be wrong with a row that was computed; 0 is nothing.
FAULTS = (
    "",
    "a query is not +half or -half",
    "a row neither asks nor is silent",
    "the first row is no sink, or changes",
    "a key ties with the sink",
    "a key's recency is too large",
    "a key's bit is none of 1, 0, -1",
)
QUERY, ASKS, SINK, TIE, RECENCY, KEY = range(1, 7)
#: exp(-gap) for gaps of logits, which are integers; beyond, it is less than float64 tells from 0 beside 1.
DECAY = np.exp(-np.arange(40.0))


class Kept(NamedTuple):
    """What is kept of every row before a layer, in tiles: int16 [tiles, a, BLOCK] and int64 [tiles, b, BLOCK]."""

    columns: Columns
    narrow: NDArray[np.int16]
    wide: Integers


class Sink(NamedTuple):
    """The first row in each head [H]: its score for rows that ask, its packed value, and the most that a recency may be."""

    score: Integers
    value: Integers
    limit: Integers


class Found(NamedTuple):
    """Predictions of n rows: token [n], probability [n], control bits [n, 0 or 3]. Without control bits, rows that
    hold no mask have probability 0."""

    token: Integers
    probability: Matrix
    control: NDArray[np.bool_]


@jit()
def _is_run(rows: Integers, first: int, count: int) -> bool:
    """Whether a block's rows are neighbours."""
    return bool(rows[first + count - 1] - rows[first] == count - 1)


# Kernels index arrays in full (`x[c, i]`) and take arrays out of tuples outside of loops: Numba counts references
# whenever it makes a row of an array, and that costs more than the row's work.


@jit()
def _load_lanes(x: Matrix, columns: Indices, tiles: NDArray[np.int16], rows: Integers, first: int, count: int) -> None:
    """The narrow columns of a block."""
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
def _load(x: Matrix, kept: Kept, rows: Integers, first: int, count: int) -> None:
    """The stream of a block; lanes beyond `count` are 0. Columns that nothing reads are left as they are."""
    fixed, constants = kept.columns.fixed, kept.columns.constants
    for j in range(len(fixed)):
        c, value = fixed[j], constants[j]
        for i in range(BLOCK):
            x[c, i] = value
    _load_lanes(x, kept.columns.narrow, kept.narrow, rows, first, count)
    _load_wide(x, kept.columns.wide, kept.wide, rows, first, count)


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
def _store(x: Matrix, kept: Kept, rows: Integers, first: int, count: int, changed: NDArray[np.bool_]) -> None:
    """Keep a block's stream; which rows were not so before."""
    differs = np.zeros(BLOCK, np.int16)
    _store_lanes(x, kept.columns.narrow, kept.narrow, rows, first, count, differs)
    _store_wide(x, kept.columns.wide, kept.wide, rows, first, count, differs)
    for i in range(count):
        changed[first + i] = differs[i] != 0


@jit()
def _form(z: Matrix, start: Indices, columns: Indices, values: Matrix, f: int, x: Matrix) -> None:
    """z [BLOCK] = row f of a matrix times the stream."""
    for i in range(BLOCK):
        z[i] = 0.0
    for e in range(start[f], start[f + 1]):
        weight, c = values[e], columns[e]
        for i in range(BLOCK):
            z[i] += weight * x[c, i]


@jit()
def _write(x: Matrix, start: Indices, columns: Indices, values: Matrix, f: int, z: Matrix) -> None:
    """The stream plus z [BLOCK] times row f of a matrix."""
    for e in range(start[f], start[f + 1]):
        weight, c = values[e], columns[e]
        for i in range(BLOCK):
            x[c, i] += weight * z[i]


@jit()
def _queries(query: Integers, h: int, heads: HeadPlan, x: Matrix, z: Matrix) -> bool:
    """The bits that each lane asks; whether some is no +-half."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    fault = False
    for bit in range(heads.first_match[h + 1] - heads.first_match[h]):
        m = heads.first_match[h] + bit
        half, one = heads.half[m], np.int64(1) << np.int64(bit)
        _form(z, starts, columns, weights, m, x)
        bad = np.int64(0)
        for i in range(BLOCK):
            query[i] |= one if z[i] == half else np.int64(0)
            bad |= np.int64(1) if abs(z[i]) != half else np.int64(0)
        fault |= bad != 0
    return fault


@jit()
def _keys(key: Integers, care: Integers, sizes: Matrix, h: int, heads: HeadPlan, x: Matrix, z: Matrix, odd: Integers) -> None:
    """The bits that each lane has and cares for, what they can add to its score, and whether one is none of 1, 0, -1."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    matches = len(heads.half)
    for bit in range(heads.first_match[h + 1] - heads.first_match[h]):
        m = heads.first_match[h] + bit
        half, one = heads.half[m], np.int64(1) << np.int64(bit)
        _form(z, starts, columns, weights, matches + m, x)
        for i in range(BLOCK):
            key[i] |= one if z[i] == 1.0 else np.int64(0)
            care[i] |= one if z[i] != 0.0 else np.int64(0)
            odd[i] |= np.int64(1) if abs(z[i]) > 1.0 else np.int64(0)
            sizes[i] += half * abs(z[i])


@jit()
def _values(value: Integers, h: int, heads: HeadPlan, x: Matrix, z: Matrix) -> None:
    """What each lane has to read, packed."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    for v in range(heads.first_value[h], heads.first_value[h + 1]):
        _form(z, starts, columns, weights, 2 * (len(heads.half) + len(heads.silence)) + v, x)
        low, shift = heads.low[v], heads.shift[v]
        for i in range(BLOCK):
            value[i] |= (np.int64(z[i]) - low) << shift


@jit()
def _ask_head(h: int, heads: HeadPlan, x: Matrix, z: Matrix, work: Integers, sizes: Matrix, asked: Asked, rows: Integers,
              first: int, count: int, sink: Sink) -> int:  # fmt: skip
    """One head of a block; the last fault found, or 0. work: [5, BLOCK]; sizes: [BLOCK]."""
    starts, columns, weights = heads.forms.start, heads.forms.columns, heads.forms.values
    query, key, care, odd, value = work[0], work[1], work[2], work[3], work[4]
    work[:] = 0
    fault, asking, seen = 0, False, False
    own, score = 2 * len(heads.half) + 2 * h, sink.score[h]
    _form(sizes, starts, columns, weights, own, x)
    _form(z, starts, columns, weights, own + 1, x)
    for i in range(count):
        if z[i] != 0.0 and z[i] != heads.silence[h]:
            fault = ASKS
        asks = z[i] == 0.0
        asking |= asks
        seen |= sizes[i] + heads.reach[h] >= score
        asked.query[h, first + i] = 0 if asks else -1
    if rows[first] == 0:
        seen = True
    # No key is seen that cannot reach the sink's score; and queries of lanes that are silent matter only to be checked.
    if (asking or not heads.sure[h]) and _queries(query, h, heads, x, z):
        fault = QUERY
    if seen:
        _keys(key, care, sizes, h, heads, x, z, odd)
        _values(value, h, heads, x, z)
    for i in range(count):
        at, recency = first + i, np.int64(sizes[i])
        asked.query[h, at] |= query[i]
        asked.key[h, at] = -1
        if not seen:
            continue
        asked.value[h, at], asked.recency[h, at], asked.care[h, at] = value[i], recency, care[i]
        if rows[at] == 0:
            if care[i] != 0 or recency != score or value[i] != sink.value[h]:
                fault = SINK
        elif recency >= score:
            asked.key[h, at] = key[i]
            if recency == score:
                fault = TIE
            if recency > sink.limit[h]:
                fault = RECENCY
            if odd[i]:
                fault = KEY
    return fault


@jit()
def _read_heads(x: Matrix, heads: HeadPlan, table: Integers, rows: Integers, first: int, count: int, z: Matrix) -> None:
    """Add what each head reads; table: [H, N, ROW]."""
    starts, columns, weights = heads.writes.start, heads.writes.columns, heads.writes.values
    got = np.empty(BLOCK, np.int64)
    for h in range(len(heads.silence)):
        some = False
        for i in range(count):
            got[i] = table[h, rows[first + i], GOT]
            some |= got[i] != heads.nothing[h]
        if not some:
            continue
        for v in range(heads.first_value[h], heads.first_value[h + 1]):
            mask, shift, low = (np.int64(1) << heads.width[v]) - 1, heads.shift[v], heads.low[v]
            for i in range(count):
                z[i] = ((got[i] >> shift) & mask) + low
            z[count:] = 0.0
            _write(x, starts, columns, weights, v, z)


@jit()
def _feed_forward(x: Matrix, mlp: MlpPlan, z: Matrix, t: Matrix, added: Matrix) -> None:
    """x += W_out relu(W_in x + b). A group that is 0 on the whole block, as most are, writes nothing."""
    starts, columns, weights = mlp.forms.start, mlp.forms.columns, mlp.forms.values
    out_starts, out_columns, out_weights = mlp.writes.start, mlp.writes.columns, mlp.writes.values
    written, form_of, first_unit, biases, signs = mlp.written, mlp.form_of, mlp.first_unit, mlp.bias, mlp.sign
    for j in range(len(written)):
        for i in range(BLOCK):
            added[written[j], i] = 0.0
    form = -1
    for g in range(len(form_of)):
        if form_of[g] != form:
            form = form_of[g]
            _form(z, starts, columns, weights, form, x)
        for i in range(BLOCK):
            t[i] = 0.0
        for u in range(first_unit[g], first_unit[g + 1]):
            bias, sign = biases[u], signs[u]
            for i in range(BLOCK):
                t[i] += sign * max(z[i] + bias, 0.0)
        some = 0.0
        for i in range(BLOCK):
            some = max(some, abs(t[i]))
        if some != 0.0:
            _write(added, out_starts, out_columns, out_weights, g, t)
    for j in range(len(written)):
        c = written[j]
        for i in range(BLOCK):
            x[c, i] += added[c, i]


@jit()
def _through(x: Matrix, added: Matrix, kept: Kept, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, first: int,
             count: int) -> None:  # fmt: skip
    """The stream of a block after a layer, from what is kept before it and what its heads read."""
    z, t = np.empty(BLOCK), np.empty(BLOCK)
    _load(x, kept, rows, first, count)
    _read_heads(x, heads, table, rows, first, count, z)
    _feed_forward(x, mlp, z, t, added)


@jit()
def _best_kind(scores: Matrix, i: int, plan: ReadoutPlan) -> int:
    """The kind of the best token; of several the first, as the reference has it. Its score goes to the last row."""
    kinds, best, score = len(plan.bits), -1, 0.0
    for kind in range(kinds):
        if kind == plan.mask:
            continue
        total = scores[kind, i]  # of integers: the order of a sum does not matter
        for j in range(plan.bits[kind]):
            total += max(scores[kinds + j, i], scores[kinds + plan.most_bits + j, i])
        if best < 0 or total > score:
            best, score = kind, total
    scores[-1, i] = score
    return best


@jit()
def _decay(gap: float) -> float:
    return DECAY[np.int64(gap)] if gap < 40.0 else 0.0


@jit()
def _probability(scores: Matrix, i: int, plan: ReadoutPlan) -> float:
    """Of the best token: 1 over the sum, over all tokens, of exp(score - best), which factors over a kind's bits."""
    kinds, total = len(plan.bits), 0.0
    for kind in range(kinds):
        if kind == plan.mask:
            continue
        best, spread = scores[kind, i], 1.0
        for j in range(plan.bits[kind]):
            one, zero = scores[kinds + j, i], scores[kinds + plan.most_bits + j, i]
            best += max(one, zero)
            spread *= 1.0 + _decay(abs(one - zero))
        total += spread * _decay(scores[-1, i] - best)
    return 1.0 / total


@jit()
def _read_out(
    x: Matrix, plan: ReadoutPlan, rows: Integers, tokens: Integers, mask: int, first: int, count: int, found: Found
) -> None:
    """The best token of each masked lane and its probability; the control bits of each lane."""
    starts, columns, weights = plan.forms.start, plan.forms.columns, plan.forms.values
    kinds, most, some = len(plan.bits), plan.most_bits, plan.control > 0
    for i in range(count):
        some |= tokens[rows[first + i]] == mask
        found.token[first + i], found.probability[first + i] = 0, 0.0
    if not some:
        return
    scores, z = np.empty((len(starts), BLOCK)), np.empty(BLOCK)
    for f in range(len(starts) - 1):
        _form(z, starts, columns, weights, f, x)
        for i in range(BLOCK):
            scores[f, i] = z[i]
    for i in range(count):
        for c in range(plan.control):
            found.control[first + i, c] = scores[kinds + 2 * most + c, i] + plan.control_bias[c] > 0.0
        if tokens[rows[first + i]] != mask:
            continue
        kind = _best_kind(scores, i, plan)
        token = plan.offsets[kind]
        for j in range(plan.bits[kind]):
            token += np.int64(scores[kinds + j, i] > scores[kinds + most + j, i]) << j
        found.token[first + i] = token
        found.probability[first + i] = _probability(scores, i, plan)


@jit()
def embed(plan: EmbedPlan, source: Indices, small: NDArray[np.uint8], large: Matrix, tokens: Integers, rows: Integers, place: Indices,
          kept: Kept) -> None:  # fmt: skip
    """E[token] + PE[position] of rows, in the columns that tokens write.

    source, place: [touched]: which column of `small` a column is, or of `large` after those, or -1; and where it is
    kept, wide ones after the narrow, or -1.
    """
    row, narrow = np.empty(len(plan.touched), np.int64), len(kept.columns.narrow)
    for r in rows:
        for c in range(len(row)):
            row[c] = 0
            if source[c] >= small.shape[1]:
                row[c] = np.int64(large[r, source[c] - small.shape[1]])
            elif source[c] >= 0:
                row[c] = small[r, source[c]]
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
                kept.wide[r // BLOCK, place[c] - narrow, r % BLOCK] = row[c]
            elif place[c] >= 0:
                kept.narrow[r // BLOCK, place[c], r % BLOCK] = row[c]


@jit()
def _place(tile: int, end: int, narrow: NDArray[np.int16], small: NDArray[np.uint8], place: Indices) -> None:
    for t in range(tile, end):
        first = t * BLOCK
        for j in range(small.shape[1]):
            if place[j] >= 0:
                for i in range(min(BLOCK, len(small) - first)):
                    narrow[t, place[j], i] = small[first + i, j]


@jit()
def _ask(block: int, end: int, heads: HeadPlan, kept: Kept, rows: Integers, asked: Asked, sink: Sink, faults: Integers,
         width: int) -> None:  # fmt: skip
    x, z, sizes, work = np.empty((width, BLOCK)), np.empty(BLOCK), np.empty(BLOCK), np.empty((5, BLOCK), np.int64)
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _load(x, kept, rows, first, count)
        for h in range(len(heads.silence)):
            faults[b] = max(faults[b], _ask_head(h, heads, x, z, work, sizes, asked, rows, first, count, sink))


@jit()
def _advance(block: int, end: int, before: Kept, after: Kept, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers,
             changed: NDArray[np.bool_], width: int) -> None:  # fmt: skip
    x, added = np.empty((width, BLOCK)), np.empty((width, BLOCK))
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _through(x, added, before, heads, mlp, table, rows, first, count)
        _store(x, after, rows, first, count, changed)


@jit()
def _finish(block: int, end: int, before: Kept, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, tokens: Integers,
            mask: int, plan: ReadoutPlan, found: Found, width: int) -> None:  # fmt: skip
    x, added = np.empty((width, BLOCK)), np.empty((width, BLOCK))
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _through(x, added, before, heads, mlp, table, rows, first, count)
        _read_out(x, plan, rows, tokens, mask, first, count, found)


def _blocks(rows: Integers) -> int:
    return (len(rows) + BLOCK - 1) // BLOCK


def place_small(kept: Kept, small: NDArray[np.uint8], place: Indices) -> None:
    """PE of all positions, of the columns that are bytes; place: [a], where each is kept, or -1."""
    spread(_place, len(kept.narrow), len(small) >= MANY, kept.narrow, small, place)


def ask(heads: HeadPlan, kept: Kept, rows: Integers, asked: Asked, sink: Sink, width: int) -> int:
    """Queries, keys and values of rows go to `asked`; a fault that was found, or 0."""
    faults = np.zeros(_blocks(rows), np.int64)
    spread(_ask, len(faults), len(rows) >= MANY, heads, kept, rows, asked, sink, faults, width)
    return int(faults.max(initial=0))


def advance(before: Kept, after: Kept, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, width: int) -> Integers:
    """Take rows through a layer; those whose stream after it is not what it was."""
    changed = np.empty(len(rows), np.bool_)
    spread(_advance, _blocks(rows), len(rows) >= MANY, before, after, heads, mlp, table, rows, changed, width)
    return rows[changed]


def finish(before: Kept, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, tokens: Integers, mask: int,
           plan: ReadoutPlan, width: int) -> Found:  # fmt: skip
    """Take rows through the last layer and read them out."""
    found = Found(np.empty(len(rows), np.int64), np.empty(len(rows)), np.empty((len(rows), plan.control), np.bool_))
    spread(_finish, _blocks(rows), len(rows) >= MANY, before, heads, mlp, table, rows, tokens, mask, plan, found, width)
    return found
