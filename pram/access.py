"""Access modes: which accesses to a cell a step may make, and what concurrent writes leave in it.

The machine, the checker and the compiled models all read the rows of MODES. `weaker` orders the modes: a run that one mode
accepts is the same under every stronger mode. There is one exception: if processors write different values to one cell, the
two `common` modes refuse the run, and stronger modes choose a winner. Some pairs of modes have no order. A row stands
below all weaker ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]

#: What concurrent writes leave in a cell: the value of one writer, or what a write rule makes of all values.
Combining = Literal["order", "max", "min", "sum", "and", "or"]
LEFT: dict[Combining, str] = {
    "order": "the value of one writer", "max": "the largest value", "min": "the smallest value", "sum": "the sum of the values",
    "and": "the bits that are 1 in all values", "or": "the bits that are 1 in some value",
}  # fmt: skip
#: The write rules as `combine` writes them. A write has the rule of its `combine`, else that of its array, else that of the mode.
RULES: dict[str, Combining] = {"+": "sum", "max": "max", "min": "min", "and": "and", "or": "or"}
#: The sign of each rule.
RULE_SIGNS = {rule: sign for sign, rule in RULES.items()}
#: The rules in one order, and what each does to two arrays of words.
NUMBERS: dict[Combining, int] = {rule: number for number, rule in enumerate(RULES.values())}
OPERATIONS = (np.add, np.maximum, np.minimum, np.bitwise_and, np.bitwise_or)


@dataclass(frozen=True)
class Mode:
    """One row of MODES.

    weaker:      the modes right below this one.
    same_value:  all who write a cell in a step write the same value.
    owned:       a cell belongs to the first processor that writes it, and no other ever writes it.
    winner_open: the mode does not say who wins a concurrent write (`lockstep.pram.winner`); if false, the lowest pid wins.
    combining:   what concurrent writes leave in a cell, where a write has no rule of its own. Compiled models depend on this column
                 alone, and on the rules of the writes.
    """

    name: str
    weaker: tuple[str, ...]
    concurrent_reads: bool
    concurrent_writes: bool
    meaning: str
    same_value: bool = False
    owned: bool = False
    winner_open: bool = False
    combining: Combining = "order"

    @property
    def combines(self) -> bool:
        """Whether concurrent writes are combined, so that each may have a rule of its own."""
        return self.combining != "order"


MODES = {
    mode.name: mode
    for mode in (
        Mode("EREW", (), False, False, "no cell is touched by two processors in a step"),
        Mode("CROW", (), True, False, "many may read a cell, only its owner writes it", owned=True),
        Mode("CREW", ("EREW", "CROW"), True, False, "many may read a cell, one may write it"),
        Mode("ERCW common", ("EREW",), False, True, "all who write a cell write the same value", same_value=True),
        Mode("ERCW arbitrary", ("ERCW common",), False, True, "one of the writers wins, whichever it is", winner_open=True),
        Mode("ERCW priority", ("ERCW arbitrary",), False, True, "the writer with the lowest pid wins"),
        Mode("CRCW common", ("CREW", "ERCW common"), True, True, "all who write a cell write the same value", same_value=True),
        Mode(
            "CRCW arbitrary", ("CRCW common", "ERCW arbitrary"), True, True, "one of the writers wins, whichever it is",
            winner_open=True,
        ),
        Mode("CRCW priority", ("CRCW arbitrary", "ERCW priority"), True, True, "the writer with the lowest pid wins"),
        Mode("CRCW max", ("CRCW arbitrary",), True, True, "the largest value wins", combining="max"),
        Mode("CRCW min", ("CRCW arbitrary",), True, True, "the smallest value wins", combining="min"),
        Mode("CRCW sum", ("CREW",), True, True, "the values are added up", combining="sum"),
    )
}  # fmt: skip


#: The modes with concurrent writes, such as CRCW, and their names in full, as a message lists them.
WRITE_RULES = {
    first: re.sub("(.*), ", r"\1 or ", ", ".join(f"`{mode}`" for mode in MODES if mode.startswith(f"{first} ")))
    for first in ("ERCW", "CRCW")
}


def weaker_modes(name: str) -> frozenset[str]:
    """Return all modes that are weaker than one."""
    return frozenset(MODES[name].weaker).union(*map(weaker_modes, MODES[name].weaker))


@dataclass(frozen=True)
class Conflict:
    """Accesses to one cell that the mode forbids.

    kind: "read", "write", "values", "read and write", "owner" (the second processor owns the cell that the first writes), "rules"
          (two processors write by different rules), or "sum" (what all these processors write adds up to no word).
    """

    kind: str
    processors: tuple[int, ...]
    cell: int
    values: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Accesses:
    """The accesses of one step: processor `pids[i]` accesses cell `cells[i]`; `values[i]` is what it writes, None for reads."""

    pids: Words
    cells: Words
    values: Words | None = None

    def __len__(self) -> int:
        return len(self.pids)


NO_ACCESSES = Accesses(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))


def find_conflict(mode: Mode, reads: Accesses, writes: Accesses, marks: Words) -> Conflict | None:
    """Return the first conflict of a step under `mode`, or None.

    Args: marks: scratch space with one entry for each cell; its contents do not matter.
    """
    if len(writes) > 1 and (not mode.concurrent_writes or mode.same_value):
        found = _clash(writes, writes, marks)
        if found is not None and not mode.concurrent_writes:
            return Conflict("write", *_pair(writes, writes, found), _values(writes, found))
        if found is not None and (different := _different_values(writes, marks)) is not None:
            return Conflict("values", *_pair(writes, writes, different), _values(writes, different))
    if mode.concurrent_reads:
        return None
    if len(reads) > 1 and (found := _clash(reads, reads, marks)) is not None:
        return Conflict("read", *_pair(reads, reads, found))
    if len(reads) and len(writes) and (found := _meeting(reads, writes, marks)) is not None:
        return Conflict("read and write", *_pair(reads, writes, found))
    return None


def _clash(a: Accesses, b: Accesses, marks: Words) -> tuple[int, int] | None:
    """Return the positions of two accesses to one cell, or None. Each cell's entry in `marks` keeps its last access."""
    marks[a.cells] = np.arange(len(a))
    last = marks[b.cells]
    other = (last != np.arange(len(b))).nonzero()[0]
    return (int(other[0]), int(last[other[0]])) if len(other) else None


