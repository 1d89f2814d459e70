"""What an engine is to the decoding loop: a session, which starts on a sequence and is told what each decoding step changed."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction


class Unsuitable(Exception):
    """A model, or a sequence that came up, is not one that this engine computes exactly; says why."""


class Session(Protocol):
    """The predictions for some sequences while they are edited, in one pass over the model; numbers say which sequence.

    update:   a decoding step changed a sequence; these are its tokens now.
    predict:  for each sequence in `live`, in that order, the rows, ascending, whose token changed or whose prediction may differ
              from what was last said of them (at first: all), and the prediction of each: right for masked rows, and its control
              bits for all. A `probability` is on the same side of THRESHOLD as the reference's. Sequences that are not live stay
              as they are.
    Raises: Unsuitable, from either of them.
    """

    name: str

    def update(self, number: int, change: Change, tokens: NDArray[np.int64]) -> None: ...

    def predict(self, live: Sequence[int]) -> list[tuple[NDArray[np.int64], Prediction]]: ...


@runtime_checkable
class Stepping(Session, Protocol):
    """A session that carries out decoding steps itself, in parallel order, for some processes; `Editing` does the same, more slowly.

    step:   one step: the change, the sequence after it (which later steps edit in place), and how many masks it has. None where
            nothing changes; then `grown` is the length for which there were no positions, or 0.
    stride: steps until nothing changes or, where the process fills, no mask is left; at most so many. The length after each.
    Raises: Unsuitable, from `step`; a stride ends there instead.
    """

    processes: Container[str]

    @property
    def grown(self) -> int: ...

    def step(self, process: str) -> tuple[Change, NDArray[np.int64], int] | None: ...

    def stride(self, process: str, most: int) -> tuple[list[int], NDArray[np.int64], int]: ...
