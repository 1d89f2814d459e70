"""Bounds on the residual stream, by interval arithmetic on the weights, the vocabulary and the positions.

Suppose that all weights are integers, that every sum stays in the range where the dtype holds all integers, and that
attention copies single rows. Then every number of the forward pass is an integer and nothing rounds, in any order of
sums. So an engine may skip and reorder work, and its results are still bit-identical to the reference's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import DTYPES, LAYER_PARTS, Factored, Layer, Transformer, Weights

Matrix = NDArray[np.float64]

#: p for each dtype: it holds all integers up to 2^p.
EXACT_BITS = {DTYPES["float64"]: 53, DTYPES["float32"]: 24}
#: exp of minus this number is exactly 0.
VANISHING = {DTYPES["float64"]: 746.0, DTYPES["float32"]: 104.0}
#: A bound on the reference's rounding error of a probability.
MARGIN = {DTYPES["float64"]: 1e-3, DTYPES["float32"]: 0.05}


@dataclass(frozen=True)
class Interval:
    """The least and the largest value of each of n numbers, [n] each."""

    low: Matrix
    high: Matrix

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    @property
    def size(self) -> Matrix:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def image_under(self, m: Matrix) -> Interval:
        """Return the range of m x, [f], for all x in this interval."""
        return Entries.of(m).image(self)


@dataclass(frozen=True)
class Entries:
    """The entries of an array that are not 0, row by row: most are 0. count: how many rows there are, along its last axis."""

    count: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Matrix

    @staticmethod
    def of(m: Matrix) -> Entries:
        flat = np.flatnonzero(m != 0)  # three times as fast as the nonzero entries of numbers
        rows, columns = np.divmod(flat, max(m.shape[-1], 1))
        return Entries(math.prod(m.shape[:-1]), rows, columns, m.ravel()[flat])

    def image(self, x: Interval) -> Interval:
        """Return the range of m x, [f], for all x in an interval."""
        ends = self.values * x.low[self.columns], self.values * x.high[self.columns]
        return Interval(self._sums(np.minimum(*ends)), self._sums(np.maximum(*ends)))

    def sizes(self, size: Matrix) -> Matrix:
        """Return, for every row of m x, a bound on its partial sums in any order of summation, for |x| up to size."""
        return self._sums(np.abs(self.values) * size[self.columns])

    def largest_sum(self, size: Matrix) -> float:
        """Return a bound on the partial sums of all rows."""
        return float(self.sizes(size).max(initial=0))

    def _sums(self, terms: Matrix) -> Matrix:
        return np.bincount(self.rows, terms, self.count).astype(np.float64, copy=False)

    def transposed(self, count: int) -> Entries:
        """Return the entries of the transposed matrix, which has so many rows."""
        order = np.argsort(self.columns, kind="stable")
        return Entries(count, self.columns[order], self.rows[order], self.values[order])

    def dense(self, width: int) -> Matrix:
        m = np.zeros((self.count, width))
        m[self.rows, self.columns] = self.values
        return m

    def row_bytes(self) -> list[bytes]:
        """Return each row as bytes, by which equal rows are found."""
        entries = np.column_stack((self.columns.astype(np.float64), self.values)).tobytes()
        ends = (16 * np.searchsorted(self.rows, np.arange(self.count + 1))).tolist()
        return [entries[first:end] for first, end in zip(ends, ends[1:])]


@dataclass(frozen=True)
class FeedForward:
    """An MLP whose hidden units are grouped: units of a group read the same form z and write the same column of W_out, up to sign.

    Together they compute sum_i sign_i relu(z + b_i). For example [z >= 0] = relu(z + 1) - relu(z), which is 0 or 1.
    forms: [F, d]. form_of: [G], the form of each group. writes: [G, d], what its sum is multiplied by. biases, signs: [units],
    those of group g from `first_unit[g]` on, [G + 1].
    """

    forms: Matrix
    form_of: NDArray[np.int64]
    writes: Matrix
    first_unit: NDArray[np.int64]
    biases: Matrix
    signs: Matrix

    def units(self, groups: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the units of some groups, one group after the other."""
        first, size = self.first_unit[groups], np.diff(self.first_unit)[groups]
        return np.asarray(np.arange(size.sum()) + np.repeat(first - np.cumsum(size) + size, size))

    def ranges(self, z: Interval) -> Interval:
        """Return the least and the largest sum of each group, [G], if the forms lie in z."""
        size, ends = np.diff(self.first_unit), np.empty((len(self.form_of), 2))
        for units in np.unique(size):
            groups = np.flatnonzero(size == units)
            chosen, form = self.units(groups).reshape(-1, units), self.form_of[groups]
            ends[groups] = _extremes(z.low[form], z.high[form], self.biases[chosen], self.signs[chosen])
        return Interval(ends[:, 0], ends[:, 1])


