"""Checks of models of the paper's tasks: all short sequences, against what the task says."""

from __future__ import annotations

from itertools import product

from test_parity import decided

from lockstep.compiler.invariants import CircuitError
from lockstep.models.editing import OutOfPositions
from lockstep.tasks.parity import ONE, WAYS
from mutation.table import Check


def parity(way: str) -> None:
    build, steps = WAYS[way]
    task = build(4)
    for length in range(7):
        for word in product((0, 1), repeat=length):
            left, made, context, _ = decided(task, word, "dense")
            assert left == [ONE] * (sum(word) % 2), f"{word} leaves {left}"
            assert (made, context) == (steps(word), length + 1), f"{word}: {made} steps, context {context}"


CHECKS = tuple(
    Check(f"parity {way}", f"all words of up to 6 letters, decoded by parity {way}: the answer, steps and context",
          lambda way=way: parity(way), (CircuitError, OutOfPositions))
    for way in WAYS
)  # fmt: skip
