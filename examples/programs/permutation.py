"""Permutations: random ones, the identity, the reversal, rotations, one exchange; the words distinct or not.
The oracle sorts the words by the places they are sent to."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind, places = int(rng.integers(5)), np.arange(size)
    if kind == 0:
        places = places[::-1]
    elif kind == 1:
        places = np.roll(places, rng.integers(size))
    elif kind == 2:  # of one word with itself it is the identity
        i, j = rng.integers(size, size=2)
        places[[i, j]] = places[[j, i]]
    else:
        places = rng.permutation(size)
    words = rng.integers(0, rng.choice([1, 2, 16, 1000]), size) if rng.random() < 0.5 else rng.permutation(size)
    return {"n": size}, {"P": places.tolist(), "A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    sent = sorted(zip(arrays["P"], arrays["A"], strict=True))
    return {"A": [word for _, word in sent]}
