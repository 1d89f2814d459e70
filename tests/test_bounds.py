"""Bounds on the residual stream: sparse entries against dense arithmetic, grouped units against the MLP, heads of one layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lockstep.models.engines.bounds import Entries, Interval, Matrix, _attention, group_units
from lockstep.models.transformer import LAYER_PARTS, Layer

WIDTH, UNITS = 4, 6
settled = settings(derandomize=True, deadline=None, database=None, max_examples=80)
few = st.sampled_from([-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 3.0])


def matrices(rows: int, columns: int) -> Any:
    return arrays(np.float64, (rows, columns), elements=few)


ends = arrays(np.float64, (2, WIDTH), elements=st.integers(-5, 5).map(float))


@settled
@given(matrices(UNITS, WIDTH), ends)
def test_entries_are_the_matrix(m: Matrix, x: Matrix) -> None:
    low, high = x.min(axis=0), x.max(axis=0)
    entries, inside = Entries.of(m), Interval(low, high)
    up, down = np.maximum(m, 0), np.minimum(m, 0)
    found = inside.image_under(m)
    assert np.array_equal(found.low, up @ low + down @ high) and np.array_equal(found.high, up @ high + down @ low)
    assert entries.largest_sum(inside.size) == (np.abs(m) @ inside.size).max()
    assert np.array_equal(entries.dense(WIDTH), m) and np.array_equal(entries.transposed(WIDTH).dense(UNITS), m.T)
    rows, alike = entries.row_bytes(), [[bool((a == b).all()) for b in m] for a in m]
    assert [[a == b for b in rows] for a in rows] == alike


@settled
@given(matrices(UNITS, WIDTH), arrays(np.float64, UNITS, elements=few), matrices(WIDTH, UNITS), ends)
def test_groups_compute_the_mlp(w_in: Matrix, b_in: Matrix, w_out: Matrix, points: Matrix) -> None:
    mlp = group_units(Entries.of(w_in), b_in, Entries.of(w_out).transposed(UNITS), WIDTH)
    for x in points:
        z, sums = mlp.forms @ x, []
        for g, form in enumerate(mlp.form_of):
            units = slice(mlp.first_unit[g], mlp.first_unit[g + 1])
            sums.append(float((mlp.signs[units] * np.maximum(z[form] + mlp.biases[units], 0)).sum()))
        assert np.array_equal(np.array(sums) @ mlp.writes, w_out @ np.maximum(w_in @ x + b_in, 0))


def test_heads_of_a_layer_read_the_stream_before_it() -> None:
    """The first head adds 100 to the column that the second one reads."""
    q, k, v, o = np.zeros((2, 1, WIDTH)), np.zeros((2, 1, WIDTH)), np.zeros((2, 1, WIDTH)), np.zeros((2, WIDTH, 1))
    v[0, 0, 0], o[0, 1, 0] = 1, 100
    v[1, 0, 1], o[1, 2, 0] = 1, 1
    layer = Layer(q, k, v, o, np.zeros((0, WIDTH)), np.zeros(0), np.zeros((WIDTH, 0)))
    before = Interval(np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 0, 0]))
    parts = {part: Entries.of(getattr(layer, part)) for part in LAYER_PARTS}
    added = _attention(layer, parts, before, 2.0**20, 2.0**20, "layer 1")
    assert added.low.tolist() == [0, 100, 0, 0] and added.high.tolist() == [0, 100, 1, 0]
