"""Reduces the gates of a layer on a partly known row: to constants, and sums of few hidden units over the unknown columns.

For integers s, relu(s + 1) - relu(s) = [s >= 0]. So a sum over hidden units that read the same linear form is a polyline in
that form. It is kept as steps and ramps. Interval arithmetic finds the units that are always 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from lockstep.proofs_check.proofs.weights import Exact, Gates

#: A linear form over unknown columns: pairs (column, coefficient), ascending.
ColumnForm = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Row:
    """Bounds of a row of the residual stream: the least and the largest value of each column, [d] each."""

    low: Exact
    high: Exact

    def known(self, column: int) -> int | None:
        return int(self.low[column]) if self.low[column] == self.high[column] else None

    def changed(self, values: Mapping[int, tuple[int, int]]) -> Row:
        """The same row with other bounds for some columns."""
        low, high = self.low.copy(), self.high.copy()
        for column, (least, most) in values.items():
            low[column], high[column] = least, most
        return Row(low, high)

    def part(self, columns: tuple[int, ...]) -> bytes:
        """The bounds of some columns, as a key."""
        return self.low[list(columns)].tobytes() + self.high[list(columns)].tobytes()

    @property
    def key(self) -> bytes:
        return self.low.tobytes() + self.high.tobytes()


@dataclass(frozen=True)
class Polyline:
    """sum of jump * [s >= at] plus slope * max(0, s - start); s is a form without constant, from `least` to `most`."""

    form: ColumnForm
    steps: tuple[tuple[int, int], ...]
    ramps: tuple[tuple[int, int], ...]
    least: int
    most: int

    @property
    def bounds(self) -> tuple[int, int]:
        """A lower and an upper bound of its values."""
        steps = [0, *accumulate(jump for _, jump in sorted(self.steps))]
        ramps = [slope * max(0, self.most - start) for start, slope in self.ramps]
        low, high = sum(min(0, r) for r in ramps), sum(max(0, r) for r in ramps)
        return min(steps) + low, max(steps) + high

    def values(self, s: Exact) -> Exact:
        """Its value at each s."""
        result = np.zeros_like(s)
        for at, jump in self.steps:
            result += jump * (s >= at)
        for start, slope in self.ramps:
            result += slope * np.maximum(s - start, 0)
        return result


@dataclass(frozen=True)
class Reduced:
    """What is added to each column: a constant, and for some columns polylines over columns that are not known."""

    constant: Exact
    varying: Mapping[int, tuple[Polyline, ...]]

    def part(self, columns: Iterable[int]) -> tuple[tuple[int, int, tuple[Polyline, ...]], ...]:
        """(column, constant, polylines) of some columns; hashable."""
        return tuple((c, int(self.constant[c]), self.varying.get(c, ())) for c in columns)


def reduce_gates(gates: Gates, row: Row) -> Reduced:
    """Compute the sums that gates add to a row."""
    twice, reach = gates.arguments(row.low + row.high, row.high - row.low)
    least, most = (twice - reach) / 2, (twice + reach) / 2
    constant = gates.written(np.where((least == most) & (most > 0), most, 0))
    varying: dict[int, list[Polyline]] = {}
    for (form, low, high), by_column in _alike(gates, row, least, most).items():
        for column, units in by_column.items():
            offset, line = _polyline(form, units, low, high)
            constant[column] += offset
            if line.steps or line.ramps:
                varying.setdefault(column, []).append(line)
    return Reduced(constant, {c: tuple(sorted(lines, key=lambda x: x.form)) for c, lines in varying.items()})


def _alike(gates: Gates, row: Row, least: Exact, most: Exact) -> dict[tuple[ColumnForm, int, int], dict[int, dict[int, int]]]:
    """Units that are not constant, by the form that they read with its bounds, then by the column that they write.

    Each is said as {the constant in its argument: its weight}.
    """
    lows, free = row.low.tolist(), (row.low < row.high).tolist()
    sums: dict[tuple[ColumnForm, int, int], dict[int, dict[int, int]]] = {}
    for unit in np.flatnonzero((least < most) & (most > 0)).tolist():
        reads, writes = gates.unit(unit)
        form = tuple((c, weight) for c, weight in reads if free[c])
        at = int(gates.bias[unit]) + int(sum(weight * lows[c] for c, weight in reads if not free[c]))
        by_column = sums.setdefault((form, int(least[unit]) - at, int(most[unit]) - at), {})
        for column, weight in writes:
            units = by_column.setdefault(column, {})
            units[at] = units.get(at, 0) + weight
    return sums


def _polyline(form: ColumnForm, units: Mapping[int, int], least: int, most: int) -> tuple[int, Polyline]:
    """sum of weight * relu(s + at) over units {at: weight}, as a constant and a polyline."""
    steps: dict[int, int] = {}
    ramps: dict[int, int] = {}
    left = dict(units)
    while left:
        at = max(left)
        weight = left.pop(at)
        if weight and at - 1 in left:  # relu(s + at) = [s >= 1 - at] + relu(s + at - 1)
            steps[1 - at] = steps.get(1 - at, 0) + weight
            left[at - 1] += weight
        elif weight and most + at == 1:  # the other unit of the pair is always 0: relu(s + at) is 0 or 1
            steps[1 - at] = steps.get(1 - at, 0) + weight
        elif weight:
            ramps[-at] = weight
    offset = sum(jump for at, jump in steps.items() if at <= least)
    live = tuple(sorted((at, jump) for at, jump in steps.items() if least < at <= most))
    return offset, Polyline(form, live, tuple(sorted(ramps.items())), least, most)
