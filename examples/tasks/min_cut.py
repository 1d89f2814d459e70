"""Directed graphs with capacities: sparse and dense ones, layers, and no path from s to t. NetworkX finds the least cut nearest to s,
and a sequential search counts paths, scanned vertices and arcs of paths."""

from collections import deque
from typing import Any

import networkx as nx
import numpy as np

Matrix = list[list[int]]


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Matrix]]:
    n, most = max(size, 2), int(rng.choice([1, 3, 15]))
    share = [min(1.0, 3 / n), 0.5, 1.0, 0.2][int(rng.integers(4))]
    arcs = rng.random((n, n)) < share
    if rng.random() < 0.3:  # layers: arcs lead a few vertices on
        arcs &= np.triu(np.ones((n, n), bool), 1) & np.tril(np.ones((n, n), bool), 3)
    np.fill_diagonal(arcs, False)
    s, t = rng.permutation(n)[:2].tolist() if rng.random() < 0.5 else (0, n - 1)
    return {"n": n, "s": s, "t": t, "most": most}, {"C": (arcs * rng.integers(1, most + 1, (n, n))).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    n, s, t = params["n"], params["s"], params["t"]
    capacity = np.array(arrays["C"]).reshape(n, n).tolist()
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from((u, v, {"capacity": capacity[u][v]}) for u in range(n) for v in range(n) if capacity[u][v] and u != v)
    residual = nx.algorithms.flow.preflow_push(graph, s, t)
    left = nx.DiGraph((u, v) for u, v, arc in residual.edges(data=True) if arc["flow"] < arc["capacity"])
    near = {s} | (nx.descendants(left, s) if s in left else set())
    side = [int(v in near) for v in range(n)]
    cut = [[0 if side[u] > side[v] else capacity[u][v] for v in range(n)] for u in range(n)]
    return {"flow": residual.graph["flow_value"], "side": side, "C": cut} | counts(capacity, s, t)


def counts(left: Matrix, s: int, t: int) -> dict[str, int]:
    """The augmenting paths of Edmonds and Karp, the vertices that they scan to find them, and their arcs."""
    found = {"paths": 0, "scans": 0, "hops": 0}
    while True:
        parent, queue = {s: s}, deque([s])
        while queue and t not in parent:
            u = queue.popleft()
            found["scans"] += 1
            new = [v for v in range(len(left)) if v not in parent and left[u][v]]
            parent |= dict.fromkeys(new, u)
            queue.extend(new)
        if t not in parent:
            return found
        path = [(parent[t], t)]
        while path[-1][0] != s:
            path.append((parent[path[-1][0]], path[-1][0]))
        width = min(left[u][v] for u, v in path)
        for u, v in path:
            left[u][v] -= width
            left[v][u] += width
        found["paths"] += 1
        found["hops"] += len(path)
