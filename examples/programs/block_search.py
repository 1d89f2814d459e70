"""Ascending words, often with repetitions; keys that occur, that fall between or lie outside; 1 to 5 processors.
The oracle is Python's `in`."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    high = int(rng.choice([1, 2, 16, 1000]))
    words = np.sort(rng.integers(0, high, size))
    key = int(rng.choice(words)) if rng.random() < 0.5 else int(rng.integers(0, high + 1))
    return {"n": size, "p": int(rng.integers(1, 6))}, {"A": words.tolist(), "key": key}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    return {"occurs": int(arrays["key"] in arrays["A"])}
