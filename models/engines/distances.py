"""How far the numbers of the reference may be from those of engines that compute in integers, where a head adds up.

Such a head brings the reference a share, which is near to an integer (`shares`). Engines compute with the integer. For each column of
the stream, these functions bound how far the reference's number is from it: 0 for all columns that shares do not enter. They follow
what is read of such columns:

- a lookup may copy them. No head may ask for them, or have them in a key, and no head may add them up;
- a gate bears a distance if its form, an integer, is never so near to the place where the gate changes. [4 x + 1 >= 0] bears 1. Other
  gates pass the distance on;
- the readout bears LARGEST_LOGIT_OFF. Control bits bear none.

The reference also rounds where it adds a number that is no integer, in whatever order it takes sums. A sum of n terms is off by at
most about n u A, with the unit of rounding u, if all its partial sums lie within A.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.bounds import Bounds, FeedForward, Interval, Matrix, to_float64
from lockstep.models.engines.lookups import Lookup
from lockstep.models.engines.session import Unsuitable
from lockstep.models.engines.shares import LARGEST_OFF
from lockstep.models.transformer import Transformer

#: How far a logit may be off. Then the best token stays the best where its probability is not near to THRESHOLD.
LARGEST_LOGIT_OFF = 0.25
#: A sum of more terms is not bounded here.
MOST_TERMS = 1 << 14


class Distances(NamedTuple):
    """How far the reference may be: of each layer, each column of the stream after it, [d]; and a logit."""

    columns: tuple[Matrix, ...]
    logit: float


def follow(model: Transformer, lookups: Sequence[Sequence[Lookup]], bounds: Bounds) -> Distances:
    """How far the reference may be from the integers of the engines.

    Args:   model: with exact sums in place of shares. lookups: of each layer.
    Raises: Unsuitable: a distance might be seen.
    """
    if not any(lookup.share for heads in lookups for lookup in heads):
        return Distances(tuple(np.zeros(model.width) for _ in lookups), 0.0)
    found, after = _Follow(model), []
    for number, (heads, x, feed_forward) in enumerate(zip(lookups, bounds.stages, bounds.feed_forwards), 1):
        found.about = f"layer {number}"
        found.through_heads(heads, x)
        found.through_gates(feed_forward, x + _read(heads, x))
        after.append(found.off)
    return Distances(tuple(after), found.at_readout(bounds.stages[-1]))


def _read(heads: Sequence[Lookup], x: Interval) -> Interval:
    """The range of what all heads add."""
    added = [x.image_under(p.values).image_under(p.writes.T) for p in heads]
    return Interval(np.sum([a.low for a in added], axis=0), np.sum([a.high for a in added], axis=0))


class _Follow:
    """off: how far each column of the stream may be from its integer, [d]."""

    def __init__(self, model: Transformer) -> None:
        self.model, self.off, self.about = model, np.zeros(model.width), ""
        self.unit = float(np.finfo(model.dtype).eps) / 2

    def through_heads(self, heads: Sequence[Lookup], x: Interval) -> None:
        added, sizes, terms = np.zeros(len(self.off)), x.size, 1
        for lookup in heads:
            self._bear_nothing("a head asks for a share", lookup.queries, lookup.keys, lookup.bias[None], lookup.asks[None])
            found, writes = self._found(lookup, x), np.abs(lookup.writes)
            added = added + found @ writes
            sizes = sizes + (x.image_under(lookup.values).size + found) @ writes
            terms += len(found)
        off = self.off + added
        self.off = np.where(off > 0, off + self._rounded(np.array(terms), sizes), 0.0)

    def _found(self, lookup: Lookup, x: Interval) -> Matrix:
        """How far each value that a head reads may be off, [n]."""
        size = np.abs(lookup.values)
        off = size @ self.off
        if lookup.share is None:
            return np.where(off > 0, off + self._rounded(np.count_nonzero(size, axis=1), size @ x.size), 0.0)
        self._bear_nothing("a head adds up shares", lookup.values)
        return np.asarray(LARGEST_OFF / np.abs(lookup.writes).max(axis=1))

    def through_gates(self, mlp: FeedForward, x: Interval) -> None:
        size, forms = np.abs(mlp.forms), x.image_under(mlp.forms)
        off = size @ self.off
        inexact = off > 0
        biases = np.zeros(len(off))
        np.maximum.at(biases, np.repeat(mlp.form_of, np.diff(mlp.first_unit)), np.abs(mlp.biases))
        rounded = np.where(inexact, self._rounded(np.count_nonzero(size, axis=1) + 1, size @ x.size + off + biases), 0.0)
        passed = np.zeros(len(mlp.form_of))
        for g in np.flatnonzero(inexact[mlp.form_of]).tolist():
            f, units = mlp.form_of[g], slice(mlp.first_unit[g], mlp.first_unit[g + 1])
            error = off[f] + rounded[f]
            steepest = _slope(mlp.forms[f], mlp.biases[units], mlp.signs[units], error)
            passed[g] = steepest * error + (units.stop - units.start) * rounded[f]
        self._add_gates(mlp, Interval(forms.low - off - rounded, forms.high + off + rounded), inexact, passed, x.size)

    def _add_gates(self, mlp: FeedForward, forms: Interval, inexact: NDArray[np.bool_], passed: Matrix, before: Matrix) -> None:
        """Add what gates pass on, and what W_out rounds: in columns that some unit writes which is no integer."""
        group = np.repeat(np.arange(len(mlp.form_of)), np.diff(mlp.first_unit))
        highest = np.maximum(forms.high[mlp.form_of[group]] + mlp.biases, 0)
        up, down = (np.bincount(group, highest * (mlp.signs == sign), len(mlp.form_of)) for sign in (1, -1))
        more, less = np.maximum(mlp.writes, 0), np.maximum(-mlp.writes, 0)
        largest = np.maximum(up @ more + down @ less, up @ less + down @ more)  # no partial sum is larger
        touched = (mlp.writes[inexact[mlp.form_of]] != 0).any(axis=0)
        terms = np.diff(mlp.first_unit) @ (mlp.writes != 0)
        off = self.off + passed @ np.abs(mlp.writes)
        self.off = np.where(touched | (off > 0), off + self._rounded(terms + 1, largest + before + off), 0.0)

    def at_readout(self, x: Interval) -> float:
        model, head = self.model, self.model.unembedding
        self.about = "the readout"
        if model.control_weight is not None:
            self._bear_nothing("a control bit reads a share", to_float64(model.control_weight))
        parts = [np.abs(to_float64(m)) for m in (head.kind, head.one, head.zero)]
        kind, one, zero = (part @ self.off for part in parts)
        off = float(kind.max() + np.maximum(one, zero).sum())
        if not off:
            return 0.0
        largest = float(sum((part @ x.size).max(initial=0) * (1 if part is parts[0] else len(part)) for part in parts))
        off += float(self._rounded(np.array(model.width + len(one)), np.array(largest)))
        if off > LARGEST_LOGIT_OFF:
            raise Unsuitable(f"a head adds up, and the reference may round logits by {off:.2g}")
        return off

    def _rounded(self, terms: NDArray[np.int64], size: Matrix) -> Matrix:
        """How far a sum of so many terms, none of whose partial sums exceeds a size, may be from the exact one, in any order."""
        if terms.max(initial=0) > MOST_TERMS:
            raise Unsuitable("a head adds up, and a sum has too many terms")
        relative = terms * self.unit
        return np.asarray(relative / (1 - relative) * size)

    def _bear_nothing(self, what: str, *forms: Matrix) -> None:
        if any((np.abs(form) @ self.off).any() for form in forms):
            raise Unsuitable(f"{self.about}: {what}")


def _slope(form: Matrix, biases: Matrix, signs: Matrix, off: float) -> float:
    """The steepest slope of the gate sum_i sign_i relu(z + bias_i) less than `off` from values z of an integer form; without its sign.

    It is 0 if every value is at least so far from all parts where the gate changes.
    """
    order = np.argsort(-biases)
    kinks, slopes = -biases[order], np.abs(np.cumsum(signs[order]))
    step = float(np.gcd.reduce(np.abs(form[form != 0]).astype(np.int64)))  # values of the form are multiples of it
    first = (np.floor((kinks - off) / step) + 1) * step  # the first value that the part from each kink on could reach
    return float(slopes[first < np.append(kinks[1:], np.inf) + off].max(initial=0))
