"""Reachability in directed graphs: empty, sparse and dense random ones, long paths, cycles, acyclic ones.
The oracle searches the graph from every vertex (networkx.descendants), without any matrix product."""

from typing import Any

import networkx as nx
import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(6))
    order = rng.permutation(size)
    relation = np.zeros((size, size), dtype=np.int64)
    if kind in (0, 1):  # a path (ceil(log2 n) squarings are needed), or a cycle
        relation[order[:-1], order[1:]] = 1
        relation[order[-1], order[0]] = kind
    elif kind in (2, 3, 4):
        density = float(rng.choice([0.0, 1.0 / size, 2.0 / size, 0.5]))
        relation[:] = rng.random((size, size)) < density
        if kind == 4:  # acyclic
            relation = np.triu(relation, 1)[np.ix_(order, order)]
    else:  # two parts without an arc between them
        side = rng.integers(0, 2, size)
        relation[:] = (rng.random((size, size)) < 2.0 / size) & (side[:, None] == side[None, :])
    return {"n": size}, {"R": relation.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, relation = params["n"], arrays["R"]
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from((i, j) for i in range(n) for j in range(n) if relation[i][j])
    rows = []
    for i in range(n):
        reached = nx.descendants(graph, i) | {i}
        rows.append([int(j in reached) for j in range(n)])
    return {"R": rows}
