"""Vectors of 2^k words of 0 .. 15: random ones, constants, single words, rows of the transform's own matrix times 15.
The oracle multiplies by that matrix, whose entry i, j is -1 to the number of ones in i & j, modulo 2^(k + 5)."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    k = size.bit_length() - 1
    kind, n = int(rng.integers(6)), 1 << k
    vector = rng.integers(0, 16, n)
    if kind < 2:
        vector[:] = 15 * kind
    elif kind == 2:
        vector[np.arange(n) != rng.integers(n)] = 0
    elif kind == 3:  # as large and as small as sums become
        row = int(rng.integers(n))
        vector = np.array([15 * (1 - (row & j).bit_count() % 2) for j in range(n)])
    return {"k": k}, {"A": vector.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, vector = len(arrays["A"]), arrays["A"]
    sums = [sum((-1) ** (i & j).bit_count() * vector[j] for j in range(n)) for i in range(n)]
    return {"A": [total % 2 ** (params["k"] + 5) for total in sums]}
