"""The size is the largest number. The oracle divides every number by all smaller ones."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    return {"n": size}, {}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"prime": [int(all(p % q for q in range(2, p))) for p in range(2, params["n"] + 1)]}
