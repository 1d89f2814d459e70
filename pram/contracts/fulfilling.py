"""Makes words fulfil what a program requires: first their shapes, then cell by cell where it still fails.

Every decision is taken by `choose`, so random numbers and Hypothesis can take them. Words that fulfil everything stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from lockstep.pram.contracts.kinds import Clause
from lockstep.pram.contracts.meaning import NoValue
from lockstep.pram.contracts.orders import Order, Words, sequence_of
from lockstep.pram.contracts.shapes import Reading, Shapes, Values, bindings
from lockstep.pram.contracts.translating import names_in
from lockstep.pram.syntax import Binary, Expression, Number, Quantified, walk

#: Takes a number of options, returns the index of one.
Choose = Callable[[int], int]
#: How often single cells are drawn anew, and how many of them each time.
ROUNDS, MOST_REDRAWN = 8, 200


@dataclass(frozen=True)
class Part:
    """A part of what a program requires: one that `and` joins with the others of its clause."""

    clause: Clause
    condition: Expression


def fulfil(
    shapes: Shapes, parts: Sequence[Part], words: Words, values_of: Callable[[Words], Values], choose: Choose
) -> Part | None:
    """Change words, int64 [cells], until they fulfil all parts. Return a part that they do not fulfil in the end, or None.

    Args: values_of: the values of parameters, and of `inf` for these words.
    """
    for cell in range(len(words)):
        if not shapes.takes(cell, int(words[cell])):
            redraw(shapes, words, cell, choose)
    for _ in range(ROUNDS):
        arrange(shapes, words, choose)
        values, reading = values_of(words), Reading(shapes.arrays, words)
        failed = next((part for part in parts if not _holds(part.condition, values, reading)), None)
        if failed is None or not _redraw_some(shapes, words, failed.condition, values, reading, choose):
            return failed
    return failed


def unmet(parts: Sequence[Part], shapes: Shapes, words: Words, values: Values) -> Part | None:
    """Return the first part that words do not fulfil, or None."""
    reading = Reading(shapes.arrays, words)
    return next((part for part in parts if not _holds(part.condition, values, reading)), None)


def redraw(shapes: Shapes, words: Words, cell: int, choose: Choose) -> None:
    options = shapes.words_of(cell)
    words[cell] = options[choose(len(options))]


def _holds(condition: Expression, values: Values, reading: Reading) -> bool:
    try:
        return bool(reading.value(condition, values))
    except NoValue:
        return False


def _redraw_some(shapes: Shapes, words: Words, condition: Expression, values: Values, reading: Reading, choose: Choose) -> bool:
    """Draw a cell anew for each item for which a condition fails. Return whether there was one."""
    changed = False
    for body, found in list(islice(_failing(condition, values, reading), MOST_REDRAWN)):
        cells = reading.cells_read(body, found, MOST_REDRAWN)
        if cells:
            cell = cells[choose(len(cells)) if len(cells) > 1 else 0]
            named = [word for word in sorted(_named(body, found)) if shapes.takes(cell, word)]
            if named and choose(2):
                words[cell] = named[choose(len(named))]
            else:
                redraw(shapes, words, cell, choose)
            changed = True
    return changed


def _named(condition: Expression, values: Values) -> set[int]:
    """The numbers in a condition, and the values of the names in it."""
    numbers = {node.value for node in walk(condition) if isinstance(node, Number)}
    return numbers | {values[name] for name in names_in(condition) if name in values}


def _failing(condition: Expression, values: Values, reading: Reading) -> Iterator[tuple[Expression, Values]]:
    """Yield the parts of a condition that fail, with the items of quantifiers for which they do."""
    match condition:
        case Binary("and", left, right):
            yield from _failing(left, values, reading)
            yield from _failing(right, values, reading)
        case Binary("==>", left, right) if _holds(left, values, reading) and not _holds(right, values, reading):
            yield left, values
            yield from _failing(right, values, reading)
        case Quantified("forall", ranges, body):
            try:
                for found in bindings(ranges, values, reading):
                    yield from _failing(body, found, reading)
            except NoValue:
                return
        case _:
            if not _holds(condition, values, reading):
                yield condition, values


# -- shapes ----------------------------------------------------------------------------------------


def arrange(shapes: Shapes, words: Words, choose: Choose) -> None:
    """Give words their shapes: different ones, copies, orders. What has its shape stays."""
    for group in shapes.apart:
        _part(shapes, words, group, choose)
    for here, there, exact in shapes.copies:
        if not exact and Counter(words[list(here)].tolist()) != Counter(words[list(there)].tolist()):
            words[list(there)] = _shuffled(words[list(here)].tolist(), choose)
    for order in shapes.orders:
        _sort(shapes, words, order, choose)
    for here, there, exact in shapes.copies:
        if exact:
            words[list(there)] = words[list(here)]


def _part(shapes: Shapes, words: Words, group: Sequence[int], choose: Choose) -> None:
    """Give cells different words: a cell whose word an earlier one has gets a word near it that none has, if there is one."""
    used = set(words[list(group)].tolist())
    if len(used) == len(group):
        return
    seen: set[int] = set()
    free: dict[Sequence[int] | int, list[int]] = {}
    for cell in group:
        word = int(words[cell])
        if word in seen:
            near = _near(shapes, cell, word, 2 * len(group))
            left = free.setdefault(near if isinstance(near, range) else cell, [each for each in near if each not in used])
            while left and (word := left.pop(choose(len(left)))) in used:
                pass
            words[cell] = word
            used.add(word)
        seen.add(word)


def _near(shapes: Shapes, cell: int, word: int, room: int) -> Sequence[int]:
    """The words for a cell that are at most `room` from a word, if all of a range are for it."""
    if cell in shapes.options:
        return shapes.options[cell]
    options = shapes.words_of(cell)
    return range(max(options[0], min(word, options[-1]) - room), min(options[-1], word + room) + 1)


def _sort(shapes: Shapes, words: Words, order: Order, choose: Choose) -> None:
    """Hand out the words of an order anew, the smallest first, if they are not in this order; and part those that must differ.

    Words go up until they differ, and then down to the largest ones to draw. Both have this order, so the smaller has it too.
    """
    if all(words[a] + gap <= words[b] for a, b, gap in order.below):
        return
    sequence = sequence_of(order, choose)
    if not sequence:
        return
    high = shapes.high if words[sequence].max() <= shapes.high[sequence].max() else shapes.most
    words[sequence] = np.maximum(sorted(words[sequence].tolist()), shapes.low[sequence])
    place = {cell: number for number, cell in enumerate(sequence)}
    for a, b, gap in sorted(order.below, key=lambda pair: place[pair[0]]):
        words[b] = max(words[b], words[a] + gap)
    words[sequence] = np.minimum(words[sequence], high[sequence])


def _shuffled(words: list[int], choose: Choose) -> list[int]:
    left, found = list(words), []
    while left:
        found.append(left.pop(choose(len(left)) if len(left) > 1 else 0))
    return found
