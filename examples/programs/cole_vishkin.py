"""Cycles of two nodes or more: in order, backwards, shuffled.
Any three colours are right with which no two neighbours are equal."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    n = size + 1
    order = (rng.permutation(n) if rng.random() < 0.8 else np.arange(n)[:: int(rng.choice([1, -1]))]).tolist()
    following = [0] * n
    for node, successor in zip(order, order[1:] + order[:1], strict=True):
        following[node] = successor
    return {"n": n}, {"next": following}


def accepts(params: dict[str, int], arrays: dict[str, list[Any]], outputs: dict[str, Any]) -> bool:
    colour = outputs["colour"]
    apart = all(colour[node] != colour[successor] for node, successor in enumerate(arrays["next"]))
    return apart and set(colour) <= {0, 1, 2}
