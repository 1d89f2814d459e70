"""Compiled kernels that compute rows: embedding, a layer's keys and queries, its MLP, the readout.

Rows are taken in blocks of BLOCK and the stream of a block is held as [d, BLOCK], so that each nonzero weight is
one SIMD multiply-add over the block. All numbers are integers that float64 holds exactly (`models.engines.bounds`).
Each kernel is compiled twice, for few rows and, on all cores, for many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.engines.plan import Columns, EmbedPlan, HeadPlan, Indices, Integers, Matrix, MlpPlan, ReadoutPlan, Sparse

BLOCK = 64
#: From so many rows on, threads are worth waking.
MANY = 512

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

#: No recency, no code, no row.
NONE = -(1 << 62)


def _jit(**options: Any) -> Callable[[Any], Any]:
    """Numba's compiler with its cache, or without it where nothing can be written."""

    def compile(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # no place for the cache
            return numba.njit(nogil=True, **options)(function)

    return compile


class Kept(NamedTuple):
    """What is kept of every row before a layer: int16 [N, a] and int64 [N, b]."""

    columns: Columns
    narrow: NDArray[np.int16]
    wide: Integers


class Asked(NamedTuple):
    """What n rows ask and answer in the H heads of a layer; all [H, n].

    query: the bits of a row's query, or -1 if it does not ask. key, care: the bits of its key and which of them it
    cares for; key is -1 if no row can find it. recency, value: of the key; the value packed.
    """

    query: Integers
    key: Integers
    care: Integers
    recency: Integers
    value: Integers


class Sink(NamedTuple):
    """The first row in each head [H]: its score for rows that ask, its packed value, and the most that a recency may be."""

    score: Integers
    value: Integers
    limit: Integers


class Found(NamedTuple):
    """Predictions of n rows: token [n], probability [n], control bits [n, 0 or 3]."""

    token: Integers
    probability: Matrix
    control: NDArray[np.bool_]


@_jit()
def _load(x: Matrix, kept: Kept, rows: Integers, first: int, count: int) -> None:
    """The stream of a block; lanes beyond `count` are 0."""
    x[:] = 0.0
    for j in range(len(kept.columns.narrow)):
        lanes = x[kept.columns.narrow[j]]
        for i in range(count):
            lanes[i] = kept.narrow[rows[first + i], j]
    for j in range(len(kept.columns.wide)):
        lanes = x[kept.columns.wide[j]]
        for i in range(count):
            lanes[i] = kept.wide[rows[first + i], j]


@_jit()
def _form(z: Matrix, forms: Sparse, f: int, x: Matrix) -> None:
    """z [BLOCK] = one row of a matrix times the stream."""
    for i in range(BLOCK):
        z[i] = 0.0
    for e in range(forms.start[f], forms.start[f + 1]):
        weight, lanes = forms.values[e], x[forms.columns[e]]
        for i in range(BLOCK):
            z[i] += weight * lanes[i]


@_jit()
def _write(x: Matrix, writes: Sparse, f: int, z: Matrix) -> None:
    """The stream plus z [BLOCK] times one row of a matrix."""
    for e in range(writes.start[f], writes.start[f + 1]):
        weight, lanes = writes.values[e], x[writes.columns[e]]
        for i in range(BLOCK):
            lanes[i] += weight * z[i]


@_jit()
def _ask_head(h: int, heads: HeadPlan, x: Matrix, z: Matrix, work: Integers, sizes: Matrix, asked: Asked, rows: Integers,
              first: int, count: int, sink: Sink) -> int:  # fmt: skip
    """One head of a block; the first fault found, or 0. work: [5, BLOCK]; sizes: [BLOCK]."""
    matches, many = len(heads.half), len(heads.silence)
    fault = 0
    query, key, care, bad, value = work[0], work[1], work[2], work[3], work[4]
    work[:] = 0
    sizes[:] = 0.0
    for bit, m in enumerate(range(heads.first_match[h], heads.first_match[h + 1])):
        half, one = heads.half[m], np.int64(1) << np.int64(bit)
        _form(z, heads.forms, m, x)
        for i in range(BLOCK):
            query[i] |= one * (z[i] == half)
            bad[i] |= np.int64((z[i] != half) & (z[i] != -half))
        _form(z, heads.forms, matches + m, x)
        for i in range(BLOCK):
            key[i] |= one * (z[i] == 1.0)
            care[i] |= one * (z[i] != 0.0)
            bad[i] |= np.int64(2) * ((z[i] != 0.0) & (z[i] != 1.0) & (z[i] != -1.0))
            sizes[i] += half * abs(z[i])
    for v in range(heads.first_value[h], heads.first_value[h + 1]):
        _form(z, heads.forms, 2 * matches + 2 * many + v, x)
        for i in range(BLOCK):
            value[i] |= (np.int64(z[i]) - heads.low[v]) << heads.shift[v]
    _form(z, heads.forms, 2 * matches + 2 * h, x)
    for i in range(BLOCK):
        sizes[i] += z[i]
    _form(z, heads.forms, 2 * matches + 2 * h + 1, x)
    for i in range(count):
        at, recency = first + i, np.int64(sizes[i])
        asked.query[h, at] = query[i] if z[i] == 0.0 else -1
        asked.value[h, at] = value[i]
        asked.recency[h, at] = recency
        asked.care[h, at] = care[i]
        asked.key[h, at] = key[i] if recency > sink.score[h] else -1
        if bad[i] & 1:
            fault = QUERY
        if z[i] != 0.0 and z[i] != heads.silence[h]:
            fault = ASKS
        if rows[at] == 0:
            if care[i] != 0 or recency != sink.score[h] or value[i] != sink.value[h]:
                fault = SINK
        elif recency == sink.score[h]:
            fault = TIE
        elif recency > sink.score[h]:
            if recency > sink.limit[h]:
                fault = RECENCY
            if bad[i] & 2:
                fault = KEY
    return fault


@_jit()
def _ask_block(heads: HeadPlan, kept: Kept, rows: Integers, first: int, count: int, asked: Asked, sink: Sink, width: int) -> int:
    x, z, sizes, work = np.empty((width, BLOCK)), np.empty(BLOCK), np.empty(BLOCK), np.empty((5, BLOCK), np.int64)
    _load(x, kept, rows, first, count)
    fault = 0
    for h in range(len(heads.silence)):
        fault = max(fault, _ask_head(h, heads, x, z, work, sizes, asked, rows, first, count, sink))
    return fault


def _ask(heads: HeadPlan, kept: Kept, rows: Integers, asked: Asked, sink: Sink, width: int) -> int:
    """Queries, keys and values of rows; the largest fault."""
    blocks = (len(rows) + BLOCK - 1) // BLOCK
    faults = np.zeros(blocks, np.int64)
    for b in numba.prange(blocks):
        first = b * BLOCK
        faults[b] = _ask_block(heads, kept, rows, first, min(BLOCK, len(rows) - first), asked, sink, width)
    fault = 0
    for b in range(blocks):
        fault = max(fault, faults[b])
    return fault


@_jit()
def _read_heads(x: Matrix, heads: HeadPlan, got: Integers, rows: Integers, first: int, count: int, z: Matrix) -> None:
    """Add what each head reads."""
    for h in range(len(heads.silence)):
        for v in range(heads.first_value[h], heads.first_value[h + 1]):
            mask, some = (np.int64(1) << heads.width[v]) - 1, False
            for i in range(BLOCK):
                z[i] = 0.0
            for i in range(count):
                value = ((got[h, rows[first + i]] >> heads.shift[v]) & mask) + heads.low[v]
                some |= value != 0
                z[i] = value
            if some:
                _write(x, heads.writes, v, z)


@_jit()
def _feed_forward(x: Matrix, mlp: MlpPlan, z: Matrix, t: Matrix, added: Matrix) -> None:
    """x += W_out relu(W_in x + b). A group that is 0 on the whole block, as most are, writes nothing."""
    for c in range(len(mlp.written)):
        lanes = added[mlp.written[c]]
        for i in range(BLOCK):
            lanes[i] = 0.0
    form = -1
    for g in range(len(mlp.form_of)):
        if mlp.form_of[g] != form:
            form = mlp.form_of[g]
            _form(z, mlp.forms, form, x)
        for i in range(BLOCK):
            t[i] = 0.0
        for u in range(mlp.first_unit[g], mlp.first_unit[g + 1]):
            bias, sign = mlp.bias[u], mlp.sign[u]
            for i in range(BLOCK):
                t[i] += sign * max(z[i] + bias, 0.0)
        some = False
        for i in range(BLOCK):
            some |= t[i] != 0.0
        if some:
            _write(added, mlp.writes, g, t)
    for c in range(len(mlp.written)):
        lanes, more = x[mlp.written[c]], added[mlp.written[c]]
        for i in range(BLOCK):
            lanes[i] += more[i]


@_jit()
def _through(x: Matrix, kept: Kept, heads: HeadPlan, mlp: MlpPlan, got: Integers, rows: Integers, first: int, count: int) -> None:
    """The stream of a block after a layer, from what is kept before it and what its heads read."""
    z, t, added = np.empty(BLOCK), np.empty(BLOCK), np.empty(x.shape)
    _load(x, kept, rows, first, count)
    _read_heads(x, heads, got, rows, first, count, z)
    _feed_forward(x, mlp, z, t, added)


@_jit()
def _store(x: Matrix, kept: Kept, rows: Integers, first: int, count: int, changed: NDArray[np.bool_]) -> None:
    """Keep a block's stream; which rows were not so before."""
    for i in range(count):
        changed[first + i] = False
    for j in range(len(kept.columns.narrow)):
        lanes = x[kept.columns.narrow[j]]
        for i in range(count):
            new = np.int16(lanes[i])
            changed[first + i] |= kept.narrow[rows[first + i], j] != new
            kept.narrow[rows[first + i], j] = new
    for j in range(len(kept.columns.wide)):
        lanes = x[kept.columns.wide[j]]
        for i in range(count):
            large = np.int64(lanes[i])
            changed[first + i] |= kept.wide[rows[first + i], j] != large
            kept.wide[rows[first + i], j] = large


def _advance(before: Kept, after: Kept, heads: HeadPlan, mlp: MlpPlan, got: Integers, rows: Integers, changed: NDArray[np.bool_],
             width: int) -> None:  # fmt: skip
    """A layer for some rows: what is kept after it, and which rows changed."""
    blocks = (len(rows) + BLOCK - 1) // BLOCK
    for b in numba.prange(blocks):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        x = np.empty((width, BLOCK))
        _through(x, before, heads, mlp, got, rows, first, count)
        _store(x, after, rows, first, count, changed)


@_jit()
def _best_kind(scores: Matrix, i: int, plan: ReadoutPlan) -> int:
    """The kind of the best token; of several the first, as the reference has it. Its score goes to the last row."""
    kinds, best, score, bits, done = len(plan.bits), -1, 0.0, 0.0, 0
    # Kinds are compared with their bits' best scores; sums are of integers, so their order does not matter.
    for kind in range(kinds):
        if kind == plan.mask:
            continue
        bits, done = 0.0, 0
        while done < plan.bits[kind]:
            bits += max(scores[kinds + done, i], scores[kinds + plan.most_bits + done, i])
            done += 1
        if best < 0 or scores[kind, i] + bits > score:
            best, score = kind, scores[kind, i] + bits
    scores[-1, i] = score
    return best


@_jit()
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
            gap = abs(one - zero)
            spread *= 1.0 + (np.exp(-gap) if gap < 40.0 else 0.0)
        below = scores[-1, i] - best
        total += spread * (np.exp(-below) if below < 40.0 else 0.0)
    return 1.0 / total


@_jit()
def _read_out(x: Matrix, plan: ReadoutPlan, first: int, count: int, found: Found) -> None:
    """The best token of each lane, its probability, its control bits."""
    kinds, most = len(plan.bits), plan.most_bits
    forms = kinds + 2 * most + plan.control
    scores = np.empty((forms + 1, BLOCK))
    for f in range(forms):
        _form(scores[f], plan.forms, f, x)
    for i in range(count):
        kind = _best_kind(scores, i, plan)
        token = plan.offsets[kind]
        for j in range(plan.bits[kind]):
            token += np.int64(scores[kinds + j, i] > scores[kinds + most + j, i]) << j
        found.token[first + i] = token
        found.probability[first + i] = _probability(scores, i, plan)
        for c in range(plan.control):
            found.control[first + i, c] = scores[kinds + 2 * most + c, i] + plan.control_bias[c] > 0.0


def _finish(before: Kept, heads: HeadPlan, mlp: MlpPlan, got: Integers, rows: Integers, plan: ReadoutPlan, found: Found,
            width: int) -> None:  # fmt: skip
    """The last layer and the readout for some rows."""
    blocks = (len(rows) + BLOCK - 1) // BLOCK
    for b in numba.prange(blocks):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        x = np.empty((width, BLOCK))
        _through(x, before, heads, mlp, got, rows, first, count)
        _read_out(x, plan, first, count, found)


@_jit()
def embed(plan: EmbedPlan, bits: Indices, offsets: Integers, small_columns: Integers, small: NDArray[np.uint8],
          large_columns: Integers, large: Matrix, tokens: Integers, rows: Integers, place: Indices, kept: Kept) -> None:  # fmt: skip
    """E[token] + PE[position] of rows; place: where a column is kept, [d], wide ones after the narrow, -1 for none."""
    narrow = len(kept.columns.narrow)
    row = np.empty(narrow + len(kept.columns.wide), np.int64)
    for r in rows:
        row[:] = 0
        for j in range(len(small_columns)):
            if place[small_columns[j]] >= 0:
                row[place[small_columns[j]]] = small[r, j]
        for j in range(len(large_columns)):
            if place[large_columns[j]] >= 0:
                row[place[large_columns[j]]] = np.int64(large[r, j])
        kind = len(offsets) - 1
        while tokens[r] < offsets[kind]:
            kind -= 1
        for e in range(plan.kinds.start[kind], plan.kinds.start[kind + 1]):
            row[place[plan.kinds.columns[e]]] += np.int64(plan.kinds.values[e])
        value = tokens[r] - offsets[kind]
        for j in range(bits[kind]):
            if value >> j & 1:
                for e in range(plan.bits.start[j], plan.bits.start[j + 1]):
                    row[place[plan.bits.columns[e]]] += np.int64(plan.bits.values[e])
        for j in range(narrow):
            kept.narrow[r, j] = row[j]
        for j in range(len(kept.columns.wide)):
            kept.wide[r, j] = row[narrow + j]


_FEW = {f: _jit()(f) for f in (_ask, _advance, _finish)}
_MANY = {f: _jit(parallel=True)(f) for f in (_ask, _advance, _finish)}


def _sized(kernel: Any, rows: Integers) -> Any:
    return (_FEW if len(rows) < MANY else _MANY)[kernel]


def ask(heads: HeadPlan, kept: Kept, rows: Integers, asked: Asked, sink: Sink, width: int) -> int:
    """Queries, keys and values of rows go to `asked`; the largest fault found, or 0."""
    return int(_sized(_ask, rows)(heads, kept, rows, asked, sink, width))


def advance(before: Kept, after: Kept, heads: HeadPlan, mlp: MlpPlan, got: Integers, rows: Integers, width: int) -> Integers:
    """Take rows through a layer; those whose stream after it is not what it was."""
    changed = np.empty(len(rows), np.bool_)
    _sized(_advance, rows)(before, after, heads, mlp, got, rows, changed, width)
    return rows[changed]


def finish(before: Kept, heads: HeadPlan, mlp: MlpPlan, got: Integers, rows: Integers, plan: ReadoutPlan, width: int) -> Found:
    """Take rows through the last layer and read them out."""
    found = Found(np.empty(len(rows), np.int64), np.empty(len(rows)), np.empty((len(rows), plan.control), np.bool_))
    _sized(_finish, rows)(before, heads, mlp, got, rows, plan, found, width)
    return found
