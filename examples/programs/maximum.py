"""Words: small and large ones, all equal, the largest first or last. The oracle is Python's built-in max, one pass."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind, words = int(rng.integers(4)), rng.integers(0, 100, size)
    if kind == 1:
        words[:] = words[:1]
    elif kind >= 2:
        words = np.sort(words) if kind == 2 else np.sort(words)[::-1]
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"largest": max(arrays["A"], default=0)}
