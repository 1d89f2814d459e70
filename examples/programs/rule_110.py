"""Rings of `size` cells for up to `size` generations: all dead, all alive, one alive, alternating, random, few or many.
The oracle looks up every neighbourhood in the bits of 110, as Wolfram numbers such rules."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    kind = int(rng.integers(6))
    cells = (rng.random(size) < rng.choice([0.1, 0.5, 0.9])).astype(int)
    if kind < 2:
        cells[:] = kind
    elif kind == 2:
        cells[:] = 0
        cells[rng.integers(size)] = 1
    elif kind == 3:
        cells = np.arange(size) % 2
    return {"n": size, "t": int(rng.integers(size + 1))}, {"A": cells.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    cells = np.array(arrays["A"])
    for _ in range(params["t"]):
        cells = 110 >> (4 * np.roll(cells, 1) + 2 * cells + np.roll(cells, -1)) & 1
    return {"A": cells.tolist()}
