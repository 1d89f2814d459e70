"""2^k words, where the size is at least 2^k: random ones, all zero, all equal. The cells of inner nodes hold any words.
The oracle sums the words below each node and left of it."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    k = size.bit_length() - 1
    inner, leaves = rng.integers(0, 9, 1 << k), rng.integers(0, rng.choice([1, 2, 16, 1000]), 1 << k)
    return {"k": k}, {"A": [*inner.tolist(), *leaves.tolist()]}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    m, A = 1 << params["k"], list(arrays["A"])
    B = [0] * (2 * m)
    for r in range(1, 2 * m):
        width = m >> (r.bit_length() - 1)  # leaves below r
        begin = r * width
        A[r] = sum(arrays["A"][begin : begin + width])
        B[r] = sum(arrays["A"][m:begin])
    return {"A": A, "B": B}
