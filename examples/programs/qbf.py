"""Random quantified 3-CNF formulas of `size` variables and as many clauses; the oracle recurses over the quantifiers.

It evaluates Python booleans depth first, with `all` and `any`, and keeps no counter."""

from __future__ import annotations

from typing import Any

import numpy as np


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list]]:
    quantifiers = rng.integers(0, 2, size).tolist()
    return {"m": size, "c": size}, {"all": quantifiers, "lit": rng.integers(0, 2 * size, 3 * size).tolist()}


def oracle(params: dict[str, int], arrays: dict[str, list]) -> dict[str, Any]:
    literals, quantifiers = arrays["lit"], arrays["all"]
    clauses = [literals[3 * k : 3 * k + 3] for k in range(params["c"])]

    def value(assignment: tuple[bool, ...]) -> bool:
        if len(assignment) < len(quantifiers):
            branches = (value((*assignment, bit)) for bit in (False, True))
            return all(branches) if quantifiers[len(assignment)] else any(branches)
        return all(any(assignment[literal // 2] != bool(literal % 2) for literal in clause) for clause in clauses)

    return {"result": int(value(()))}
