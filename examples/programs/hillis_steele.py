"""Inclusive prefix sums: small random values; all zero and all 15 also occur.
The oracle is itertools.accumulate, one running sum from left to right instead of doubling strides."""

from itertools import accumulate
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    low, high = [(0, 15), (0, 15), (0, 15), (0, 0), (15, 15)][int(rng.integers(5))]
    return {"n": size}, {"A": rng.integers(low, high + 1, size).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": list(accumulate(arrays["A"]))}
