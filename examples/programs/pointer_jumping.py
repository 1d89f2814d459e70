"""Forests: one path, which needs all rounds, single nodes, stars, random trees, several of each; names shuffled.
The oracle climbs from parent to parent, one node at a time."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    root_probability = float(rng.choice([0.0, 0.0, 0.1, 0.5, 1.0]))
    back = int(rng.choice([1, 2, size]))  # 1: paths
    names = rng.permutation(size).tolist()
    parents = list(range(size))
    for node in range(1, size):
        above = node if rng.random() < root_probability else node - int(rng.integers(1, min(back, node) + 1))
        parents[names[node]] = names[above]
    parents[names[0]] = names[0]
    return {"n": size}, {"P": parents}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    roots = []
    for node in range(params["n"]):
        for _ in range(params["n"]):
            node = arrays["P"][node]
        if arrays["P"][node] != node:
            raise ValueError("P holds a cycle: the nodes are no trees")
        roots.append(node)
    return {"S": roots}