def _different_values(writes: Accesses, marks: Words) -> tuple[int, int] | None:
    assert writes.values is not None
    last = marks[writes.cells]
    other = (writes.values != writes.values[last]).nonzero()[0]
    return (int(other[0]), int(last[other[0]])) if len(other) else None


def _meeting(reads: Accesses, writes: Accesses, marks: Words) -> tuple[int, int] | None:
    marks[reads.cells] = -1
    marks[writes.cells] = np.arange(len(writes))
    found = marks[reads.cells]
    other = (found >= 0).nonzero()[0]
    return (int(other[0]), int(found[other[0]])) if len(other) else None


def _pair(a: Accesses, b: Accesses, at: tuple[int, int]) -> tuple[tuple[int, int], int]:
    return (int(a.pids[at[0]]), int(b.pids[at[1]])), int(a.cells[at[0]])


def _values(writes: Accesses, at: tuple[int, int]) -> tuple[int, int]:
    assert writes.values is not None
    return int(writes.values[at[0]]), int(writes.values[at[1]])


class Owners:
    """The owner of each cell: the first processor that has written it."""

    def __init__(self, space: int) -> None:
        self.pids = np.full(space, -1, np.int64)

    def claim(self, writes: Accesses) -> Conflict | None:
        """Give the cells that nobody owns to those who write them. Returns: a write to a cell that another one owns, or None.

        Args: writes: those of one step, to different cells.
        """
        owners = self.pids[writes.cells]
        found = ((owners >= 0) & (owners != writes.pids)).nonzero()[0]
        if len(found):
            at = found[0]
            return Conflict("owner", (int(writes.pids[at]), int(owners[at])), int(writes.cells[at]))
        self.pids[writes.cells] = writes.pids
        return None


def combine(writes: Accesses, rules: Words, word_bits: int) -> tuple[Accesses, Conflict | None]:
    """Return writes that all have what their rule makes of the values that go to their cell; and what is wrong with them, or None.

    Args: writes: those of one step, with pids in ascending order. rules: the rule of each, in NUMBERS.
    """
    assert writes.values is not None
    cells, first, group = np.unique(writes.cells, return_index=True, return_inverse=True)
    others = np.flatnonzero(rules != rules[first][group])
    if len(others):
        at = int(others[0])
        pids = int(writes.pids[first[group[at]]]), int(writes.pids[at])
        return writes, Conflict("rules", pids, int(writes.cells[at]))
    words, later = writes.values[first], np.ones(len(writes), bool)
    later[first] = False
    for number, operation in enumerate(OPERATIONS):
        here = np.flatnonzero(later & (rules == number))
        operation.at(words, group[here], writes.values[here])
    return Accesses(writes.pids, writes.cells, words[group]), _no_word(writes, words, group, word_bits)


def _no_word(writes: Accesses, words: Words, group: Words, word_bits: int) -> Conflict | None:
    """Return a sum that is no word. Args: words: what is left in each cell that is written. group: the cell of each write."""
    assert writes.values is not None
    beyond = np.flatnonzero(words >> word_bits)
    if not len(beyond):
        return None
    here = group == beyond[0]
    pids, values = (tuple(column[here].tolist()) for column in (writes.pids, writes.values))
    return Conflict("sum", pids, int(writes.cells[here][0]), values)
