"""Undirected graphs: empty, paths, cycles, stars, sparse random ones, several parts; arcs shuffled.
A sequential flood fill finds the components; `accepts` allows any member of one as its label D."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    n, kind = size, int(rng.integers(7))
    if kind == 0:
        edges = []
    elif kind == 1:  # path
        edges = [(v, v + 1) for v in range(n - 1)]
    elif kind == 2:  # cycle, where there is one
        edges = [(v, v + 1) for v in range(n - 1)] + ([(n - 1, 0)] if n > 2 else [])
    elif kind == 3:  # star
        edges = [(0, v) for v in range(1, n)]
    elif kind == 4:  # forest: every vertex hangs below an earlier one or starts a new tree
        edges = [(int(rng.integers(v)), v) for v in range(1, n) if rng.random() < 0.8]
    else:  # n/2 or n random edges, the same edge perhaps twice
        pairs = rng.integers(0, n, (n // 2 if kind == 5 else n, 2)).tolist()
        edges = [(u, v) for u, v in pairs if u != v]
    names = (rng.permutation(n) if rng.random() < 0.8 else np.arange(n)).tolist()
    arcs = [(names[u], names[v]) for a, b in edges for u, v in ((a, b), (b, a))]
    arcs = [arcs[int(e)] for e in rng.permutation(len(arcs))]
    return {"n": n, "m": len(arcs)}, {"U": [u for u, _ in arcs], "V": [v for _, v in arcs]}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    """Every vertex labelled with the smallest vertex of its component."""
    neighbours: list[list[int]] = [[] for _ in range(params["n"])]
    for u, v in zip(arrays["U"], arrays["V"], strict=True):
        neighbours[u].append(v)
    label = [-1] * params["n"]
    for root in range(params["n"]):
        waiting = [root] if label[root] < 0 else []
        while waiting:
            vertex = waiting.pop()
            if label[vertex] < 0:
                label[vertex] = root
                waiting.extend(neighbours[vertex])
    return {"D": label}


def accepts(params: dict[str, int], arrays: dict[str, list[Any]], outputs: dict[str, Any]) -> bool:
    """D names one member per component: which one, and after how many rounds, depends on who wins a concurrent write.

    With edges {0, 2} and {1, 2}, vertex 2 hooks onto 0 or 1, and the other one then joins that tree."""
    label, found = oracle(params, arrays)["D"], outputs["D"]
    if len(found) != len(label) or any(not 0 <= d < len(label) for d in found):
        return False
    chosen = {c: found[c] for c in set(label)}
    return all(d == chosen[c] and label[d] == c for c, d in zip(label, found, strict=True))
