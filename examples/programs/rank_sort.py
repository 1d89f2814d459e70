"""Sorting n words: random, few different, all equal, permutations, sorted and reversed sequences, extreme words.
The oracle is NumPy's heap sort, which compares no two entries by counting."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(7))
    high = (16, 16, 2, 1, 1000, 256, 16)[kind]
    keys = rng.permutation(size) if kind == 0 else rng.integers(0, high, size)
    if kind >= 5:
        keys = np.sort(keys)[:: 1 if kind == 5 else -1]
    return {"n": size}, {"A": keys.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": np.sort(np.array(arrays["A"], dtype=np.int64), kind="heapsort").tolist()}
