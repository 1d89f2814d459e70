"""Turns a model into the arrays that compiled kernels read: sparse forms, and the columns to store between layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import (
    EXACT_BITS,
    VANISHING,
    Bounds,
    FeedForward,
    Interval,
    bound,
    max_partial_sum,
    to_float64,
)
from lockstep.models.engines.distances import Distances, follow
from lockstep.models.engines.lookups import Lookup, parted, recognise
from lockstep.models.engines.session import Unsuitable
from lockstep.models.engines.shares import idealise
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.models.transformer import DTYPES, Transformer

Integers = NDArray[np.int64]
Matrix = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
#: The dtype that kernels compute in.
Real = type[np.float32] | type[np.float64]

FLOAT32, FLOAT64 = DTYPES["float32"], DTYPES["float64"]
#: Columns whose absolute values are below this are stored in 16 bits.
NARROW = 1 << 15


class Sparse(NamedTuple):
    """A sparse matrix by rows. Row i has `values[start[i] : start[i + 1]]` in the columns of the same slice of `columns`."""

    start: Indices
    columns: Indices
    values: Matrix


class HeadPlan(NamedTuple):
    """The lookups of one layer. The matches of head h start at `first_match[h]`, its values at `first_value[h]`.

    forms:   all queries, then all keys, then all values. bias_and_asks: the bias and asks of each head, in float64, since scores
             can be large.
    silence: [H]. half: [M]. low, shift, width: [values], how values are packed into 64 bits. writes: [values, d].
    reach:   [H], the most that matches can add to a key's bias. bounded: [H], whether queries lie within +-half for every
             stream. zero_value: [H], the packed value that adds nothing, or -1 if there is none.
    floor:   [H], how much less than the sink's score the recency of a key is that can be found; 0 for lookups, where it is more.
    cut:     [H], how much less a key scores that weighs 0: 0 for lookups.
    sums:    [H, 3], of a head that adds up: `most` and `more` of its share, and its largest sum; 0 for lookups.
    """

    forms: Sparse
    bias_and_asks: Sparse
    first_match: Indices
    half: Matrix
    silence: Matrix
    first_value: Indices
    low: Integers
    shift: Integers
    width: Integers
    writes: Sparse
    reach: Matrix
    bounded: NDArray[np.bool_]
    zero_value: Integers
    floor: Integers
    cut: Integers
    sums: Integers


class MlpPlan(NamedTuple):
    """One MLP. Group g adds `sum_i sign_i relu(form + bias_i)` times its row of `writes`.

    forms: each row is a form where `complete` is true, else the difference from the form before it.
    """

    forms: Sparse
    complete: NDArray[np.bool_]
    form_of: Indices
    first_unit: Indices
    bias: Matrix
    sign: Matrix
    writes: Sparse
    written: Indices  # the columns that some group writes


class Columns(NamedTuple):
    """The columns that this layer, a later one or the readout reads: stored in 16 bits, stored in 64 bits, and constant."""

    narrow: Indices
    wide: Indices
    fixed: Indices
    constants: Matrix


class ReadoutPlan(NamedTuple):
    """The readout. `forms` are the scores of kinds, of ones and of zeros, then the control bits.

    bits, offsets: the bits and the first token of each kind. mask: the number of the kind MASK. control: 0 or 3.
    """

    forms: Sparse
    bits: Indices
    offsets: Integers
    mask: int
    most_bits: int
    control: int
    control_bias: Matrix


class EmbedPlan(NamedTuple):
    """E[token]. `kinds` has the embedding of each kind's token 0, and `bits` the change by a bit that is 1.

    touched: the columns that tokens write; `kinds` and `bits` number their columns within it. kind_bits, offsets: the bits and
    the first token of each kind.
    """

    kinds: Sparse
    bits: Sparse
    touched: Indices
    kind_bits: Indices
    offsets: Integers


@dataclass(frozen=True)
class Plan:
    """The plan of a model. `columns[l]` are stored before layer l. distances: how far the reference may be from its integers.

    sink_kind: the kind of the token at position 0, which no other position ever holds; -1 where positions mark the first row.
    """

    heads: tuple[HeadPlan, ...]
    mlps: tuple[MlpPlan, ...]
    columns: tuple[Columns, ...]
    embed: EmbedPlan
    readout: ReadoutPlan
    sink_kind: int
    distances: Distances


def plan(model: Transformer, positions: Positions, first: int, starts: Sequence[int] = (0,)) -> Plan:
    """Recognise every head, and return the plan of a model.

    Args:   first: the token at position 0. starts: the first position of each sequence.
    Raises: Unsuitable: the kernels cannot compute this model.
    """
    if not model.layers:
        raise Unsuitable("it has no layers")
    if not all(len(layer.q) for layer in model.layers):
        raise Unsuitable("a layer has no heads")
    model, shares = idealise(model)
    bounds, real = _bounds(model, positions)
    sink, _ = model.vocabulary.split(first)
    sink_kind = [name for name, _ in model.vocabulary.kinds].index(sink)
    only_first, lookups = _only_first(model, positions, sink_kind), []
    if not only_first.any() and (marks := _marks(model, positions, starts)).any():
        sink_kind, only_first = -1, marks
    elif model.vocabulary.bits(sink):
        raise Unsuitable("the first token's kind has other tokens, too")
    for layer, each, x, feed_forward in zip(model.layers, shares, bounds.stages, bounds.feed_forwards):
        found = (recognise(model, layer, head, x, only_first, share) for head, share in enumerate(each))
        lookups.append([part for lookup in found for part in parted(lookup)])
        if any(max(max_partial_sum(p.queries, x), max_partial_sum(p.keys, x)) > 1 << EXACT_BITS[FLOAT32] for p in lookups[-1]):
            real = np.float64
        only_first = only_first & ~_written(lookups[-1], feed_forward, model.width)
    live = _live(model, lookups, bounds)
    return Plan(
        heads=tuple(_head_plan(*each, model, real) for each in zip(lookups, live, bounds.stages)),
        mlps=_with_dtype(real, tuple(_mlp_plan(mlp, after) for mlp, after in zip(bounds.feed_forwards, live[1:]))),
        columns=_with_dtype(real, tuple(_columns(alive, x) for alive, x in zip(live, bounds.stages[:-1]))),
        embed=_embed_plan(model, live[0]),
        readout=_with_dtype(real, _readout_plan(model)),
        sink_kind=sink_kind,
        distances=follow(model, lookups, bounds),
    )


def _bounds(model: Transformer, positions: Positions) -> tuple[Bounds, Real]:
    """Return the bounds and the kernels' dtype. It is float32, which has twice the lanes, if float32 holds every sum exactly.

    Two bits are left spare: a sum for a form that is stored as a difference can reach three times the size of the form.
    """
    try:
        return bound(model, positions, EXACT_BITS[FLOAT32] - 2), np.float32
    except Unsuitable:
        return bound(model, positions, EXACT_BITS[FLOAT64] - 2), np.float64


Part = TypeVar("Part")


def _with_dtype(real: Real, part: Part) -> Part:
    """Return a copy of a part of a plan with its float64 arrays converted to `real`."""
    if isinstance(part, np.ndarray) and part.dtype == np.float64:
        return part.astype(real)  # type: ignore[return-value]
    if isinstance(part, tuple):
        parts = (_with_dtype(real, each) for each in part)
        return type(part)(*parts) if hasattr(part, "_fields") else type(part)(parts)
    return part


def to_sparse(rows: Matrix, keep: NDArray[np.bool_] | None = None) -> Sparse:
    """Return the nonzero entries of a matrix, in the columns to keep."""
    kept = rows if keep is None else np.where(keep, rows, 0.0)
    row, column = np.nonzero(kept)
    start = np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int32)
    return Sparse(start, column.astype(np.int32), np.ascontiguousarray(kept[row, column]))


def _only_first(model: Transformer, positions: Positions, sink_kind: int) -> NDArray[np.bool_]:
    """Return the columns [d] that the first token's kind sets to 1 and that nothing else writes."""
    kind, one, zero = (to_float64(m) for m in (model.embedding.kind, model.embedding.one, model.embedding.zero))
    others = np.delete(kind, sink_kind, axis=0).any(axis=0) | one.any(axis=0) | zero.any(axis=0)
    low, high = positions.extremes()
    return np.asarray((kind[sink_kind] == 1) & ~others & (low == 0) & (high == 0))


