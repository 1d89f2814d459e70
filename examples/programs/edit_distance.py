"""Two texts over few letters: random ones, equal ones, one a piece of the other, perhaps empty ones.
The oracle searches from the first letters on, breadth first, over pairs of places."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    letters = int(rng.choice([1, 2, 4]))
    x = rng.integers(0, letters, size)
    y = rng.integers(0, letters, int(rng.integers(0, size + 3)))
    if rng.random() < 0.3:
        y = x[int(rng.integers(size)) :]
    return {"n": len(x), "m": len(y)}, {"X": x.tolist(), "Y": y.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    x, y = arrays["X"], arrays["Y"]
    level, seen, distance = [(0, 0)], set(), 0
    while True:
        for i, j in level:  # it grows: an equal letter is free
            if (i, j) not in seen and i < len(x) and j < len(y) and x[i] == y[j]:
                level.append((i + 1, j + 1))
            seen.add((i, j))
        if (len(x), len(y)) in seen:
            return {"dist": distance}
        steps = [(i + a, j + b) for i, j in level for a, b in ((1, 0), (0, 1), (1, 1)) if i + a <= len(x) and j + b <= len(y)]
        level, distance = [step for step in set(steps) if step not in seen], distance + 1
