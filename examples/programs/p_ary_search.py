"""Ascending words, often with repetitions; keys that occur, that fall between or lie outside, and 1, 3 or 7 processors.
The oracle counts the smaller entries one by one; it never looks where they stand."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    high = int(rng.choice([1, 2, 16, 100, 1000]))
    words = np.sort(rng.integers(0, high, size))
    key = int(rng.integers(0, high + 1))
    match int(rng.integers(4)):
        case 0 if size:
            key = int(rng.choice(words))
        case 1:
            key = int(rng.choice([0, high]))
        case 2:  # strictly ascending
            words = np.cumsum(rng.integers(1, 4, size))
            key = int(rng.integers(0, 4 * size + 2))
    return {"n": size, "k": int(rng.integers(1, 4))}, {"A": words.tolist(), "key": key}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    return {"place": sum(word < arrays["key"] for word in arrays["A"])}
