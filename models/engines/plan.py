"""A model as the arrays that compiled kernels read: sparse forms, and what of each row is kept between layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.engines.bounds import Bounds, FeedForward, Interval, Matrix, Unsuitable, bound, exact
from models.engines.lookups import Lookup, recognise
from models.positions import Positions
from models.tokens import MASK
from models.transformer import Transformer

Integers = NDArray[np.int64]
Indices = NDArray[np.int32]

#: Columns whose range fits are kept in 16 bits.
NARROW = 1 << 15


class Sparse(NamedTuple):
    """The rows of a matrix: row i has `values[start[i] : start[i + 1]]` in `columns`."""

    start: Indices
    columns: Indices
    values: Matrix


class HeadPlan(NamedTuple):
    """The lookups of one layer; head h has the matches `first_match[h]` .. and the values `first_value[h]` ...

    forms:   first all queries, then all keys, each head's bias and asks, then all values.
    silence: [H]. half: [M]. low, shift, width: [values], how values pack into 64 bits. writes: [values, d].
    """

    forms: Sparse
    first_match: Indices
    half: Matrix
    silence: Matrix
    first_value: Indices
    low: Integers
    shift: Integers
    width: Integers
    writes: Sparse


class MlpPlan(NamedTuple):
    """One MLP: group g adds `sum_i sign_i relu(form + bias_i)` times its row of `writes`."""

    forms: Sparse
    form_of: Indices
    first_unit: Indices
    bias: Matrix
    sign: Matrix
    writes: Sparse
    written: Indices  # the columns that some group writes


class Columns(NamedTuple):
    """What of a row is kept before a layer: the columns that something reads from there on."""

    narrow: Indices
    wide: Indices


class ReadoutPlan(NamedTuple):
    """Scores of kinds, of ones, of zeros, control bits; bits of each kind, its first token; -1 for MASK's bits."""

    forms: Sparse
    bits: Indices
    offsets: Integers
    mask: int
    most_bits: int
    control: int
    control_bias: Matrix


class EmbedPlan(NamedTuple):
    """E[token]: `kinds` has the row of each kind with the zeros of its bits, `bits` what a bit that is 1 changes."""

    kinds: Sparse
    bits: Sparse


@dataclass(frozen=True)
class Plan:
    """All of a model; `columns[l]` are kept before layer l."""

    heads: tuple[HeadPlan, ...]
    mlps: tuple[MlpPlan, ...]
    columns: tuple[Columns, ...]
    embed: EmbedPlan
    readout: ReadoutPlan
    sink_kind: int


def plan(model: Transformer, positions: Positions, first: int) -> Plan:
    """Recognise every head and lay the model out.

    Args:   first: the token at position 0, which no other position ever holds.
    Raises: Unsuitable: something in it is not what the kernels compute.
    """
    if not model.layers:
        raise Unsuitable("it has no layers")
    bounds = bound(model, positions)
    sink, _ = model.vocabulary.split(first)
    sink_kind = [name for name, _ in model.vocabulary.kinds].index(sink)
    if model.vocabulary.bits(sink):
        raise Unsuitable("the first token's kind has other tokens, too")
    lookups = []
    only_first = _only_first(model, positions, sink_kind)
    for layer, x, feed_forward in zip(model.layers, bounds.stages, bounds.feed_forwards):
        lookups.append([recognise(model, layer, head, x, only_first) for head in range(len(layer.q))])
        only_first = only_first & ~_written(lookups[-1], feed_forward, model.width)
    live = _live(model, lookups, bounds)
    return Plan(
        tuple(_head_plan(heads, after, model.width) for heads, after in zip(lookups, live)),
        tuple(_mlp_plan(mlp, after) for mlp, after in zip(bounds.feed_forwards, live[1:])),
        tuple(_columns(alive, x) for alive, x in zip(live, bounds.stages[:-1])),
        _embed_plan(model, live[0]),
        _readout_plan(model),
        sink_kind,
    )


def sparse(rows: Matrix, keep: NDArray[np.bool_] | None = None) -> Sparse:
    """The nonzero entries of a matrix, of the columns to keep."""
    kept = rows if keep is None else np.where(keep, rows, 0.0)
    row, column = np.nonzero(kept)
    start = np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int32)
    return Sparse(start, column.astype(np.int32), np.ascontiguousarray(kept[row, column]))


def _only_first(model: Transformer, positions: Positions, sink_kind: int) -> NDArray[np.bool_]:
    """Columns that the first token's kind sets to 1 and nothing else touches."""
    kind, one, zero = (exact(m) for m in (model.embedding.kind, model.embedding.one, model.embedding.zero))
    others = np.delete(kind, sink_kind, axis=0).any(axis=0) | one.any(axis=0) | zero.any(axis=0)
    low, high = positions.extremes()
    return np.asarray((kind[sink_kind] == 1) & ~others & (low == 0) & (high == 0))


