"""Graphs with edges in the order of their weights: none, paths, cycles, stars, sparse and dense ones, several parts, loops.
The oracle is Kruskal's algorithm; a sequential flood fill along its edges says which vertices share a tree."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    n, kind = size, int(rng.integers(6))
    if kind == 0:
        edges = [(v, v + 1) for v in range(n - 1)]
    elif kind == 1:
        edges = [(v, (v + 1) % n) for v in range(n)]
    elif kind == 2:
        edges = [(0, v) for v in range(1, n)]
    else:
        count = int(rng.integers(0, (n, 2 * n, 3 * n)[kind - 3] + 1))
        edges = [(u, v) for u, v in rng.integers(0, n, (count, 2)).tolist()]
    names = rng.permutation(n).tolist()
    if rng.random() < 0.8:  # else a path or a cycle ascends: one tree takes all edges in one round
        edges = [edges[int(e)] for e in rng.permutation(len(edges))]
    return {"n": n, "m": len(edges)}, {"U": [names[u] for u, _ in edges], "V": [names[v] for _, v in edges]}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    part = [{v} for v in range(params["n"])]
    chosen = []
    for u, v in zip(arrays["U"], arrays["V"], strict=True):
        chosen.append(int(v not in part[u]))
        if chosen[-1]:
            part[u] |= part[v]
            for w in part[v]:
                part[w] = part[u]
    return {"chosen": chosen, "part": [min(vertices) for vertices in part]}


def accepts(params: dict[str, int], arrays: dict[str, list[Any]], outputs: dict[str, Any]) -> bool:
    """The forest is the only one. The name of a tree is any of its vertices."""
    right, tree = oracle(params, arrays), outputs["tree"]
    if outputs["chosen"] != right["chosen"] or any(right["part"][t] != right["part"][v] for v, t in enumerate(tree)):
        return False
    return len(set(tree)) == len(set(right["part"]))
