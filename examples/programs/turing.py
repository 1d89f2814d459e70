"""Random machines of `size` states that halt soon; from size 4 the busy beaver of 4 states: 107 steps, 13 ones.

The oracle runs the same table on a dictionary for a tape, which has no ends."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

CELLS = 24
#: (write, right, next) for A0 A1 B0 B1 C0 C1 D0 D1; 4 halts.
BEAVER = [(1, 1, 1), (1, 0, 1), (1, 0, 0), (0, 0, 2), (1, 1, 4), (1, 0, 3), (1, 1, 3), (0, 1, 0)]


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list]]:
    if size >= 4:
        return _machine(4, BEAVER)
    while True:
        table = [(int(rng.integers(2)), int(rng.integers(2)), int(rng.integers(size + 1))) for _ in range(2 * size)]
        params, arrays = _machine(size, table)
        steps, _, places = _run(params, arrays, limit=20)
        if steps < 20 and min(places) >= 0 and max(places) < CELLS:
            return params, arrays


def oracle(params: dict[str, int], arrays: dict[str, list]) -> dict[str, Any]:
    steps, tape, _ = _run(params, arrays, limit=10**6)
    cells = [tape[i] for i in range(params["cells"])]
    return {"tape": cells, "steps": steps, "ones": sum(cells)}


def _machine(states: int, table: list[tuple[int, int, int]]) -> tuple[dict[str, int], dict[str, list]]:
    write, right, following = (list(column) for column in zip(*table))
    return {"q": states, "cells": CELLS}, {"next": following, "write": write, "right": right}


def _run(params: dict[str, int], arrays: dict[str, list], limit: int) -> tuple[int, dict[int, int], list[int]]:
    """Steps, the tape, and every place the head has been."""
    tape: dict[int, int] = defaultdict(int)
    state, head, places = 0, params["cells"] // 2, []
    while state != params["q"] and len(places) < limit:
        places.append(head)
        entry = 2 * state + tape[head]
        tape[head] = arrays["write"][entry]
        head += 1 if arrays["right"][entry] else -1
        state = arrays["next"][entry]
    return len(places), tape, [*places, head]
