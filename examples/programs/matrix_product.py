"""Square matrices: random, 0/1, zero, all 15, one row or column, permutation matrices (which only move entries).
The oracle is NumPy's matrix product."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    return {"n": size}, {"A": _matrix(size, rng).tolist(), "B": _matrix(size, rng).tolist()}


def _matrix(n: int, rng: np.random.Generator) -> np.ndarray:
    entries = rng.integers(0, 16, (n, n))
    match int(rng.integers(7)):
        case 0:
            return entries & 1
        case 1:
            return np.full((n, n), int(rng.choice([0, 15])))
        case 2:
            return np.eye(n, dtype=np.int64)[rng.permutation(n)]
        case 3:
            entries[1:] = 0
        case 4:
            entries[:, 1:] = 0
    return entries


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    shape = (params["n"], params["n"])
    a, b = (np.array(arrays[name], dtype=np.int64).reshape(shape) for name in "AB")
    return {"C": (a @ b).tolist()}
