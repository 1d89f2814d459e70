"""Streams with few, many, only and no zeros; the zeros first or last; equal words, small and large ones.
The oracle is Python's filter, filled up with zeros."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    words = rng.integers(1, rng.choice([2, 16, 1000]), size)
    words[rng.random(size) < rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])] = 0
    kind = int(rng.integers(4))
    if kind < 2:
        words = np.sort(words)[:: 1 if kind else -1]
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    kept = list(filter(None, arrays["A"]))
    return {"A": kept + [0] * (params["n"] - len(kept)), "count": len(kept)}
