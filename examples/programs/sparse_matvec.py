"""Matrices: random ones, no entries, a diagonal, one long row, one long column, the same place twice.
The oracle writes the whole matrix and multiplies it by NumPy."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(5))
    lengths = rng.integers(0, 4, size)
    if kind == 0:
        lengths = np.full(size, int(rng.integers(2)))
    elif kind == 1:
        lengths = np.where(np.arange(size) == rng.integers(size), size, 0)
    z = int(lengths.sum())
    column = rng.integers(0, size if kind != 2 else 1, z)
    if kind == 0 and z:
        column = np.arange(size)
    matrix = {"first": [0, *np.cumsum(lengths).tolist()], "column": column.tolist(), "entry": rng.integers(0, 9, z).tolist()}
    return {"n": size, "z": z, "w": int(lengths.max())}, {**matrix, "x": rng.integers(0, 9, size).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n = params["n"]
    matrix = np.zeros((n, n), dtype=int)
    rows = np.repeat(np.arange(n), np.diff(arrays["first"]))
    np.add.at(matrix, (rows, arrays["column"]), arrays["entry"])
    return {"y": matrix @ np.array(arrays["x"])}
