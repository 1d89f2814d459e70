"""When the rows of masked diffusion become ready, if they are filled one at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import mdm
from lockstep.compiler.blocks import BLOCK_ROLES
from lockstep.proofs_check.expectation import Tokens


class Waiting:
    """The rows that wait. A block is ready when the block before it is full, and the outputs when all processors have halted.

    A processor that has halted waits for no other one: its rows of all later blocks are ready at once.
    """

    def __init__(self, layout: mdm.Layout, final: Tokens) -> None:
        """final: the tokens of the finished sequence."""
        self.layout, self.final, self.halt = layout, final, layout.circuit.vocabulary.token("HALT")
        self.missing = np.full(layout.time + 1, 3 * layout.job.processors)
        self.running = layout.job.processors
        self.waits = np.zeros(layout.length, np.bool_)
        self.waits[layout.first_block :] = True

    def first(self) -> list[int]:
        """The rows that are ready at the start."""
        return self._release(self._block(1))

    def released_by(self, row: int) -> list[int]:
        """The rows that become ready when this one is filled."""
        role, step, pid = self.layout.locate(row)
        if role == "output":
            return []
        self.missing[step] -= 1
        released = self._release(self._block(step + 1)) if not self.missing[step] else []
        if role == "C" and self.final[row] == self.halt:
            released += self._release(
                self.layout.row(role, later, pid) for later in range(step, self.layout.time + 1) for role in BLOCK_ROLES
            )
        if role == "C" and step == self.layout.time:
            self.running -= 1
            released += self._release(range(self.layout.first_output, self.layout.length)) if not self.running else []
        return released

    def _block(self, step: int) -> range:
        """The rows of a block; none behind the last."""
        last = step > self.layout.time
        return range(0) if last else range(self.layout.row("V", step, 0), self.layout.row("V", step + 1, 0))

    def _release(self, rows: Iterator[int] | range) -> list[int]:
        released = [row for row in rows if self.waits[row]]
        self.waits[released] = False
        return released
