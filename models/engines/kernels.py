"""Compiled kernels that compute rows of a layer - the reads of their heads, the MLP - and the readout."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.jit import jit, run_in_threads
from lockstep.models.engines.plan import HeadPlan, Integers, Matrix, MlpPlan, ReadoutPlan
from lockstep.models.engines.records import ROW_READ
from lockstep.models.engines.sizes import BLOCK, MIN_ROWS_FOR_THREADS
from lockstep.models.engines.streams import StoredStream, blocks, evaluate, gather, load, store, write

#: exp(-gap) for gaps of logits, which are integers. For larger gaps, adding it to 1 gives 1 in float64.
DECAY = np.exp(-np.arange(40.0))


class RowPredictions(NamedTuple):
    """Predictions of n rows: token [n], probability [n], control bits [n, 0 or 3]. In models without control bits, rows
    that hold no mask have probability 0."""

    token: Integers
    probability: Matrix
    control: NDArray[np.bool_]


@jit()
def _read_heads(x: Matrix, heads: HeadPlan, table: Integers, rows: Integers, first: int, count: int, z: Matrix) -> None:
    """Add what each head reads to the stream. table: [H, N, ROW]."""
    starts, columns, weights = heads.writes.start, heads.writes.columns, heads.writes.values
    got = np.empty(BLOCK, np.int64)
    for h in range(len(heads.silence)):
        some = False
        for i in range(count):
            got[i] = table[h, rows[first + i], ROW_READ]
            some |= got[i] != heads.zero_value[h]
        if not some:
            continue
        for v in range(heads.first_value[h], heads.first_value[h + 1]):
            mask, shift, low = (np.int64(1) << heads.width[v]) - 1, heads.shift[v], heads.low[v]
            for i in range(count):
                z[i] = ((got[i] >> shift) & mask) + low
            z[count:] = 0.0
            write(x, starts, columns, weights, v, z)


@jit()
def _units(t: Matrix, z: Matrix, first: int, end: int, biases: Matrix, signs: Matrix) -> bool:
    """t [BLOCK] = the sum of sign relu(z + bias) over hidden units. Return whether some t is not 0."""
    zero, u = biases.dtype.type(0), first
    if (end - first) % 2:
        bias, sign, u = biases[first], signs[first], first + 1
        for i in range(BLOCK):
            value = z[i] + bias
            t[i] = sign * (value if value > zero else zero)
    else:
        for i in range(BLOCK):
            t[i] = zero
    while u < end:  # two at a time: nearly all groups are pairs
        a, p, b, q = biases[u], signs[u], biases[u + 1], signs[u + 1]
        for i in range(BLOCK):
            v, w = z[i] + a, z[i] + b
            t[i] += p * (v if v > zero else zero) + q * (w if w > zero else zero)
        u += 2
    some = 0
    for i in range(BLOCK):  # a count: compilers use SIMD for it, but not for a maximum of floats
        some += 1 if t[i] != zero else 0
    return some > 0


@jit()
def _feed_forward(x: Matrix, mlp: MlpPlan, z: Matrix, t: Matrix, added: Matrix) -> None:
    """x += W_out relu(W_in x + b). Most groups are 0 on the whole block, and their writes are skipped."""
    starts, columns, weights, complete = mlp.forms.start, mlp.forms.columns, mlp.forms.values, mlp.complete
    out_starts, out_columns, out_weights = mlp.writes.start, mlp.writes.columns, mlp.writes.values
    written, form_of, first_unit, biases, signs = mlp.written, mlp.form_of, mlp.first_unit, mlp.bias, mlp.sign
    for j in range(len(written)):
        c = written[j]
        for i in range(BLOCK):
            added[c, i] = 0.0
    form = -1
    for g in range(len(form_of)):
        if form_of[g] != form:  # forms come in order, since one may be stored as the difference from the one before it
            form = form_of[g]
            if complete[form]:
                for i in range(BLOCK):
                    z[i] = 0.0
            gather(z, starts, columns, weights, form, x)
        if _units(t, z, first_unit[g], first_unit[g + 1], biases, signs):
            write(added, out_starts, out_columns, out_weights, g, t)
    for j in range(len(written)):
        c = written[j]
        for i in range(BLOCK):
            x[c, i] += added[c, i]


@jit()
def _compute_block(x: Matrix, added: Matrix, stored: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers,
                   rows: Integers, first: int, count: int) -> None:  # fmt: skip
    """Compute the stream of a block after a layer, from the stored stream before it and the reads of its heads."""
    z, t = np.empty(BLOCK, x.dtype), np.empty(BLOCK, x.dtype)
    load(x, stored, rows, first, count)
    _read_heads(x, heads, table, rows, first, count, z)
    _feed_forward(x, mlp, z, t, added)


@jit()
def _best_kind(scores: Matrix, i: int, plan: ReadoutPlan) -> int:
    """Return the kind of the best token; of several, the first, like the reference. Its score is stored in the last row."""
    kinds, best, score = len(plan.bits), -1, 0.0
    for kind in range(kinds):
        if kind == plan.mask:
            continue
        total = scores[kind, i]  # sums of integers, so their order does not matter
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
    """Return the probability of the best token: 1 / sum of exp(score - best) over all tokens, which factors over kinds' bits."""
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
    x: Matrix, plan: ReadoutPlan, rows: Integers, tokens: Integers, mask: int, first: int, count: int, found: RowPredictions
) -> None:
    """Compute the best token of each masked lane and its probability, and the control bits of each lane."""
    starts, columns, weights = plan.forms.start, plan.forms.columns, plan.forms.values
    kinds, most, some = len(plan.bits), plan.most_bits, plan.control > 0
    for i in range(count):
        some |= tokens[rows[first + i]] == mask
        found.token[first + i], found.probability[first + i] = 0, 0.0
    if not some:
        return
    scores, z = np.empty((len(starts), BLOCK), x.dtype), np.empty(BLOCK, x.dtype)
    for f in range(len(starts) - 1):
        evaluate(z, starts, columns, weights, f, x)
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
def _advance(block: int, end: int, before: StoredStream, after: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers,
             rows: Integers, changed: NDArray[np.bool_], width: int) -> None:  # fmt: skip
    x, added = np.empty((width, BLOCK), mlp.bias.dtype), np.empty((width, BLOCK), mlp.bias.dtype)
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _compute_block(x, added, before, heads, mlp, table, rows, first, count)
        store(x, after, rows, first, count, changed)


