"""Sudoku puzzles with one solution; sizes 1, 2 and 3 are sides of a box. Exact cover (Knuth's algorithm X) finds the solutions."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import numpy as np

Place = tuple[int, int]  # a cell and its digit
Rule = tuple[str, int, int]


def rules(n: int, cell: int, digit: int) -> tuple[Rule, ...]:
    """What a digit in a cell settles: the cell, and the digit in its row, column and box."""
    row, column = divmod(cell, n * n)
    return ("cell", cell, 0), ("row", row, digit), ("column", column, digit), ("box", row // n * n + column // n, digit)


def solutions(n: int, given: list[int]) -> Iterator[list[int]]:
    """All solutions of a puzzle. Each rule must be settled by exactly one place."""
    open_rules: dict[Rule, set[Place]] = {}
    for cell, digit in product(range(n**4), range(1, n * n + 1)):
        for rule in rules(n, cell, digit):
            open_rules.setdefault(rule, set())
            if given[cell] in (0, digit):
                open_rules[rule].add((cell, digit))
    yield from search(n, open_rules, [0] * n**4)


def search(n: int, open_rules: dict[Rule, set[Place]], grid: list[int]) -> Iterator[list[int]]:
    """Settle the rule with the fewest places left, in every way."""
    if not open_rules:
        yield grid[:]
        return
    rule = min(open_rules, key=lambda each: len(open_rules[each]))
    for cell, digit in sorted(open_rules[rule]):
        settled = rules(n, cell, digit)
        gone = set().union(*(open_rules[each] for each in settled))
        grid[cell] = digit
        yield from search(n, {each: places - gone for each, places in open_rules.items() if each not in settled}, grid)


def inputs(size: int, rng: np.random.Generator) -> tuple[dict[str, int], dict[str, list[int]]]:
    """A solved grid, relabelled and permuted, with cells emptied as long as its solution is the only one."""
    n = min(size, 3)
    m = n * n
    digit = rng.permutation(m) + 1
    rows, columns = ([b * n + int(k) for b in rng.permutation(n) for k in rng.permutation(n)] for _ in range(2))
    grid = [int(digit[(r % n * n + r // n + c) % m]) for r in rows for c in columns]
    for cell in rng.permutation(m * m)[: m * m * 2 // 3].tolist():
        kept, grid[cell] = grid[cell], 0
        if len(list(islice(solutions(n, grid), 2))) > 1:
            grid[cell] = kept
    return {"n": n, "most": 1}, {"given": grid}


def accepts(params: dict[str, int], arrays: dict[str, list[int]], outputs: dict[str, Any]) -> bool:
    """As many solutions as there are, up to `most`; the grid is one of them, or empty if there is none."""
    n, grid = params["n"], outputs["grid"]
    expected = len(list(islice(solutions(n, arrays["given"]), params["most"])))
    if not expected:
        return outputs["solutions"] == 0 and not any(grid)
    fits = all(given in (0, digit) for given, digit in zip(arrays["given"], grid, strict=True))
    settled = {rule for cell, digit in enumerate(grid) if digit in range(1, n * n + 1) for rule in rules(n, cell, digit)}
    return outputs["solutions"] == expected and fits and len(settled) == 4 * n**4
