"""Words: all different, all equal, few different, one pair among different ones.
The oracle counts each word by Python's Counter."""

from collections import Counter
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(4))
    words = rng.permutation(size) if kind == 0 else rng.integers(0, (1, 2, size + 1)[kind - 1], size)
    if rng.random() < 0.3 and size > 1:  # an equal pair somewhere
        i, j = rng.choice(size, 2, replace=False)
        words[i] = words[j]
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    count = Counter(arrays["A"])
    return {"unique": [int(count[word] == 1) for word in arrays["A"]]}
