"""Bits: all 0, all 1, a single 1 anywhere, a single 0, random ones. The oracle is Python's built-in max, one pass."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(6))
    bits = rng.integers(0, 2, size) if kind >= 4 else np.full(size, kind % 2)
    if kind >= 2 and size:
        bits[int(rng.integers(size))] ^= 1
    return {"n": size}, {"A": bits.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"some": max(arrays["A"], default=0)}
