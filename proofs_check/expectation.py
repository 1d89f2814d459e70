"""What a perfect decode holds after every decoding step, from the machine's run.

An expectation keeps one sequence, `tokens`, and edits it in place; each decoding step yields the rows it may have
changed, so that a check costs what a step edits and not the context. All other rows are as they were.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.compile import Layout
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import Machine

Tokens = NDArray[np.int64]


class Expectation(ABC):
    """The sequence that a decode must hold, from the start on; the machine makes its steps as it is iterated.

    layout: where everything stands. tokens: the sequence now. machine: the run of the layout's job.
    """

    layout: Layout
    tokens: Tokens
    machine: Machine

    @abstractmethod
    def __iter__(self) -> Iterator[Tokens]:
        """The rows that each decoding step may have changed.

        Raises: PramError: the machine refuses the run.
        """

    def one_by_one(self, sampling: Sampling) -> Iterator[Tokens]:
        """The row of each decoding step in a fixed order; for constructions whose process takes one.

        Raises: PramError: the machine refuses the run. NoPermutation: the user's permutation does not have each masked position once.
        """
        raise NotImplementedError(f"{type(self).__name__} has no order but parallel")

    @abstractmethod
    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