def _extremes(low: Matrix, high: Matrix, biases: Matrix, signs: Matrix) -> Matrix:
    """Return the extremes [g, 2] of sum_i sign_i relu(z + b_i), for z in a range. It is piecewise linear: they are at ends or kinks.

    Args: low, high: [g]. biases, signs: [g, units].
    """
    kinks = np.clip(-biases, low[:, None], high[:, None])
    at = np.column_stack((low, high, kinks))
    values = (np.maximum(at[:, :, None] + biases[:, None, :], 0) * signs[:, None, :]).sum(axis=2)
    return np.column_stack((values.min(axis=1), values.max(axis=1)))


def group_units(reads: Entries, biases: Matrix, writes: Entries, width: int) -> FeedForward:
    """Group the hidden units of a layer. Units that write nothing are left out.

    Args: reads, writes: the entries of W_in and of W_out transposed; a row for each unit. width: d.
    """
    first = np.searchsorted(writes.rows, np.arange(writes.count))
    units = np.flatnonzero(np.bincount(writes.rows, minlength=writes.count))
    signs = np.zeros(writes.count)
    signs[units] = np.sign(writes.values[first[units]])
    read, write = reads.row_bytes(), replace(writes, values=signs[writes.rows] * writes.values).row_bytes()
    forms: dict[bytes, int] = {}
    form = [forms.setdefault(read[unit], len(forms)) for unit in units.tolist()]
    parts: dict[tuple[int, bytes], int] = {}
    group = np.array([parts.setdefault((f, write[u]), len(parts)) for f, u in zip(form, units.tolist())], np.int64)
    order = np.argsort(group, kind="stable")
    first_unit = np.searchsorted(group[order], np.arange(len(parts) + 1))
    return FeedForward(
        forms=_dense(forms, width),
        form_of=np.array([form for form, _ in parts], np.int64),
        writes=_dense((row for _, row in parts), width),
        first_unit=first_unit,
        biases=biases[units][order],
        signs=signs[units][order],
    )


