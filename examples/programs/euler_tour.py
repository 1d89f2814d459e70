"""Trees: paths, stars, random ones, caterpillars; vertices and the order of arcs around them shuffled.
The oracle walks through the tree by recursion; around each vertex it goes on after the arc to the parent."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    back = int(rng.choice([1, 2, size, size]))
    above = [node - int(rng.integers(1, min(back, node) + 1)) for node in range(1, size)]
    if rng.random() < 0.15:
        above = [0] * (size - 1)
    names = (rng.permutation(size) if rng.random() < 0.8 else np.arange(size)).tolist()
    around: list[list[int]] = [[] for _ in range(size)]
    for node, parent in enumerate(above, 1):
        around[names[node]].append(names[parent])
        around[names[parent]].append(names[node])
    around = [[row[int(k)] for k in rng.permutation(len(row))] for row in around]
    arcs = [(v, w) for v, row in enumerate(around) for w in row]
    first = [0]
    for row in around:
        first.append(first[-1] + len(row))
    twin = [arcs.index((w, v)) for v, w in arcs]
    return {"n": size}, {"first": first, "head": [w for _, w in arcs], "twin": twin}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, first, head, twin = params["n"], arrays["first"], arrays["head"], arrays["twin"]
    parent, depth, place = [0] * n, [0] * n, [0] * len(head)
    steps = iter(range(len(head)))

    def walk(arcs: list[int]) -> None:
        for arc in arcs:
            place[arc] = next(steps)
            child, back = head[arc], twin[arc]
            parent[child] = head[back]
            depth[child] = depth[head[back]] + 1
            walk([*range(back + 1, first[child + 1]), *range(first[child], back)])
            place[back] = next(steps)

    walk(list(range(first[1])))
    return {"place": place, "parent": parent, "depth": depth}
