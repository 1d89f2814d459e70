"""Sorting n words: many equal keys, 0/1 keys, permutations, sorted and reversed sequences, the smallest word last.
The oracle is Python's built-in sorted (a merge sort)."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(6))
    keys = rng.integers(0, rng.choice([1, 2, 16, 1000]), size)
    if kind == 0:
        keys = rng.permutation(size)
    elif kind < 3:
        keys = np.sort(keys)[:: 1 if kind == 1 else -1]
    elif kind == 3:  # it has the longest way to go: one place in a round
        keys = np.roll(np.arange(size), -1)
    return {"n": size}, {"A": keys.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    return {"A": sorted(arrays["A"])}
