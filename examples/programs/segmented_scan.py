"""Words in segments: none but the first, one for each word, rare or frequent starts; the first word's flag may be 0.
The oracle goes from left to right and forgets its sum at every flag."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    flags = (rng.random(size) < rng.choice([0.0, 0.1, 0.5, 1.0])).astype(int)
    words = rng.integers(0, rng.choice([1, 2, 16, 1000]), size)
    if rng.random() < 0.2:
        words[:] = 15
    return {"n": size}, {"F": flags.tolist(), "A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    total, sums = 0, []
    for flag, word in zip(arrays["F"], arrays["A"], strict=True):
        total = word if flag else total + word
        sums.append(total)
    return {"A": sums}
