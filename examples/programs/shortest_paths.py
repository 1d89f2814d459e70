"""Directed graphs with arcs of 0 to 15: empty, sparse and dense ones, long paths, cycles, acyclic ones, all arcs equal.
The oracle runs Dijkstra's algorithm (networkx) from every vertex."""

from typing import Any

import networkx as nx
import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind, order = int(rng.integers(6)), rng.permutation(size)
    low, high = [(0, 15), (0, 15), (1, 1), (0, 0), (15, 15)][int(rng.integers(5))]
    length = rng.integers(low, high + 1, (size, size))
    arcs = np.zeros((size, size), dtype=bool)
    if kind in (0, 1):  # a path (ceil(log2 n) squarings are needed), or a cycle
        arcs[order[:-1], order[1:]] = True
        arcs[order[-1:], order[:1]] = kind == 1
    else:
        density = float(rng.choice([0.0, 1.0 / max(1, size), 2.0 / max(1, size), 0.5, 1.0]))
        arcs = rng.random((size, size)) < density
        if kind == 2:  # acyclic
            arcs = np.triu(arcs, 1)[np.ix_(order, order)]
    return {"n": size}, {"D": np.where(arcs, length, 16 * size).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, far = params["n"], 16 * params["n"]
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((i, j, d) for i, row in enumerate(arrays["D"]) for j, d in enumerate(row) if d < far)
    distances = [nx.single_source_dijkstra_path_length(graph, i) for i in range(n)]
    return {"D": [[distances[i].get(j, far) for j in range(n)] for i in range(n)]}
