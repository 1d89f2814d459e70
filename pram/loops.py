"""Counts the rounds of loops, to say where a run was when it reached its limit of steps.

Machine code has only jumps. Each jump back closes one loop of the program text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockstep.pram.errors import Source, Span
from lockstep.pram.instructions import Instruction


@dataclass(frozen=True, slots=True)
class Loop:
    """Instructions `first .. last`; the last one jumps back to the first. `at` is the place of the loop's keyword."""

    first: int
    last: int
    at: Span | None

    def holds(self, index: int) -> bool:
        return self.first <= index <= self.last


def find_loops(code: Iterable[Instruction]) -> tuple[Loop, ...]:
    """Return the loops of a code in the order of their last instructions, so inner loops come before outer ones."""
    jumps = ((i.target, index, i.at) for index, i in enumerate(code) if i.target is not None)
    return tuple(Loop(target, index, at) for target, index, at in jumps if target <= index)


class Rounds:
    """Counts the rounds of each loop since the run last entered it."""

    def __init__(self, code: Iterable[Instruction]) -> None:
        self.loops = find_loops(code)
        self.made = {loop.last: 0 for loop in self.loops}
        self._inside = {
            a.last: [b.last for b in self.loops if b != a and a.holds(b.first) and a.holds(b.last)] for a in self.loops
        }

    def jump_back(self, index: int) -> None:
        """Count one more round of the loop that ends at `index`, and reset the loops inside it."""
        self.made[index] += 1
        for inner in self._inside[index]:
            self.made[inner] = 0

    def describe(self, index: int, source: Source | None) -> tuple[str, Span | None]:
        """Return text on the rounds of the loops around an instruction, and the place of the loop with the most rounds."""
        running = [loop for loop in reversed(self.loops) if loop.at and loop.holds(index)]
        if source is None or not running:
            return "", None
        endless = max(running, key=lambda loop: self.made[loop.last])
        rounds = (f"round {self.made[loop.last] + 1} of {_loop_text(loop, loop is endless, source)}" for loop in running)
        return f": it was in {', '.join(rounds)}", endless.at


def _loop_text(loop: Loop, here: bool, source: Source) -> str:
    assert loop.at is not None
    word = f"`{source.word(loop.at)}`"
    return f"this {word}" if here else f"the {word} of line {loop.at.line}"
