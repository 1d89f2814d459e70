"""Words: all different, few different, all equal, ascending, descending.
The oracle is Python's built-in min."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    words = rng.integers(0, rng.choice([1, 3, 16, 1000]), size)
    kind = int(rng.integers(4))
    if kind == 0:
        words = rng.permutation(size)
    elif kind == 1:
        words = np.sort(words)[:: int(rng.choice([1, -1]))]
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"least": min(arrays["A"])}
