"""Any word. The oracle is Python's repetition of lists."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    return {"n": size}, {"alpha": int(rng.integers(0, 1000))}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    return {"Q": [arrays["alpha"]] * params["n"]}
