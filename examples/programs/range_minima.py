"""Words: random ones, few different, ascending, descending; ranges: any, single words, all words; perhaps none.
The oracle is Python's built-in min of a slice."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    words = rng.integers(0, rng.choice([2, 16, 1000]), size)
    if rng.random() < 0.3:
        words = np.sort(words)[:: int(rng.choice([1, -1]))]
    ends = np.sort(rng.integers(0, size, (int(rng.integers(0, size + 2)), 2)), axis=1)
    kind = int(rng.integers(4))
    if kind == 0:
        ends[:, 0] = ends[:, 1]
    elif kind == 1:
        ends[:] = (0, size - 1)
    return {"n": size, "q": len(ends)}, {"A": words.tolist(), "from": ends[:, 0].tolist(), "to": ends[:, 1].tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"least": [min(arrays["A"][i : j + 1]) for i, j in zip(arrays["from"], arrays["to"], strict=True)]}
