"""Entries of 0 to 15: random, all equal, all 0, powers of two; targets that are reached, random ones, 0 and 15 n.
The oracle adds one entry after the other to a table of how many subsets have each sum (Bellman)."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    match int(rng.integers(5)):
        case 0:
            entries = np.full(size, int(rng.choice([0, 1, 15])))
        case 1:
            entries = 1 << rng.integers(0, 4, size)
        case _:
            entries = rng.integers(0, 16, size)
    chosen = rng.random(size) < 0.5
    targets = [int(entries[chosen].sum()), int(rng.integers(0, 15 * size + 1)), 0, 15 * size, int(entries.sum())]
    return {"n": size}, {"A": entries.tolist(), "target": targets[max(0, int(rng.integers(-3, 5)))]}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    ways = [1] + [0] * (15 * params["n"])
    for entry in arrays["A"]:
        ways = [w + (ways[s - entry] if s >= entry else 0) for s, w in enumerate(ways)]
    return {"subsets": ways[arrays["target"]]}
