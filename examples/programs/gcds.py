"""Pairs: random ones, multiples, zeros, equal words, coprime ones, neighbours in Fibonacci's sequence, which take longest.
The oracle is math.gcd for the divisors, and the remainders of math.fmod one after the other for the rounds."""

from math import fmod, gcd
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    fibonacci = [1, 1]
    while len(fibonacci) < 16:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    a, b = rng.integers(0, rng.choice([2, 16, 1000]), (2, size)).tolist()
    for i in range(size):
        match int(rng.integers(8)):
            case 0:
                b[i] = 0
            case 1:
                a[i] = b[i] * int(rng.integers(0, 4))
            case 2:
                b[i] = a[i]
            case 3:
                k = int(rng.integers(1, 16))
                a[i], b[i] = fibonacci[k], fibonacci[k - 1]
    return {"n": size}, {"A": a, "B": b}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    pairs = list(zip(arrays["A"], arrays["B"], strict=True))
    return {"G": [gcd(a, b) for a, b in pairs], "rounds": max(_divisions(a, b) for a, b in pairs)}


def _divisions(a: int, b: int) -> int:
    return 1 + _divisions(b, int(fmod(a, b))) if b else 0
