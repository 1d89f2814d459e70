"""Towers of `size` discs, after any number of moves: none, one, all but one and all among them.
The oracle moves stacks by the usual recursion, never a disc onto a smaller one."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    last = (1 << size) - 1
    moves = [int(rng.integers(last + 1)), 0, min(1, last), max(0, last - 1), last]
    return {"n": size, "moves": moves[max(0, int(rng.integers(-3, 5)))]}, {}


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    pegs: list[list[int]] = [list(reversed(range(params["n"]))), [], []]
    for origin, target in islice(_moves(params["n"], 0, 2), params["moves"]):
        disc = pegs[origin].pop()
        assert not pegs[target] or pegs[target][-1] > disc
        pegs[target].append(disc)
    return {"peg": [next(p for p in range(3) if disc in pegs[p]) for disc in range(params["n"])]}


def _moves(discs: int, origin: int, target: int) -> Iterator[tuple[int, int]]:
    if discs:
        other = 3 - origin - target
        yield from _moves(discs - 1, origin, other)
        yield origin, target
        yield from _moves(discs - 1, other, target)
