"""Words: random ones, all zero, all equal, ascending.
The oracle is itertools.accumulate, one running sum from left to right."""

from itertools import accumulate
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    words = rng.integers(0, rng.choice([1, 2, 16, 1000]), size)
    if rng.random() < 0.3:
        words = np.sort(words)
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": list(accumulate(arrays["A"]))}
