"""Vertices with no, few and many arcs; none, few, most or all of them marked.
The oracle goes through all arcs once, backwards, and keeps the last marked one of each vertex."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    degree = rng.integers(0, int(rng.choice([1, 2, 4, 8])), size)
    m = int(degree.sum())
    mark = (rng.random(m) < rng.choice([0.0, 0.2, 0.8, 1.0])).astype(int)
    params = {"n": size, "m": m, "d": int(degree.max())}
    return params, {"first": [0, *np.cumsum(degree).tolist()], "mark": mark.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    n, m, first = params["n"], params["m"], arrays["first"]
    found = [m] * n
    for arc in range(m - 1, -1, -1):
        if arrays["mark"][arc]:
            found[sum(end <= arc for end in first[1:])] = arc
    return {"found": found}
