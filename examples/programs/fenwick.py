"""2^k words, where the size is at least 2^k: random ones, all zero, all equal.
The oracle sums a slice for each place."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    k = size.bit_length() - 1
    return {"k": k}, {"M": rng.integers(0, rng.choice([1, 2, 16, 1000]), 1 << k).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    words = arrays["M"]
    return {"M": [sum(words[j - (j & -j) : j]) for j in range(1, len(words) + 1)]}
