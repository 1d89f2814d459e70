"""One word for n cells: 0, 1, small and large words.
The oracle is Python's repetition of a list."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    high = int(rng.choice([1, 2, 16, 1000]))
    return {"n": size}, {"x": int(rng.integers(high))}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    return {"A": [arrays["x"]] * params["n"]}
