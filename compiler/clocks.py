"""Which step of the machine a decoding step belongs to: 0 before the first, T + 1 after the last.

Each layout gives a clock for a decode, in any order. It is told of every decoding step, from the first on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lockstep.models.editing import DecodingStep
from lockstep.models.transformer import Tokens

#: Told of a decoding step; returns the step of the machine that it belongs to.
Clock = Callable[[DecodingStep], int]


class BlockClock:
    """Of blocks: a decoding step belongs to the step after the blocks that are full before it.

    Args: first: the position of the first block. each: the tokens of a block. blocks: how many there are. time: T.
          places: the positions that a decoding step fills; by default the rows that it changes.
    """

    def __init__(self, first: int, each: int, blocks: int, time: int,
                 places: Callable[[DecodingStep], Tokens] = lambda step: step.change.rows) -> None:  # fmt: skip
        self.first, self.each, self.time, self.places = first, each, time, places
        self.filled = np.zeros(blocks + 1, np.int64)
        self.full = 0

    def __call__(self, step: DecodingStep) -> int:
        now, places = self.full + 1, self.places(step) - self.first
        inside = (places >= 0) & (places < self.each * (len(self.filled) - 1))
        np.add.at(self.filled, places[inside] // self.each, 1)
        while self.filled[self.full] == self.each:
            self.full += 1
        return min(now, self.time + 1)


class CycleClock:
    """Of cycles of `blocks` steps: a snapshot belongs to the step before it, and what ends the last cycle comes after the last step."""

    def __init__(self, first: int, each: int, blocks: int, time: int) -> None:
        self.first, self.each, self.blocks, self.time, self.cycle = first, each, blocks, time, 0

    def __call__(self, step: DecodingStep) -> int:
        self.cycle += step.erasure is not None
        place, before = int(step.change.rows[-1]) - self.first, self.cycle * self.blocks
        if place < 0:
            return before
        if place < self.each * self.blocks:
            return min(before + place // self.each + 1, self.time)
        return before + self.blocks if before + self.blocks < self.time else self.time + 1


class StateClock:
    """Of a state that is edited in place: first it grows up to its full length, then it gets its first words.

    Args: start, full: the length at the start and at full. each: decoding steps for a step of the machine. time: T.
    """

    def __init__(self, start: int, full: int, each: int, time: int) -> None:
        self.length, self.full, self.each, self.time = start, full, each, time
        self.made = -1  # decoding steps since the first words

    def __call__(self, step: DecodingStep) -> int:
        if self.made >= 0 or self.length == self.full:
            self.made += 1
        self.length = step.change.length
        return min(-(-max(self.made, 0) // self.each), self.time + 1)


__all__ = ["BlockClock", "Clock", "CycleClock", "StateClock"]
