"""Sorting 2^k words: many equal keys, 0/1 keys, permutations, sorted and reversed sequences.
The oracle is Python's built-in sorted (a merge sort), which shares nothing with a sorting network."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    k = size.bit_length() - 1
    n = 1 << k
    kind = int(rng.integers(5))
    if kind == 0:
        keys = rng.integers(0, 16, n)
    elif kind == 1:
        keys = rng.integers(0, 2, n)
    elif kind == 2:
        keys = rng.permutation(n)
    else:
        keys = np.sort(rng.integers(0, 16, n))[:: 1 if kind == 3 else -1]
    return {"k": k}, {"A": keys.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": sorted(arrays["A"])}
