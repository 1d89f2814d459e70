"""Linked lists over n nodes: a random permutation cut into one list, a few lists or n single nodes.
The oracle follows every list to its end one node at a time, where the program doubles its jumps."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    cut_probability = float(rng.choice([0.0, 0.1, 0.5, 1.0]))
    order = rng.permutation(size).tolist()
    following = [size] * size  # next = n is NIL
    for node, successor in zip(order, order[1:], strict=False):
        if rng.random() >= cut_probability:
            following[node] = successor
    return {"n": size}, {"next": following}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, following = params["n"], arrays["next"]
    rank, last = [], []
    for node in range(n):
        hops = 0
        while following[node] != n:
            node = following[node]
            hops += 1
            if hops >= n:
                raise ValueError("next holds a cycle: the nodes are not lists")
        rank.append(hops)
        last.append(following[node])  # where the pointer ends after all jumps: NIL
    return {"next": last, "rank": rank}
