"""Position encodings: columns of bits are packed, and all else that is done to them is done to what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from kit.jobs import job_of
from numpy.typing import NDArray

from lockstep.compiler.adapting import _moved_down
from lockstep.compiler.compile import compile_job
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions
from lockstep.pram.machine import run


def dense_rows(seed: int, length: int = 150) -> NDArray[np.float64]:
    """Columns of bits, of numbers up to 300, of fractions, of ones and of zeros, in any order."""
    rng = np.random.default_rng(seed)
    bits, numbers = rng.integers(0, 2, (length, 19)), rng.integers(0, 300, (length, 3))
    parts = [bits, numbers, rng.normal(size=(length, 2)), np.ones((length, 1)), np.zeros((length, 3))]
    return rng.permutation(np.concatenate(parts, axis=1), axis=1)


@pytest.mark.parametrize("length", [1, 63, 64, 150])
def test_packed_rows_are_the_dense_ones(length: int) -> None:
    dense = dense_rows(length, length)
    positions, some = Positions.of(dense), np.random.default_rng(1).integers(0, length, 9)
    assert len(positions) == length and Positions.of(positions) is positions
    assert np.array_equal(positions.rows(slice(None), np.dtype(float)), dense)
    assert np.array_equal(positions.rows(some, np.dtype(float)), dense[some])
    least, most = positions.extremes()
    assert np.array_equal(least, dense.min(axis=0)) and np.array_equal(most, dense.max(axis=0))
    assert not positions.are_integers and Positions.of(np.floor(dense)).are_integers
    assert np.array_equal(Positions.of(np.floor(dense)).dense(), np.floor(dense))


def test_positions_that_share_no_columns_are_concatenated() -> None:
    parts = [dense_rows(seed, length) for seed, length in ((1, 5), (2, 1), (3, 70))]
    together = Positions.concatenated([Positions.of(part) for part in parts])
    assert np.array_equal(together.rows(slice(None), np.dtype(float)), np.concatenate(parts))


def test_columns_move_down() -> None:
    dense = np.random.default_rng(2).integers(0, 2, (20, 21))
    dense[0] = 1
    moved = dense.copy()
    moved[1:, [3, 8, 20]], moved[0, [3, 8, 20]] = dense[:-1, [3, 8, 20]], 0
    assert np.array_equal(_moved_down(Positions.of(dense.astype(float)), [3, 8, 20]).dense(), moved)


def test_fields_are_written_over_what_stood_there() -> None:
    """Fields share bytes: each is written in some rows, twice, and no other changes."""
    job = job_of("tree_sum", 4, 16)
    circuit, length = compile_job(job, run(job).time).circuit, 40
    fields, wanted, rng = PositionFields(circuit, length), np.zeros((length, circuit.width), np.int64), np.random.default_rng(3)
    offsets = circuit.offsets()
    for name, field in [*fields.fields.items()] * 2:
        rows, columns = slice(3, 30), np.arange(field.width) + offsets[name]
        if max(field.highs) == 1:
            values = rng.integers(0, 1 << min(field.width, 62), 27)
            fields.set_bits(name, rows, values)
            wanted[rows, columns[0] : columns[-1] + 1] = values[:, None] >> np.arange(field.width) & 1
        else:
            values = rng.integers(0, max(field.highs) + 1, 27)
            fields.set(name, rows, values)
            wanted[rows, columns[0]] = values
    assert np.array_equal(fields.positions.dense(), wanted)
    assert {fields.places[name][0] for name in fields.fields} == {False, True}
