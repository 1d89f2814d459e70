"""The solutions of a Sudoku by exact cover, in plain Python: what the model of the task is held against.

Each way to write a digit into a cell covers four things: the cell, and the digit in its row, column and box. A solution is a
choice of ways that covers each thing once (algorithm X; Knuth, Dancing links, 2000).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

#: Cell, digit: one way to write a digit, both from 0.
Way = tuple[int, int]
#: A thing that is to be covered: a name, and one or two numbers.
Thing = tuple[str, int, int]


class Undecided(Exception):
    """The search took more than the allowed number of choices."""


def solutions(grid: Sequence[int], side: int, most: int = 2, choices: int = 200_000) -> list[tuple[int, ...]]:
    """Return up to `most` solutions of a board, row by row.

    Args:   grid: digits from 1, and 0 for an empty cell, [side^4].
    Raises: Undecided: the search takes more choices than that.
    """
    size = side * side
    ways: dict[Way, list[Thing]] = {
        (cell, digit): _covers(cell, digit, side)
        for cell, given in enumerate(grid)
        for digit in (range(size) if not given else [given - 1])
    }
    open_things: dict[Thing, set[Way]] = {}
    for way, things in ways.items():
        for thing in things:
            open_things.setdefault(thing, set()).add(way)
    if len(open_things) < 4 * size * size:
        return []  # something cannot be covered at all
    found = []
    for chosen in _search(open_things, ways, [choices]):
        digits = dict(chosen)
        found.append(tuple(digits[cell] + 1 for cell in range(size * size)))
        if len(found) == most:
            break
    return found


def is_solution(board: Sequence[int], clues: Sequence[int], side: int) -> bool:
    """Whether a board keeps the clues and has each digit once in each row, column and box."""
    size, covered = side * side, {thing for cell, digit in enumerate(board) for thing in _covers(cell, digit - 1, side)}
    kept = all(clue in (0, digit) for clue, digit in zip(clues, board, strict=True))
    return kept and all(1 <= digit <= size for digit in board) and len(covered) == 4 * size * size


def _covers(cell: int, digit: int, side: int) -> list[Thing]:
    row, column = divmod(cell, side * side)
    box = row // side * side + column // side
    return [("cell", cell, 0), ("row", row, digit), ("column", column, digit), ("box", box, digit)]


def _search(open_things: dict[Thing, set[Way]], ways: dict[Way, list[Thing]], left: list[int]) -> Iterator[list[Way]]:
    """Yield all choices that cover everything. `left` holds how many choices may still be made."""
    if not open_things:
        yield []
        return
    fewest = min(open_things.values(), key=len)
    for way in sorted(fewest):
        left[0] -= 1
        if left[0] < 0:
            raise Undecided
        covered = [(thing, _cover(open_things, ways, thing)) for thing in ways[way]]
        for rest in _search(open_things, ways, left):
            yield [way, *rest]
        for thing, taken in reversed(covered):
            _uncover(open_things, ways, thing, taken)


def _cover(open_things: dict[Thing, set[Way]], ways: dict[Way, list[Thing]], thing: Thing) -> set[Way]:
    """Take out a thing, and from the others all ways that cover it."""
    taken = open_things.pop(thing)
    for way in taken:
        for other in ways[way]:
            if other in open_things:
                open_things[other].discard(way)
    return taken


def _uncover(open_things: dict[Thing, set[Way]], ways: dict[Way, list[Thing]], thing: Thing, taken: set[Way]) -> None:
    """Put a thing back that `_cover` has taken out."""
    for way in taken:
        for other in ways[way]:
            if other in open_things:
                open_things[other].add(way)
    open_things[thing] = taken
