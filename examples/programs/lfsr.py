"""Registers of `size` bits: any taps, taps of maximal period, few taps; any start, 0 and 1 among them.
The oracle multiplies bit vectors by the register's matrix over GF(2) until the start comes back."""

from typing import Any

import numpy as np

#: Taps of period 2^b - 1, for b from 1: reversed coefficients of a primitive polynomial each.
MAXIMAL = (0x1, 0x3, 0x6, 0xC, 0x14, 0x30, 0x60, 0xB8, 0x110, 0x240)


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, Any]]:
    high = 1 << size - 1
    taps = [high | int(rng.integers(high)), high, 2 * high - 1, high | 1]
    taps += [MAXIMAL[size - 1]] * 2 if size <= len(MAXIMAL) else []
    starts = [int(rng.integers(2 * high)), 0, 1, 2 * high - 1]
    return {"b": size}, {"start": starts[max(0, int(rng.integers(-3, 4)))], "taps": taps[int(rng.integers(len(taps)))]}


def oracle(params: dict[str, int], arrays: dict[str, Any]) -> dict[str, Any]:
    b = params["b"]
    bits = np.arange(b)
    matrix = np.eye(b, k=1, dtype=np.int64)  # row i of the next state: bit i + 1 ..
    matrix[:, 0] ^= arrays["taps"] >> bits & 1  # .. and the tap, if bit 0 falls out
    start = arrays["start"] >> bits & 1
    state, period = matrix @ start % 2, 1
    while not np.array_equal(state, start):
        state, period = matrix @ state % 2, period + 1
    return {"period": period}
