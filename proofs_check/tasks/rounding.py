"""Arithmetic that bounds rounding: a number with a radius that holds its exact value and all that float64 may compute for it.

What is rounded, with u = 2^-53:

- a sum, product or quotient by a factor of at most 1 + u; so a sum of n products by n u / (1 - n u) of the sum of their sizes, in any
  order, with or without fused multiply-add;
- exp by a factor of at most 1 + EXP_ERROR. Libraries promise one or two units in the last place; EXP_ERROR is eight;
- exp(-746) and below is exactly 0.

Centres and radii are computed in float64 as well. So each radius counts the rounding of its centre, and grows by INFLATE, which
covers the rounding of the radius. TINY covers underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-53
EXP_ERROR = 2.0**-50
INFLATE = 1 + 2.0**-40
TINY = 2.0**-1000

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Ball:
    """Numbers of one shape: their centres, and how far the exact and the computed values may be away."""

    centre: Numbers
    radius: Numbers

    @staticmethod
    def exact(numbers: NDArray[Any]) -> Ball:
        """Numbers that are stored, not computed."""
        return Ball(np.asarray(numbers, np.float64), np.zeros(np.shape(numbers)))

    @property
    def size(self) -> Numbers:
        """A bound on the absolute values."""
        return np.abs(self.centre) + self.radius

    @property
    def low(self) -> Numbers:
        return self.centre - self.radius * INFLATE - UNIT * self.size

    @property
    def high(self) -> Numbers:
        return self.centre + self.radius * INFLATE + UNIT * self.size

    @property
    def is_certain(self) -> NDArray[np.bool_]:
        """Whether all values have the sign of the centre, and none is 0."""
        return np.abs(self.centre) > self.radius * INFLATE

    def __getitem__(self, which: Any) -> Ball:
        return Ball(self.centre[which], self.radius[which])

    def __add__(self, other: Ball) -> Ball:
        return _ball(self.centre + other.centre, self.radius + other.radius + 2 * UNIT * (self.size + other.size))

    @property
    def transposed(self) -> Ball:
        return Ball(self.centre.T, self.radius.T)

    def times(self, other: Ball) -> Ball:
        """The product of matrices, [m, n] by [n, k]."""
        sizes, terms = self.size @ other.size, self.centre.shape[1]
        spread = self.radius @ other.size + np.abs(self.centre) @ other.radius
        return _ball(self.centre @ other.centre, spread + 2 * _gamma(terms) * sizes)

    def under(self, matrix: NDArray[Any], bias: NDArray[Any] | None = None) -> Ball:
        """x M^T + bias for rows x, [m, n] -> [m, k]; the bias may be added at any time. matrix: [k, n], stored."""
        weights = np.asarray(matrix, np.float64)
        added = np.zeros(len(weights)) if bias is None else np.asarray(bias, np.float64)
        size = np.abs(weights)
        sizes = self.size @ size.T + np.abs(added)
        return _ball(self.centre @ weights.T + added, self.radius @ size.T + 2 * _gamma(weights.shape[1] + 1) * sizes)

    def rectified(self) -> Ball:
        """max(0, x), which rounds nothing and brings no two numbers further apart."""
        return Ball(np.maximum(self.centre, 0), self.radius)

    def softmax(self) -> Ball:
        """The softmax of each row: the largest score is subtracted, exp taken, and each divided by their sum.

        If scores are within r, each weight is within a factor e^2r of that of the centres. Subtractions, exp, the sum and the
        division round in what is bounded, and once more in the centres here.
        """
        shifted = self.centre - self.centre.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        centre = powers / powers.sum(axis=1, keepdims=True)
        farthest = self.radius.max(axis=1, keepdims=True)
        subtracted = 4 * UNIT * (np.abs(shifted).max(axis=1, keepdims=True) + 2 * farthest)
        rounded = 4 * EXP_ERROR + 4 * (self.centre.shape[1] + 3) * UNIT
        return _ball(centre, centre * np.expm1(2 * farthest + subtracted + rounded))


def _ball(centre: Numbers, radius: Numbers) -> Ball:
    return Ball(centre, radius * INFLATE + TINY)


def _gamma(terms: int) -> float:
    return terms * UNIT / (1 - terms * UNIT)
