"""Sorting n words: many equal keys, permutations, sorted and reversed sequences, two sorted halves.
The oracle counts how often each word occurs."""

from collections import Counter
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    keys = rng.integers(0, rng.choice([1, 2, 16, 1000]), size)
    match int(rng.integers(6)):
        case 0:
            keys = rng.permutation(size)
        case 1:
            keys = np.sort(keys)
        case 2:
            keys = np.sort(keys)[::-1]
        case 3:
            keys = np.roll(np.sort(keys), size // 2)
    return {"n": size}, {"A": keys.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    count = Counter(arrays["A"])
    return {"A": [word for word in range(max(count, default=0) + 1) for _ in range(count[word])]}
