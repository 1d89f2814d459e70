"""Heads that add up, told from the weights.

Attention averages. A head adds up if each row that matches scores the same number below the sink, its *exponent* e. Then it weighs
w = e^-exponent beside the sink, and O multiplies by about e^exponent. What arrives is a *share*: near to the sum, but no integer.
`idealise` replaces such an O by the integers that it stands for. So engines that compute in integers compute the sum itself.
`lockstep.models.engines.distances` shows that no token tells the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lockstep.models.engines.bounds import VANISHING, power_of_two_factor, to_float64
from lockstep.models.transformer import Layer, Transformer, Weights

#: How far a share may be from what it stands for. Gates that read it must bear this, and what roundings add.
LARGEST_OFF = 1 / 8
#: No head adds up larger numbers, so that a sum and the number of its rows fit in one integer.
MOST_SUM_BITS = 40
#: No share is off by more than so many rows would make it.
MOST_MORE = 1 << 20
#: Exponents beyond this make numbers that no dtype holds.
MOST_EXPONENT = 80


@dataclass(frozen=True)
class Share:
    """What a head that adds up makes of a sum S of m rows: a share that is at most LARGEST_OFF from a multiple of S.

    exponent: how much less a row that matches scores than the sink. This holds where S (m + more) <= most.
    """

    exponent: int
    most: int
    more: int

    @staticmethod
    def of(exponent: int, factor: float, rounded: float, unit: float) -> Share:
        """The share is off by at most S factor (m w + rounded + (2 m + 16) unit), with w = e^-exponent.

        What rows weigh, the sink loses: m w. At most m roundings are in the sum of the weights, as many in the sum of the values,
        and 16 in exp, the division, products and O.

        Args: factor: the largest of the integers that O stands for. rounded: how far O is from them, relative to them.
              unit: twice the unit of rounding.
        """
        a_row = math.exp(-exponent) + 2 * unit
        return Share(exponent, int(LARGEST_OFF / (factor * a_row)), math.ceil((rounded + 16 * unit) / a_row))


#: Of each layer and head: its share, or None if it is a lookup.
Shares = tuple[tuple[Share | None, ...], ...]


def idealise(model: Transformer) -> tuple[Transformer, Shares]:
    """Return the model with exact sums in place of shares, and the share of each head."""
    shares = tuple(tuple(_share(model, layer, head) for head in range(len(layer.q))) for layer in model.layers)
    if not any(share for layer in shares for share in layer):
        return model, shares
    layers = tuple(replace(layer, o=_ideal(layer, each)) for layer, each in zip(model.layers, shares))
    return replace(model, layers=layers), shares


def _share(model: Transformer, layer: Layer, head: int) -> Share | None:
    """The share of a head whose different scores may lie close together, if its O is such as makes up for small weights."""
    if model.dtype not in VANISHING or power_of_two_factor(to_float64(layer.q[head])) >= VANISHING[model.dtype]:
        return None
    entries = np.abs(to_float64(layer.o[head]))
    entries = entries[entries > 0]
    if not len(entries):
        return None
    exponent = round(math.log(entries.min()))
    if not 1 <= exponent <= MOST_EXPONENT:
        return None
    meant = entries * math.exp(-exponent)
    integers = np.rint(meant)
    if not integers.all():
        return None
    rounded = float((np.abs(meant - integers) / integers).max())
    share = Share.of(exponent, float(integers.max()), rounded, float(np.finfo(model.dtype).eps))
    return share if share.more < min(share.most, MOST_MORE) else None


def _ideal(layer: Layer, shares: tuple[Share | None, ...]) -> Weights:
    """O, with integers where heads add up."""
    o = layer.o.copy()
    for head, share in enumerate(shares):
        if share:
            o[head] = np.rint(to_float64(o[head]) * math.exp(-share.exponent))
    return o
