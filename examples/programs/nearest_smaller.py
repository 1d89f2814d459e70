"""Sequences: random, few different, all equal, ascending (the neighbour), descending (none), a valley before a plain.
The oracle reads from left to right with a stack of the entries that are not yet hidden by a smaller one."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(7))
    words = rng.integers(0, (16, 2, 1, 1000, 16, 16, 3)[kind], size)
    if kind in (4, 5):
        words = np.sort(words)[:: 1 if kind == 4 else -1]
    if kind == 6:  # one smaller entry, anywhere, which some have to look for far away
        words = words + 2
        words[rng.integers(0, size, min(size, 1))] = 1
    return {"n": size}, {"A": words.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    left: list[int] = []
    stack: list[int] = []
    for place, word in enumerate(arrays["A"]):
        while stack and arrays["A"][stack[-1]] >= word:
            stack.pop()
        left.append(stack[-1] + 1 if stack else 0)
        stack.append(place)
    return {"left": left}
