"""Access modes: which concurrent accesses a step may make, and who wins a concurrent write.

The machine, the checker and the compiled models all read the rows of MODES. The rows go from the weakest mode to the
strongest. A run that one mode accepts is the same under every later mode. There is one exception: if processors write
different values to one cell, `CRCW common` refuses the run, and the two modes after it choose a winner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]


@dataclass(frozen=True)
class Mode:
    """One row of MODES.

    winner_open: the mode does not say who wins a concurrent write (`lockstep.pram.winner`); if false, the lowest pid wins.
    """

    name: str
    concurrent_reads: bool
    concurrent_writes: bool
    same_value: bool
    winner_open: bool
    meaning: str


MODES = {
    mode.name: mode
    for mode in (
        Mode("EREW", False, False, False, False, "no cell is touched by two processors in a step"),
        Mode("CREW", True, False, False, False, "many may read a cell, one may write it"),
        Mode("CRCW common", True, True, True, False, "all who write a cell write the same value"),
        Mode("CRCW arbitrary", True, True, False, True, "one of the writers wins, whichever it is"),
        Mode("CRCW priority", True, True, False, False, "the writer with the lowest pid wins"),
    )
}


@dataclass(frozen=True)
class Conflict:
    """Two processors that access one cell in a way that the mode forbids."""

    kind: str
    processors: tuple[int, int]
    cell: int
    values: tuple[int, int] | None = None


@dataclass(frozen=True)
class Accesses:
    """The accesses of one step: processor `pids[i]` accesses cell `cells[i]`; `values[i]` is what it writes, None for reads."""

    pids: Words
    cells: Words
    values: Words | None = None

    def __len__(self) -> int:
        return len(self.pids)


NO_ACCESSES = Accesses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


def find_conflict(mode: Mode, reads: Accesses, writes: Accesses, owner: Words) -> Conflict | None:
    """Return the first conflict of a step under `mode`, or None.

    Args: owner: a scratch array with one entry for each cell; its contents do not matter.
    """
    if len(writes) > 1 and (not mode.concurrent_writes or mode.same_value):
        found = _clash(writes, writes, owner)
        if found is not None and not mode.concurrent_writes:
            return Conflict("write", *_pair(writes, writes, found), _values(writes, found))
        if found is not None and (different := _different_values(writes, owner)) is not None:
            return Conflict("values", *_pair(writes, writes, different), _values(writes, different))
    if mode.concurrent_reads:
        return None
    if len(reads) > 1 and (found := _clash(reads, reads, owner)) is not None:
        return Conflict("read", *_pair(reads, reads, found))
    if len(reads) and len(writes) and (found := _meeting(reads, writes, owner)) is not None:
        return Conflict("read and write", *_pair(reads, writes, found))
    return None


def _clash(a: Accesses, b: Accesses, owner: Words) -> tuple[int, int] | None:
    """Return the positions of two accesses to one cell, or None. Each cell's entry in `owner` keeps its last access."""
    owner[a.cells] = np.arange(len(a))
    last = owner[b.cells]
    other = np.flatnonzero(last != np.arange(len(b)))
    return (int(other[0]), int(last[other[0]])) if len(other) else None


def _different_values(writes: Accesses, owner: Words) -> tuple[int, int] | None:
    assert writes.values is not None
    last = owner[writes.cells]
    other = np.flatnonzero(writes.values != writes.values[last])
    return (int(other[0]), int(last[other[0]])) if len(other) else None


def _meeting(reads: Accesses, writes: Accesses, owner: Words) -> tuple[int, int] | None:
    owner[reads.cells] = -1
    owner[writes.cells] = np.arange(len(writes))
    found = owner[reads.cells]
    other = np.flatnonzero(found >= 0)
    return (int(other[0]), int(found[other[0]])) if len(other) else None


def _pair(a: Accesses, b: Accesses, at: tuple[int, int]) -> tuple[tuple[int, int], int]:
    return (int(a.pids[at[0]]), int(b.pids[at[1]])), int(a.cells[at[0]])


def _values(writes: Accesses, at: tuple[int, int]) -> tuple[int, int]:
    assert writes.values is not None
    return int(writes.values[at[0]]), int(writes.values[at[1]])
