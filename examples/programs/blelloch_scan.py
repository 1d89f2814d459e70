"""Exclusive prefix sums: small and large random words, equal words, a single word that is not 0.
The oracle keeps one running sum from left to right (itertools.accumulate); it has no tree."""

from itertools import accumulate
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(5))
    words = rng.integers(0, rng.choice([2, 16, 1000]), size)
    if kind < 2:
        words[:] = 15 * kind
    elif kind == 2:
        words[np.arange(size) != rng.integers(size)] = 0
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": list(accumulate(arrays["A"], initial=0))[:-1]}