def _written(lookups: Sequence[Lookup], feed_forward: FeedForward, width: int) -> NDArray[np.bool_]:
    """The columns that a layer writes."""
    written = np.zeros(width, bool)
    for writes in [*(x.writes for x in lookups), *(g.writes[None] for g in feed_forward.groups)]:
        written |= writes.any(axis=0)
    return written


def _live(model: Transformer, lookups: Sequence[Sequence[Lookup]], bounds: Bounds) -> list[NDArray[np.bool_]]:
    """For each stage, the columns that a later layer or the readout reads."""
    head = model.unembedding
    last = [head.kind, head.one, head.zero, *([model.control_weight] if model.control_weight is not None else [])]
    live = [np.any([exact(m).any(axis=0) for m in last], axis=0)]
    for heads, feed_forward in zip(reversed(lookups), reversed(bounds.feed_forwards)):
        read = live[0] | feed_forward.forms.any(axis=0)
        for x in heads:
            for form in (x.queries, x.keys, x.bias[None], x.asks[None], x.values):
                read = read | form.any(axis=0)
        live.insert(0, read)
    return live


def _columns(live: NDArray[np.bool_], x: Interval) -> Columns:
    narrow = live & (x.size < NARROW)
    return Columns(*(np.flatnonzero(part).astype(np.int32) for part in (narrow, live & ~narrow)))


def _starts(lengths: Sequence[int]) -> Indices:
    return np.cumsum([0, *lengths]).astype(np.int32)


def _head_plan(lookups: Sequence[Lookup], live: NDArray[np.bool_], width: int) -> HeadPlan:
    def stacked(parts: Sequence[Matrix]) -> Matrix:
        return np.concatenate([np.zeros((0, width)), *parts])

    own = [np.stack([x.bias, x.asks]) for x in lookups]
    groups = [[x.queries for x in lookups], [x.keys for x in lookups], own, [x.values for x in lookups]]
    shifts = [np.cumsum([0, *x.bits])[:-1] for x in lookups]
    return HeadPlan(
        sparse(stacked([m for part in groups for m in part])),
        _starts([len(x.half) for x in lookups]),
        np.concatenate([np.zeros(0), *(x.half for x in lookups)]),
        np.array([x.silence for x in lookups], float),
        _starts([len(x.low) for x in lookups]),
        np.concatenate([np.zeros(0, np.int64), *(x.low for x in lookups)]),
        np.concatenate([np.zeros(0, np.int64), *shifts]).astype(np.int64),
        np.array([b for x in lookups for b in x.bits], np.int64),
        sparse(stacked([x.writes for x in lookups]), live),
    )


def _mlp_plan(mlp: FeedForward, live: NDArray[np.bool_]) -> MlpPlan:
    groups = [g for g in mlp.groups if g.writes[live].any()]
    used = sorted({g.form for g in groups})
    writes = np.array([g.writes for g in groups]).reshape(len(groups), len(live))
    return MlpPlan(
        sparse(mlp.forms[used]),
        np.array([used.index(g.form) for g in groups], np.int32),
        _starts([len(g.biases) for g in groups]),
        np.array([b for g in groups for b in g.biases], float),
        np.array([s for g in groups for s in g.signs], float),
        sparse(writes, live),
        np.flatnonzero(live & writes.any(axis=0)).astype(np.int32),
    )


def _embed_plan(model: Transformer, live: NDArray[np.bool_]) -> EmbedPlan:
    kind, one, zero = (exact(m) for m in (model.embedding.kind, model.embedding.one, model.embedding.zero))
    rows = [kind[i] + zero[:bits].sum(axis=0) for i, (_, bits) in enumerate(model.vocabulary.kinds)]
    return EmbedPlan(sparse(np.array(rows), live), sparse(one - zero, live))


def _readout_plan(model: Transformer) -> ReadoutPlan:
    head, vocabulary = model.unembedding, model.vocabulary
    parts, bias = [exact(m) for m in (head.kind, head.one, head.zero)], np.zeros(0)
    if model.control_weight is not None and model.control_bias is not None:
        parts.append(exact(model.control_weight))
        bias = exact(model.control_bias)
    names = [name for name, _ in vocabulary.kinds]
    return ReadoutPlan(
        sparse(np.concatenate(parts)),
        np.array([bits for _, bits in vocabulary.kinds], np.int32),
        np.array([vocabulary.offsets[name] for name in names], np.int64),
        names.index(MASK),
        vocabulary.most_bits,
        len(bias),
        bias,
    )
