"""Directed graphs: none, few and many arcs, paths, stars, layers in which vertices have several possible parents.
The oracle walks with a queue. It gives each vertex its first parent; any other vertex one level above is as right."""

from collections import deque
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(6))
    if kind == 0:  # path, on which vertex 0 comes first or somewhere
        order = rng.permutation(size).tolist() if rng.random() < 0.5 else list(range(size))
        arcs = list(zip(order, order[1:], strict=False))
    elif kind == 1:  # star, out or in
        arcs = [(0, v) if rng.random() < 0.7 else (v, 0) for v in range(1, size)]
    elif kind < 4:  # layers of w vertices, with all arcs or half of them from each to the next
        w, dense = int(rng.integers(1, 4)), rng.random() < 0.5
        levels = [(v + w - 1) // w for v in range(size)]
        pairs = [(u, v) for u in range(size) for v in range(size) if levels[v] == levels[u] + 1]
        arcs = [pair for pair in pairs if dense or rng.random() < 0.5]
    else:
        arcs = [(u, v) for u, v in rng.integers(0, size, (int(rng.integers(0, 2 * size + 1)), 2)).tolist()]
    arcs = [arcs[int(e)] for e in rng.permutation(len(arcs))]
    return {"n": size, "m": len(arcs)}, {"U": [u for u, _ in arcs], "V": [v for _, v in arcs]}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n = params["n"]
    out: list[list[int]] = [[] for _ in range(n)]
    for u, v in zip(arrays["U"], arrays["V"], strict=True):
        out[u].append(v)
    dist, parent, waiting = [0] + [n] * (n - 1), [0] + [n] * (n - 1), deque([0])
    while waiting:
        u = waiting.popleft()
        for v in out[u]:
            if dist[v] == n:
                dist[v], parent[v] = dist[u] + 1, u
                waiting.append(v)
    return {"dist": dist, "parent": parent, "levels": max(d for d in dist if d < n) + 1}


def accepts(params: dict[str, int], arrays: dict[str, list[Any]], outputs: dict[str, Any]) -> bool:
    n, right = params["n"], oracle(params, arrays)
    dist, parent = outputs["dist"], outputs["parent"]
    if dist != right["dist"] or outputs["levels"] != right["levels"]:
        return False
    arcs = set(zip(arrays["U"], arrays["V"], strict=True))
    return all(
        parent[v] == right["parent"][v] if dist[v] in (0, n) else (parent[v], v) in arcs and dist[parent[v]] == dist[v] - 1
        for v in range(n)
    )
