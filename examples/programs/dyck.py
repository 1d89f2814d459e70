"""Words of 2^k brackets of up to 128 types: valid ones, near misses (one or two symbols off), random ones.
The oracle reads the word once with a stack of open brackets; the program never builds a stack."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    k = size.bit_length() - 1
    n = 1 << k
    types = int(rng.choice([1, 2, 3, 128]))
    if n == 1 or rng.random() < 0.15:
        return {"k": k}, {"X": rng.integers(0, 2 * types, n).tolist()}
    open_probability = float(rng.choice([0.1, 0.5, 0.9]))  # flat or deep words
    word: list[int] = []
    stack: list[int] = []
    for left in range(n, 0, -1):
        if not stack or (len(stack) < left and rng.random() < open_probability):
            stack.append(2 * int(rng.integers(types)))
            word.append(stack[-1])
        else:
            word.append(stack.pop() + 1)
    i, j = (int(p) for p in rng.integers(0, n, 2))
    damage = int(rng.integers(6))  # 0, 1: leave the word valid
    if damage == 2:
        word[i] ^= 1  # open instead of close, or the other way round
    elif damage == 3:
        word[i] = (word[i] + 2 * int(rng.integers(1, 128))) % 256  # another type
    elif damage == 4:
        word[i] = (word[i] + int(rng.integers(1, 256))) % 256  # any other symbol
    elif damage == 5:
        word[i], word[j] = word[j], word[i]  # crossing pairs; now and then still valid
    return {"k": k}, {"X": word}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    stack: list[int] = []
    for symbol in arrays["X"]:
        if symbol % 2 == 0:
            stack.append(symbol)
        elif not stack or stack.pop() != symbol - 1:
            return {"ok": 0}
    return {"ok": int(not stack)}
