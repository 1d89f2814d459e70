"""Automata of up to 5 states over up to 3 symbols: random ones, permutations, resets, counters that stop, numbers modulo q.
The oracle reads the word symbol by symbol from state 0."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind, q, s = int(rng.integers(5)), int(rng.integers(1, 2 + min(size, 4))), int(rng.integers(1, 4))
    word = rng.integers(s, size=size)
    if kind == 0:  # each symbol permutes the states
        delta = np.array([rng.permutation(q) for _ in range(s)]).T
    elif kind == 1:  # each symbol leads to one state, wherever it is read
        delta = np.tile(rng.integers(q, size=s), (q, 1))
    elif kind == 2:  # the last symbol counts up to q - 1, the others do nothing
        delta = np.tile(np.arange(q)[:, None], (1, s))
        delta[:, -1] = np.minimum(np.arange(q) + 1, q - 1)
    elif kind == 3:  # the word is a number in base s; the state is its remainder
        delta = (s * np.arange(q)[:, None] + np.arange(s)) % q
    else:
        delta = rng.integers(q, size=(q, s))
    return {"n": size, "q": q, "s": s}, {"X": word.tolist(), "delta": delta.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    state, reached = 0, []
    for symbol in arrays["X"]:
        state = arrays["delta"][state][symbol]
        reached.append(state)
    return {"state": reached}
