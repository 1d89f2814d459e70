"""Horn formulas: chains in any order (which need all n + 1 rounds), random ones with or without facts, no clauses at all.
The oracle takes one fact at a time from a worklist and counts down the bodies that it stands in."""

from typing import Any

import numpy as np

Clause = tuple[list[int], int]


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[Any]]]:
    clauses = _chain(size, rng) if rng.random() < 0.3 else _random(size, rng)
    clauses = [clauses[int(c)] for c in rng.permutation(len(clauses))]
    entries = [(c, a) for c, (body, _) in enumerate(clauses) for a in body]
    entries = [entries[int(e)] for e in rng.permutation(len(entries))]
    params = {"n": size, "m": len(clauses), "b": len(entries)}
    return params, {"head": [h for _, h in clauses], "clause": [c for c, _ in entries], "atom": [a for _, a in entries]}


def _chain(n: int, rng: np.random.Generator) -> list[Clause]:
    """A fact and n implications, each from one or two atoms before its head; falsehood last. Sometimes a link lacks."""
    order = [*rng.permutation(n).tolist(), n]
    clauses = [(order[:i][-int(rng.integers(1, 3)) :], head) for i, head in enumerate(order)]
    if rng.random() < 0.4:
        del clauses[int(rng.integers(n + 1))]
    return clauses


def _random(n: int, rng: np.random.Generator) -> list[Clause]:
    """Some facts, and other clauses with bodies of up to 3 atoms, perhaps the same atom twice, perhaps the head too."""
    facts = [([], int(a)) for a in range(n) if rng.random() < rng.choice([0.0, 0.1, 0.3])]
    bodies = [rng.integers(0, n, int(rng.integers(1, 4))).tolist() for _ in range(int(rng.integers(0, 2 * n + 1)))]
    return facts + [(body, int(rng.integers(0, n + 1))) for body in bodies]


def oracle(params: dict[str, int], arrays: dict[str, list[Any]]) -> dict[str, Any]:
    heads, entries = arrays["head"], list(zip(arrays["clause"], arrays["atom"], strict=True))
    missing = [arrays["clause"].count(clause) for clause in range(params["m"])]
    known: set[int] = set()
    facts = [head for head, count in zip(heads, missing, strict=True) if count == 0]
    while facts:
        fact = facts.pop()
        if fact in known:
            continue
        known.add(fact)
        for clause, atom in entries:
            if atom == fact:
                missing[clause] -= 1
                if missing[clause] == 0:
                    facts.append(heads[clause])
    return {"holds": [int(a in known) for a in range(params["n"] + 1)]}