@jit()
def _finish(block: int, end: int, before: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers,
            tokens: Integers, mask: int, plan: ReadoutPlan, found: RowPredictions, width: int) -> None:  # fmt: skip
    x, added = np.empty((width, BLOCK), mlp.bias.dtype), np.empty((width, BLOCK), mlp.bias.dtype)
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _compute_block(x, added, before, heads, mlp, table, rows, first, count)
        _read_out(x, plan, rows, tokens, mask, first, count, found)


@jit()
def _score(block: int, end: int, before: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers,
           plan: ReadoutPlan, scores: Matrix, width: int) -> None:  # fmt: skip
    x, added = np.empty((width, BLOCK), mlp.bias.dtype), np.empty((width, BLOCK), mlp.bias.dtype)
    starts, columns, weights, z = plan.forms.start, plan.forms.columns, plan.forms.values, np.empty(BLOCK, x.dtype)
    for b in range(block, end):
        first = b * BLOCK
        count = min(BLOCK, len(rows) - first)
        _compute_block(x, added, before, heads, mlp, table, rows, first, count)
        for f in range(len(scores)):
            evaluate(z, starts, columns, weights, f, x)
            for i in range(count):
                scores[f, first + i] = z[i]


def scores(before: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, plan: ReadoutPlan,
           width: int) -> Matrix:  # fmt: skip
    """Compute rows of the last layer, and the forms of their readout: kinds, ones, zeros, control bits; [forms, rows]."""
    found = np.empty((len(plan.forms.start) - 1, len(rows)), mlp.bias.dtype)
    run_in_threads(_score, blocks(rows), len(rows) >= MIN_ROWS_FOR_THREADS, before, heads, mlp, table, rows, plan, found, width)
    return found


def advance(before: StoredStream, after: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers,
            edited: Integers, width: int) -> Integers:  # fmt: skip
    """Compute rows of a layer. Return those whose stream after it changed, and those of `edited`, which are among `rows`."""
    changed = np.empty(len(rows), np.bool_)
    run_in_threads(
        _advance, blocks(rows), len(rows) >= MIN_ROWS_FOR_THREADS, before, after, heads, mlp, table, rows, changed, width
    )
    if len(edited) == len(rows):
        return rows
    changed[np.searchsorted(rows, edited)] = True
    return rows[changed]


def finish(before: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, tokens: Integers, mask: int,
           plan: ReadoutPlan, width: int) -> RowPredictions:  # fmt: skip
    """Compute rows of the last layer and their readout. If the model has no control bits, rows without a mask are skipped."""
    if plan.control:
        return _finished(before, heads, mlp, table, rows, tokens, mask, plan, width)
    masked = tokens[rows] == mask
    part = _finished(before, heads, mlp, table, rows[masked], tokens, mask, plan, width)
    found = RowPredictions(np.zeros(len(rows), np.int64), np.zeros(len(rows)), np.empty((len(rows), 0), np.bool_))
    found.token[masked], found.probability[masked] = part.token, part.probability
    return found


def _finished(before: StoredStream, heads: HeadPlan, mlp: MlpPlan, table: Integers, rows: Integers, tokens: Integers, mask: int,
              plan: ReadoutPlan, width: int) -> RowPredictions:  # fmt: skip
    found = RowPredictions(np.empty(len(rows), np.int64), np.empty(len(rows)), np.empty((len(rows), plan.control), np.bool_))
    run_in_threads(
        _finish,
        blocks(rows),
        len(rows) >= MIN_ROWS_FOR_THREADS,
        before,
        heads,
        mlp,
        table,
        rows,
        tokens,
        mask,
        plan,
        found,
        width,
    )
    return found