def _dense(rows: Iterable[bytes], width: int) -> Matrix:
    """Return the matrix with rows that `row_bytes` made."""
    parts = list(rows)
    entries = np.frombuffer(b"".join(parts)).reshape(-1, 2)
    numbers = np.repeat(np.arange(len(parts)), [len(part) // 16 for part in parts])
    return Entries(len(parts), numbers, entries[:, 0].astype(np.int64), entries[:, 1]).dense(width)


@dataclass(frozen=True)
class Bounds:
    """The range of the stream before each layer and after the last, and the grouped MLP of each layer."""

    stages: tuple[Interval, ...]
    feed_forwards: tuple[FeedForward, ...]


def to_float64(weights: Weights) -> Matrix:
    """Return weights as float64, which holds every float32 exactly."""
    return np.ascontiguousarray(weights, np.float64)


def bound(model: Transformer, positions: Positions, bits: int = 53) -> Bounds:
    """Bound every sum of the forward pass.

    Args:   bits: no sum may exceed 2^bits. For queries, keys and scores, only the limit of the model's dtype counts.
    Raises: Unsuitable: a weight is no integer, or a sum might round.
    """
    if model.dtype not in EXACT_BITS:
        raise Unsuitable(f"its dtype is {model.dtype}")
    scores = 2.0 ** EXACT_BITS[model.dtype]
    limit = min(2.0**bits, scores)
    entries = {name: Entries.of(to_float64(weights)) for name, weights in model.tensors()}
    for name, part in entries.items():
        weights = part.values
        if not (weights == np.rint(weights)).all():
            raise Unsuitable(f"{name} has weights that are not integers")
    if not positions.are_integers:
        raise Unsuitable("the position encoding has values that are not integers")
    stages, feed_forwards = [embedding_range(model.embedding, model.vocabulary) + Interval(*positions.extremes())], []
    for number, layer in enumerate(model.layers):
        parts = {part: entries[f"layers.{number}.{part}"] for part in LAYER_PARTS}
        stage, feed_forward = _through_layer(layer, parts, stages[-1], limit, scores, f"layer {number + 1}")
        stages.append(stage)
        feed_forwards.append(feed_forward)
    head = model.unembedding
    logits = float(sum(max_partial_sum(to_float64(m), stages[-1]) for m in (head.kind, head.one, head.zero)))
    _require(logits, limit, "the readout")
    if logits * np.finfo(model.dtype).eps * 16 > MARGIN[model.dtype]:  # at most 24 roundings of a half, and a few more
        raise Unsuitable("its logits are so large that its dtype rounds probabilities too much")
    if model.control_weight is not None:
        _require(max_partial_sum(to_float64(model.control_weight), stages[-1]), limit, "the control bits")
    return Bounds(tuple(stages), tuple(feed_forwards))


def embedding_range(factored: Factored, vocabulary: Vocabulary) -> Interval:
    """Return the range of the embeddings of all tokens."""
    kind, one, zero = (to_float64(m) for m in (factored.kind, factored.one, factored.zero))
    bits = [count for _, count in vocabulary.kinds]
    low = [kind[i] + np.minimum(one[:b], zero[:b]).sum(0) for i, b in enumerate(bits)]
    high = [kind[i] + np.maximum(one[:b], zero[:b]).sum(0) for i, b in enumerate(bits)]
    return Interval(np.min(low, axis=0), np.max(high, axis=0))


def _through_layer(
    layer: Layer, parts: Mapping[str, Entries], x: Interval, limit: float, scores: float, name: str
) -> tuple[Interval, FeedForward]:
    """Return the range of the stream after a layer, and its grouped MLP. parts: the entries of its weights."""
    x = x + _attention(layer, parts, x, limit, scores, name)
    _require(float(x.size.max()), limit, f"{name}: the stream")
    w_in, w_out, b_in = parts["w_in"], parts["w_out"], to_float64(layer.b_in)
    _require(w_in.largest_sum(x.size) + float(np.abs(b_in).max(initial=0)), limit, f"{name}: hidden units")
    hidden = np.maximum(w_in.image(x).high + b_in, 0)
    _require(w_out.largest_sum(hidden), limit, f"{name}: the sums of its hidden units")
    feed_forward = group_units(w_in, b_in, w_out.transposed(len(b_in)), len(x.low))
    sums = feed_forward.ranges(x.image_under(feed_forward.forms))
    after = x + Entries.of(feed_forward.writes).transposed(len(x.low)).image(sums)
    _require(float(after.size.max()), limit, f"{name}: the stream")
    return after, feed_forward


def _attention(layer: Layer, parts: Mapping[str, Entries], x: Interval, limit: float, scores: float, name: str) -> Interval:
    """Return the range of what all heads add, if each copies any one row. All read the same stream."""
    q, k, v, o = (parts[part] for part in "qkvo")
    heads, inner, width = layer.q.shape
    q = replace(q, values=q.values / np.array([power_of_two_factor(to_float64(m)) for m in layer.q])[q.rows // max(inner, 1)])

    def require(sizes: Matrix, most: float, what: str) -> None:
        for head, largest in enumerate(sizes.reshape(heads, len(sizes) // max(heads, 1)).max(axis=1, initial=0).tolist(), 1):
            _require(largest, most, f"{name}, head {head}: {what}")

    require(np.maximum(q.sizes(x.size), k.sizes(x.size)), scores, "queries and keys")
    require(v.sizes(x.size), limit, "values")
    require((q.image(x).size * k.image(x).size).reshape(heads, inner).sum(axis=1), scores, "scores")
    values = v.image(x)
    o = replace(o, columns=o.rows // width * inner + o.columns)  # the values of all heads stand one after the other
    require(o.sizes(values.size), limit, "the values that it adds")
    added = o.image(values)
    return Interval(*(ends.reshape(heads, width).sum(axis=0) for ends in (added.low, added.high)))


def power_of_two_factor(q: Matrix) -> float:
    """Return the largest power of two that divides every entry, or 1 for a zero matrix."""
    entries = q[q != 0].astype(np.int64)
    return float(np.min(entries & -entries)) if len(entries) else 1.0


def max_partial_sum(m: Matrix, x: Interval) -> float:
    """Return a bound on every partial sum of every row of m x, in any order of summation."""
    return Entries.of(m).largest_sum(x.size)


def _require(size: float, limit: float, what: str) -> None:
    if not size <= limit:
        raise Unsuitable(f"{what} might round")