def _marks(model: Transformer, positions: Positions, starts: Sequence[int]) -> NDArray[np.bool_]:
    """Return the columns [d] that positions set to 1 in the first row of each sequence alone, and that no token writes."""
    first, marks = np.asarray(starts, np.int64), np.zeros(positions.width, np.bool_)
    for number in np.flatnonzero(positions.unpacked(first).all(axis=0)).tolist():
        rows = positions.bits[:, number // 8] >> number % 8 & 1
        marks[positions.bit_columns[number]] = int(rows.sum()) == len(first)
    embedding = (model.embedding.kind, model.embedding.one, model.embedding.zero)
    return np.asarray(marks & ~np.any([to_float64(part).any(axis=0) for part in embedding], axis=0))


def _written(lookups: Sequence[Lookup], feed_forward: FeedForward, width: int) -> NDArray[np.bool_]:
    """Return which columns a layer writes, [d]."""
    written = np.zeros(width, bool)
    for writes in [*(p.writes for p in lookups), feed_forward.writes]:
        written |= writes.any(axis=0)
    return written


def _live(model: Transformer, lookups: Sequence[Sequence[Lookup]], bounds: Bounds) -> list[NDArray[np.bool_]]:
    """Return, for each stage, the columns that a later layer or the readout reads."""
    head = model.unembedding
    last = [head.kind, head.one, head.zero, *([model.control_weight] if model.control_weight is not None else [])]
    live = [np.any([to_float64(m).any(axis=0) for m in last], axis=0)]
    for heads, feed_forward in zip(reversed(lookups), reversed(bounds.feed_forwards)):
        read = live[0] | feed_forward.forms.any(axis=0)
        for x in heads:
            for form in (x.queries, x.keys, x.bias[None], x.asks[None], x.values):
                read = read | form.any(axis=0)
        live.insert(0, read)
    return live


def _columns(live: NDArray[np.bool_], x: Interval) -> Columns:
    fixed = live & (x.low == x.high)
    narrow = live & ~fixed & (x.size < NARROW)
    wide = live & ~narrow & ~fixed
    a, b, c = (np.flatnonzero(part).astype(np.int32) for part in (narrow, wide, fixed))
    return Columns(narrow=a, wide=b, fixed=c, constants=x.low[fixed])


def _starts(lengths: Sequence[int]) -> Indices:
    return np.cumsum([0, *lengths]).astype(np.int32)


def _head_plan(lookups: Sequence[Lookup], live: NDArray[np.bool_], x: Interval, model: Transformer, real: Real) -> HeadPlan:
    def stacked(parts: Sequence[Matrix]) -> Matrix:
        return np.concatenate([np.zeros((0, model.width)), *parts])

    own = [np.stack([p.bias, p.asks]) for p in lookups]
    groups = [[p.queries for p in lookups], [p.keys for p in lookups], [p.values for p in lookups]]
    shifts = [np.cumsum([0, *p.bits])[:-1] for p in lookups]
    found = HeadPlan(
        forms=to_sparse(stacked([m for part in groups for m in part])),
        bias_and_asks=to_sparse(stacked(own)),
        first_match=_starts([len(p.half) for p in lookups]),
        half=np.concatenate([np.zeros(0), *(p.half for p in lookups)]),
        silence=np.array([p.silence for p in lookups], float),
        first_value=_starts([len(p.low) for p in lookups]),
        low=np.concatenate([np.zeros(0, np.int64), *(p.low for p in lookups)]),
        shift=np.concatenate([np.zeros(0, np.int64), *shifts]).astype(np.int64),
        width=np.array([b for p in lookups for b in p.bits], np.int64),
        writes=to_sparse(stacked([p.writes for p in lookups]), live),
        reach=np.array([p.half @ x.image_under(p.keys).size for p in lookups], float),
        bounded=np.array([bool((x.image_under(p.queries).size <= p.half).all()) for p in lookups], bool),
        zero_value=np.array([_packed_zero(p, s) for p, s in zip(lookups, shifts)], np.int64),
        floor=np.array([p.share.exponent if p.share else 0 for p in lookups], np.int64),
        cut=np.array([math.ceil(VANISHING[model.dtype]) if p.share else 0 for p in lookups], np.int64),
        sums=np.array([(p.share.most, p.share.more, p.largest) if p.share else (0, 0, 0) for p in lookups], np.int64).reshape(
            -1, 3
        ),
    )
    return _with_dtype(real, found)._replace(bias_and_asks=found.bias_and_asks, reach=found.reach)


def _packed_zero(lookup: Lookup, shifts: Integers) -> int:
    """Return the packed value whose parts are all 0, or -1 if some part cannot be 0."""
    if (lookup.low > 0).any() or any(-low >> bits for low, bits in zip(lookup.low.tolist(), lookup.bits)):
        return -1
    return sum(-low << shift for low, shift in zip(lookup.low.tolist(), shifts.tolist()))


def _mlp_plan(mlp: FeedForward, live: NDArray[np.bool_]) -> MlpPlan:
    groups = np.flatnonzero(mlp.writes[:, live].any(axis=1))
    groups = groups[np.argsort(mlp.form_of[groups], kind="stable")]
    units, writes = mlp.units(groups), mlp.writes[groups]
    used, form_of = np.unique(mlp.form_of[groups], return_inverse=True)
    forms, complete = as_differences(mlp.forms[used])
    return MlpPlan(
        forms=to_sparse(forms),
        complete=complete,
        form_of=form_of.astype(np.int32),
        first_unit=_starts(np.diff(mlp.first_unit)[groups].tolist()),
        bias=mlp.biases[units],
        sign=mlp.signs[units],
        writes=to_sparse(writes, live),
        written=np.flatnonzero(live & writes.any(axis=0)).astype(np.int32),
    )


def as_differences(forms: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """Store each row as its difference from the row before where that has fewer entries, and return which rows are complete.

    This leaves a third of the entries for the carries of a sum.
    """
    added = np.diff(forms, axis=0, prepend=np.zeros((1, forms.shape[1])))
    complete = np.count_nonzero(forms, axis=1) <= np.count_nonzero(added, axis=1)
    return np.where(complete[:, None], forms, added), complete


def _embed_plan(model: Transformer, live: NDArray[np.bool_]) -> EmbedPlan:
    kind, one, zero = (to_float64(m) for m in (model.embedding.kind, model.embedding.one, model.embedding.zero))
    kinds = model.vocabulary.kinds
    rows = np.array([kind[i] + zero[:bits].sum(axis=0) for i, (_, bits) in enumerate(kinds)])
    touched = np.flatnonzero(live & (rows.any(axis=0) | (one - zero).any(axis=0)))
    offsets = [model.vocabulary.offsets[name] for name, _ in kinds]
    return EmbedPlan(
        kinds=to_sparse(rows[:, touched]),
        bits=to_sparse((one - zero)[:, touched]),
        touched=touched.astype(np.int32),
        kind_bits=np.array([bits for _, bits in kinds], np.int32),
        offsets=np.array(offsets, np.int64),
    )


def _readout_plan(model: Transformer) -> ReadoutPlan:
    head, vocabulary = model.unembedding, model.vocabulary
    parts, bias = [to_float64(m) for m in (head.kind, head.one, head.zero)], np.zeros(0)
    if model.control_weight is not None and model.control_bias is not None:
        parts.append(to_float64(model.control_weight))
        bias = to_float64(model.control_bias)
    names = [name for name, _ in vocabulary.kinds]
    return ReadoutPlan(
        forms=to_sparse(np.concatenate(parts)),
        bits=np.array([bits for _, bits in vocabulary.kinds], np.int32),
        offsets=np.array([vocabulary.offsets[name] for name in names], np.int64),
        mask=names.index(MASK),
        most_bits=vocabulary.most_bits,
        control=len(bias),
        control_bias=bias,
    )
