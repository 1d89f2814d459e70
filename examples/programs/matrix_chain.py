"""Dimensions: random ones, all equal, ascending, large and small in turn.
The oracle tries the last product by recursion, with results kept."""

from functools import cache
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    d = rng.integers(1, 10, size + 1)
    kind = int(rng.integers(4))
    if kind == 0:
        d = np.sort(d)
    elif kind == 1:
        d[::2] = int(rng.choice([1, 9]))
    elif kind == 2:
        d[:] = d[0]
    return {"n": size}, {"d": d.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    d = arrays["d"]

    @cache
    def least(i: int, j: int) -> int:
        if i == j:
            return 0
        return min(least(i, k) + least(k + 1, j) + d[i] * d[k + 1] * d[j + 1] for k in range(i, j))

    return {"best": least(0, params["n"] - 1)}
