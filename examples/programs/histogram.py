"""Values: all equal, all different as far as k allows, random ones. The oracle counts them one after the other."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind, k = int(rng.integers(3)), int(rng.integers(1, size + 2))
    values = (np.full(size, k - 1), np.arange(size) % k, rng.integers(0, k, size))[kind]
    return {"n": size, "k": k}, {"A": values.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    counts = [0] * params["k"]
    for value in arrays["A"]:
        counts[value] += 1
    return {"H": counts}
