"""A counter that has run over holds 0 in every bit; that it took 2^b increments is the program's claim on time."""

from __future__ import annotations

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list]]:
    return {"b": size}, {}


def oracle(params: dict[str, int], arrays: dict[str, list]) -> dict[str, Any]:
    return {"bit": [int(digit) for digit in reversed(format((1 << params["b"]) % (1 << params["b"]), f"0{params['b']}b"))]}
