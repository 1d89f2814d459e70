"""Coefficients and x: small ones, any words of 16 bits, and x = 0 and 1. The oracle is Horner's rule, from the last coefficient on."""

from typing import Any

import numpy as np

WORD = 1 << 16


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    high, x = [(10, int(rng.integers(10))), (WORD, int(rng.integers(WORD))), (WORD, 0), (WORD, 1)][int(rng.integers(4))]
    return {"n": size}, {"A": rng.integers(0, high, size).tolist(), "x": x}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    value = 0
    for coefficient in reversed(arrays["A"]):
        value = value * arrays["x"] + coefficient
    return {"value": value % WORD}
