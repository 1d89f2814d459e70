"""Samplers in plain Python: from the softmax over all tokens of the vocabulary, one position after the other.

It shares no code with `lockstep.models.samplers`. Numbers that should be equal are rounded before they are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

Row = tuple[int, int, float, float, float]  # position, best token, confidence, margin, entropy

#: Digits behind the point in which numbers are compared.
DIGITS = 12


def row_of(position: int, logits: list[float], mask: int, temperature: float = 1.0) -> Row:
    """What the logits of all tokens say of a position."""
    largest = max(logit for token, logit in enumerate(logits) if token != mask)
    weights = [0.0 if token == mask else math.exp((logit - largest) / temperature) for token, logit in enumerate(logits)]
    total = math.fsum(weights)
    chances = [weight / total for weight in weights]
    first, second = sorted(chances, reverse=True)[:2]
    entropy = -math.fsum(chance * math.log(chance) for chance in chances if chance > 0)
    return position, chances.index(first), first, first - second, entropy


def by(key: str, rows: list[Row]) -> list[Row]:
    """The rows in order of preference; of equals, the left one comes first."""
    at = {"confidence": lambda row: -row[2], "margin": lambda row: -row[3], "entropy": lambda row: row[4]}[key]
    return sorted(rows, key=lambda row: (round(at(row), DIGITS), row[0]))


def top(k: int, key: str = "confidence") -> Callable[[list[Row]], list[Row]]:
    return lambda rows: by(key, rows)[:k]


def threshold(p: float) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if row[2] >= p] or by("confidence", rows)[:1]


def factor(f: float) -> Callable[[list[Row]], list[Row]]:
    def pick(rows: list[Row]) -> list[Row]:
        found: list[Row] = []
        for row in by("confidence", rows):
            if found and (len(found) + 2) * (1 - row[2]) >= f:
                break
            if not found and 2 * (1 - row[2]) >= f:
                return [row]
            found.append(row)
        return found

    return pick


def entropy(gamma: float, last_counts: bool) -> Callable[[list[Row]], list[Row]]:
    def pick(rows: list[Row]) -> list[Row]:
        found: list[Row] = []
        for row in by("entropy", rows):
            sums = [each[4] for each in [*found, row]]
            if found and math.fsum(sums) - (0 if last_counts else max(sums)) > gamma:
                break
            found.append(row)
        return found

    return pick


def blocks(size: int, inner: Callable[[list[Row]], list[Row]], first: int) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: inner([row for row in rows if (row[0] - first) // size == (rows[0][0] - first) // size])


def decode(tokens: list[int], mask: int, logits_of: Callable[[list[int]], Any], pick: Callable[[list[Row]], list[Row]],
           most: int) -> Iterator[list[int]]:  # fmt: skip
    """The sequence after each step. logits_of: from a sequence, the logits of all tokens at each position."""
    for _ in range(most):
        masked = [position for position, token in enumerate(tokens) if token == mask]
        if not masked:
            return
        logits = logits_of(tokens)
        tokens = list(tokens)
        for position, token, *_rest in pick([row_of(position, logits[position], mask) for position in masked]):
            tokens[position] = token
        yield tokens
