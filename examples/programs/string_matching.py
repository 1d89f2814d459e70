"""Texts of 1, 2 or 256 letters, periodic ones, all the same letter; patterns cut from the text, one off, random ones,
empty ones, and some longer than the text. The oracle is Python's str.startswith at every position."""

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    letters = int(rng.choice([1, 2, 3, 256]))
    text = rng.integers(0, letters, size)
    if rng.random() < 0.3:  # periodic
        text = np.resize(text[: int(rng.integers(1, 4))], size)
    m = int(rng.integers(0, min(size, int(rng.choice([3, 8, 64]))) + 1))
    start = int(rng.integers(0, size - m + 1))
    pattern = text[start : start + m].copy()
    match int(rng.integers(6)):
        case 0:
            pattern = rng.integers(0, letters, int(rng.integers(0, size + 3)))
        case 1 if m:
            pattern[int(rng.integers(m))] ^= 1
    return {"n": size, "m": len(pattern)}, {"text": text.tolist(), "pattern": pattern.tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    text, pattern = ("".join(map(chr, arrays[name])) for name in ("text", "pattern"))
    return {"found": [int(text.startswith(pattern, i)) for i in range(len(text) - len(pattern) + 1)]}
