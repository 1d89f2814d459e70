"""Two ascending arrays of different lengths, perhaps empty: many equal words, one all below the other, words in turn.
The oracle is Python's built-in sorted."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    n, m = size, int(rng.integers(0, size + 2))
    if rng.random() < 0.5:
        n, m = m, n
    high = int(rng.choice([1, 3, 16, 1000]))
    a, b = np.sort(rng.integers(0, high, n)), np.sort(rng.integers(0, high, m))
    kind = int(rng.integers(5))
    if kind == 0:  # one after the other
        a, b = (a + high, b) if rng.random() < 0.5 else (a, b + high)
    elif kind == 1:  # in turn
        a, b = 2 * np.arange(n), 2 * np.arange(m) + 1
    return {"n": n, "m": m}, {"A": a.tolist(), "B": b.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"C": sorted(arrays["A"] + arrays["B"])}
