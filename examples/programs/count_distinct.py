"""Words: all different, all equal, few different, sorted ones.
The oracle is the size of a Python set."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(5))
    words = rng.permutation(size) if kind == 0 else rng.integers(0, (1, 2, 4, size + 1)[kind - 1], size)
    if rng.random() < 0.3:
        words = np.sort(words)
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"count": len(set(arrays["A"]))}
