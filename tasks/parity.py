"""Parity by editing: the sequence shrinks to nothing, or to one ONE. Two circuits of one layer.

*At once*: all ZEROs vanish, then every second ONE, and at last one of two. So the number of decoding steps does not grow with the word.
*Front*: the paper's elimination, which looks at the first two tokens alone.

A token that is to vanish is remasked, and a mask is deleted in the next step. What stands behind it moves up: the shift of
positions counts, and no head does. One-hot attention of constant depth alone has no parity (it is in AC0; Hastad 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from lockstep.models.tokens import MASK
from lockstep.tasks.kit import RIGHT, Task, TaskBuilder
from lockstep.tasks.pictures import Picture, Sign

ZERO, ONE = "ZERO", "ONE"
KINDS = (ZERO, ONE)


def at_once(index_bits: int) -> Task:
    """Parity in at most 4 decoding steps."""
    b = TaskBuilder(KINDS, index_bits, {"odd": slice(1, None, 2)})
    zero, mask, right = b.any_row(ZERO), b.any_row(MASK), b.neighbour(RIGHT, ONE, b.body)
    settled, odd = [b.is_kind(ONE), 1 - zero, 1 - mask], b.flags["odd"].flag
    b.edit("remask", [b.is_kind(ZERO)])
    b.edit("remask", [*settled, odd, right])  # both of a pair: the first by its neighbour, the second since it is one
    b.edit("remask", [*settled, 1 - odd])
    b.edit("delete", [b.is_kind(MASK)])
    return b.task()


def front(index_bits: int) -> Task:
    """The paper's elimination: a ZERO in the first two places vanishes, and so do two ONEs."""
    b = TaskBuilder(KINDS, index_bits, {"first": [1], "second": [2]})
    first, second = b.flags["first"].flag, b.flags["second"].flag
    after, before = b.neighbour("right", ONE, first), b.neighbour("left", ONE, second)
    b.edit("remask", [b.is_kind(ZERO), first + second])
    b.edit("remask", [b.is_kind(ONE), first, after])
    b.edit("remask", [b.is_kind(ONE), second, before])
    b.edit("delete", [b.is_kind(MASK)])
    return b.task()


def steps_at_once(word: Sequence[int]) -> int:
    """The decoding steps of `at_once`: two if there is a ZERO, and two if there are two ONEs."""
    return 2 * (0 in word) + 2 * (sum(word) > 1)


def steps_front(word: Sequence[int]) -> int:
    """The decoding steps of `front`: two for each pair of ONEs and each ZERO, and two ZEROs of a run behind an even number of ONEs
    vanish together.
    """
    ones, together = 0, 0
    for bit, run in groupby(word):
        length = len(list(run))
        together += length // 2 if bit == 0 and ones % 2 == 0 else 0
        ones += bit * length
    return 2 * (ones // 2 + len(word) - ones - together)


#: Each way to decide parity, with the closed form of its decoding steps.
WAYS = {"at-once": (at_once, steps_at_once), "front": (front, steps_front)}
#: The closed forms as texts: [..] is 1 where it holds, else 0.
FORMS = {"at-once": "2 [a ZERO] + 2 [two ONEs]", "front": "2 (pairs of ONEs + ZEROs - ZEROs that vanish with another)"}
PICTURE = Picture({ZERO: Sign("0"), ONE: Sign("1")})
