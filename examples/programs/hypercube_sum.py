"""2^k words, where the size is at least 2^k: random ones, all zero, all equal, one that is not zero.
The oracle is Python's built-in sum."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    n = 1 << size.bit_length() - 1
    words = rng.integers(0, rng.choice([1, 2, 16, 1000]), n)
    if rng.random() < 0.2:
        words = np.zeros(n, dtype=int)
        words[int(rng.integers(n))] = 7
    return {"k": size.bit_length() - 1}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": [sum(arrays["A"])] * len(arrays["A"])}
