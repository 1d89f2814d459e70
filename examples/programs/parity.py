"""Bits: all 0, all 1, a single 1, alternating ones, random ones that are rare, even or dense.
The oracle counts the ones."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(5))
    bits = (rng.random(size) < rng.choice([0.1, 0.5, 0.9])).astype(int)
    if kind < 2:
        bits[:] = kind
    elif kind == 2:
        bits[:] = 0
        bits[rng.integers(size)] = 1
    elif kind == 3:
        bits = (np.arange(size) + rng.integers(2)) % 2
    return {"n": size}, {"A": bits.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"odd": arrays["A"].count(1) % 2}
