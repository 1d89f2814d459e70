"""Comparisons between cells: which are below which, and an order in which sorted words can be handed out to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]
#: (a, b, gap): the word of cell a, plus gap, is at most that of cell b.
Below = tuple[int, int, int]
#: A bound that says nothing.
FAR = 1 << 62


@dataclass(frozen=True)
class Order:
    """Cells that comparisons join, and these comparisons."""

    cells: tuple[int, ...]
    below: tuple[Below, ...]


def sequence_of(order: Order, choose: Callable[[int], int] | None = None) -> list[int]:
    """Return the cells of an order such that each comes after those below it; [] if they go round in a circle.

    Args: choose: takes how many cells may come next, returns which one does. By default, the first.
    """
    above: dict[int, list[int]] = {cell: [] for cell in order.cells}
    waits = dict.fromkeys(order.cells, 0)
    for a, b, _ in order.below:
        above[a].append(b)
        waits[b] += 1
    ready = [cell for cell in order.cells if not waits[cell]]
    heapify(ready)
    found = []
    while ready:
        picked = choose(len(ready)) if choose is not None and len(ready) > 1 else 0
        cell = heappop(ready) if not picked else ready.pop(picked)
        if picked:
            heapify(ready)
        found.append(cell)
        for b in above[cell]:
            waits[b] -= 1
            if not waits[b]:
                heappush(ready, b)
    return found if len(found) == len(order.cells) else []


def orders_of(below: Sequence[Below]) -> list[Order]:
    """Group comparisons by the cells that they join."""
    leader: dict[int, int] = {}

    def find(cell: int) -> int:
        while leader.setdefault(cell, cell) != cell:
            leader[cell] = cell = leader[leader[cell]]
        return cell

    for a, b, _ in below:
        leader[find(a)] = find(b)
    groups: dict[int, list[Below]] = {}
    for pair in below:
        groups.setdefault(find(pair[0]), []).append(pair)
    return [Order(tuple(sorted({c for a, b, _ in pairs for c in (a, b)})), tuple(pairs)) for pairs in groups.values()]


def spread(orders: Sequence[Order], low: Words, high: Words) -> None:
    """Hand bounds on from cell to cell: upwards the lower ones, downwards the upper ones."""
    for order in orders:
        sequence = sequence_of(order)
        place = {cell: number for number, cell in enumerate(sequence)}
        pairs = sorted((pair for pair in order.below if sequence), key=lambda pair: place[pair[0]])
        for a, b, gap in pairs:
            low[b] = max(low[b], low[a] + gap if low[a] > -FAR else -FAR)
        for a, b, gap in sorted(pairs, key=lambda pair: -place[pair[1]]):
            high[a] = min(high[a], high[b] - gap if high[b] < FAR else FAR)
