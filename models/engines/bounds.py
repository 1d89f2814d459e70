"""Bounds on the residual stream, by interval arithmetic on the weights, the vocabulary and the positions.

Suppose that all weights are integers, that every sum stays in the range where the dtype holds all integers, and that
attention copies single rows. Then every number of the forward pass is an integer and nothing rounds, in any order of
sums. So an engine may skip and reorder work, and its results are still bit-identical to the reference's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Factored, Layer, Transformer

Matrix = NDArray[np.float64]

#: p for each dtype: it holds all integers up to 2^p.
EXACT_BITS = {torch.float64: 53, torch.float32: 24}
#: exp of minus this number is exactly 0.
VANISHING = {torch.float64: 746.0, torch.float32: 104.0}
#: A bound on the reference's rounding error of a probability.
MARGIN = {torch.float64: 1e-3, torch.float32: 0.05}


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
        up, down = np.maximum(m, 0), np.minimum(m, 0)
        return Interval(up @ self.low + down @ self.high, up @ self.high + down @ self.low)


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


def group_units(layer: Layer) -> FeedForward:
    """Group the hidden units of a layer. Units that write nothing are left out."""
    w_in, b_in, w_out = (to_float64(m) for m in (layer.w_in, layer.b_in, layer.w_out.T))
    signs = np.sign(np.take_along_axis(w_out, (w_out != 0).argmax(axis=1)[:, None], 1)[:, 0])
    units = np.flatnonzero(signs)
    reads, writes = w_in[units] + 0.0, signs[units, None] * w_out[units] + 0.0  # + 0.0 turns -0.0 into 0.0
    forms: dict[bytes, int] = {}
    read = [forms.setdefault(row, len(forms)) for row in _row_bytes(reads)]
    parts: dict[tuple[int, bytes], int] = {}
    group = np.array([parts.setdefault(part, len(parts)) for part in zip(read, _row_bytes(writes))], np.int64)
    order = np.argsort(group, kind="stable")
    first_unit = np.searchsorted(group[order], np.arange(len(parts) + 1))
    return FeedForward(
        forms=np.frombuffer(b"".join(forms), np.float64).reshape(len(forms), w_in.shape[1]),
        form_of=np.array([form for form, _ in parts], np.int64),
        writes=writes[order[first_unit[:-1]]],
        first_unit=first_unit,
        biases=b_in[units][order],
        signs=signs[units][order],
    )


def _row_bytes(m: Matrix) -> list[bytes]:
    """Return each row as bytes, by which equal rows are found."""
    size, whole = m.itemsize * m.shape[1], m.tobytes()
    return [whole[i : i + size] for i in range(0, len(whole), size)]


@dataclass(frozen=True)
class Bounds:
    """The range of the stream before each layer and after the last, and the grouped MLP of each layer."""

    stages: tuple[Interval, ...]
    feed_forwards: tuple[FeedForward, ...]


def to_float64(tensor: torch.Tensor) -> Matrix:
    """Return weights as float64, which holds every float32 exactly."""
    return np.ascontiguousarray(tensor.to("cpu", torch.float64).numpy())


def bound(model: Transformer, positions: Positions, bits: int = 53) -> Bounds:
    """Bound every sum of the forward pass.

    Args:   bits: no sum may exceed 2^bits. For queries, keys and scores, only the limit of the model's dtype counts.
    Raises: Unsuitable: a weight is no integer, or a sum might round.
    """
    if model.dtype not in EXACT_BITS:
        raise Unsuitable(f"its dtype is {model.dtype}")
    scores = 2.0 ** EXACT_BITS[model.dtype]
    limit = min(2.0**bits, scores)
    for name, tensor in model.tensors():
        if not bool((tensor == tensor.round()).all()):
            raise Unsuitable(f"{name} has weights that are not integers")
    if not (positions.large == np.rint(positions.large)).all():
        raise Unsuitable("the position encoding has values that are not integers")
    stages, feed_forwards = [embedding_range(model.embedding, model.vocabulary) + Interval(*positions.extremes())], []
    for number, layer in enumerate(model.layers):
        feed_forwards.append(group_units(layer))
        stages.append(_through_layer(layer, feed_forwards[-1], stages[-1], limit, scores, f"layer {number + 1}"))
    head = model.unembedding
    logits = float(sum(max_partial_sum(to_float64(m), stages[-1]) for m in (head.kind, head.one, head.zero)))
    _require(logits, limit, "the readout")
    if logits * torch.finfo(model.dtype).eps * 16 > MARGIN[model.dtype]:  # at most 24 roundings of a half, and a few more
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


def _through_layer(layer: Layer, feed_forward: FeedForward, x: Interval, limit: float, scores: float, name: str) -> Interval:
    for head in range(len(layer.q)):
        x = x + _attention(layer, head, x, limit, scores, f"{name}, head {head + 1}")
    _require(float(x.size.max()), limit, f"{name}: the stream")
    w_in, b_in, w_out = (to_float64(m) for m in (layer.w_in, layer.b_in, layer.w_out))
    _require(max_partial_sum(w_in, x) + float(np.abs(b_in).max(initial=0)), limit, f"{name}: hidden units")
    z = x.image_under(w_in)
    hidden = np.maximum(z.high + b_in, 0)
    _require(float((np.abs(w_out) @ hidden).max(initial=0)), limit, f"{name}: the sums of its hidden units")
    added = feed_forward.ranges(x.image_under(feed_forward.forms)).image_under(feed_forward.writes.T)
    low, high = x.low + added.low, x.high + added.high
    _require(float(np.maximum(np.abs(low), np.abs(high)).max()), limit, f"{name}: the stream")
    return Interval(low, high)


def _attention(layer: Layer, head: int, x: Interval, limit: float, scores: float, name: str) -> Interval:
    """Return the range of what a head adds, if it copies any one row."""
    q, k, v, o = (to_float64(m[head]) for m in (layer.q, layer.k, layer.v, layer.o))
    scale = power_of_two_factor(q)
    _require(max(max_partial_sum(q / scale, x), max_partial_sum(k, x)), scores, f"{name}: queries and keys")
    _require(max_partial_sum(v, x), limit, f"{name}: values")
    _require(float(x.image_under(q / scale).size @ x.image_under(k).size), scores, f"{name}: scores")
    values = x.image_under(v)
    _require(float((np.abs(o) @ values.size).max()), limit, f"{name}: the values that it adds")
    return values.image_under(o)


def power_of_two_factor(q: Matrix) -> float:
    """Return the largest power of two that divides every entry, or 1 for a zero matrix."""
    entries = q[q != 0].astype(np.int64)
    return float(np.min(entries & -entries)) if len(entries) else 1.0


def max_partial_sum(m: Matrix, x: Interval) -> float:
    """Return a bound on every partial sum of every row of m x, in any order of summation."""
    return float((np.abs(m) @ x.size).max(initial=0))


def _require(size: float, limit: float, what: str) -> None:
    if not size <= limit:
        raise Unsuitable(f"{what} might round")
