"""Tapes: a part of the network as operations on numbered planes, and the record of a row, from which tapes load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.native.forms import WORD
from lockstep.models.engines.native.network import COPY, NOT
from lockstep.models.engines.native.translate import Part, Translation
from lockstep.models.engines.session import Unsuitable

Indices = NDArray[np.int32]

#: Planes are numbered in 16 bits.
MOST_PLANES = 1 << 16
#: Planes 0 and 1 hold the constants.
CONSTANTS = 2


@dataclass(frozen=True)
class Place:
    """Where a bit stands in a row's record."""

    word: int
    bit: int


@dataclass(frozen=True)
class Record:
    """The record of a row: its token, then what heads read, bits of its position, flags, and what each layer keeps.

    words: how many. places: of each input of the network. read: of each layer and head. kept: the first word of each layer.
    flags: a bit for each table and head: whether the row is a key there, whether it asks.
    """

    words: int
    places: Mapping[int, Place]
    read: tuple[tuple[Place, ...], ...]
    kept: tuple[int, ...]
    flags: Place


class _Layout:
    """Places bits one after the other; a field does not straddle words."""

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self.at = 0

    def field(self, bits: int, fresh: bool = False) -> Place:
        if bits > WORD:
            raise Unsuitable(f"{bits} bits that belong together do not fit a word")
        if fresh or self.at % WORD + bits > WORD:
            self.at = -(-self.at // WORD) * WORD
        place = Place(*divmod(self.at, WORD))
        self.at += bits
        return place

    def put(self, literals: Sequence[int], fresh: bool = False) -> Place:
        place = self.field(len(literals), fresh)
        for j, literal in enumerate(literals):
            self.places[literal] = Place(place.word, place.bit + j)
        return place


def record(found: Translation) -> Record:
    """The record of a translation: only bits of positions that some tape loads are in it."""
    layout = _Layout()
    layout.put([*found.kinds, *found.bits])
    read = tuple(tuple(layout.put(planes) for planes in layer) for layer in found.read)
    needed = {2 * node for node in found.network.needed(a for part in found.parts for a in part.literals)}
    for literal in found.positions:
        if literal in needed:
            layout.put([literal])
    flags = layout.field(sum(len(layer) + len({head.side for head in layer}) for layer in found.heads))
    kept = []
    for planes in found.kept:
        kept.append(layout.field(0, fresh=True).word)
        for literal in planes:
            layout.put([literal])
    return Record(-(-layout.at // WORD), layout.places, read, tuple(kept), flags)


@dataclass(frozen=True)
class Tape:
    """What tape.h runs.

    words: of the record, to load; word i goes to planes CONSTANTS + WORD i .. runs: [n, 2], an operation, and where the arguments
    of its last one end. arguments: [operations, 4], the plane written and up to three that are read. kept, outputs: the first plane of
    each word. faults: the first plane of WORD that are 1 on rows with a fault, or 0; about: what each is about. planes: how many.
    """

    words: Indices
    runs: Indices
    arguments: NDArray[np.uint16]
    kept: Indices
    outputs: Indices
    faults: int
    about: tuple[str, ...]
    planes: int


def tape(found: Translation, part: Part, places: Mapping[int, Place]) -> Tape:
    """Schedule a part: equal operations of one depth stand together; planes that nothing reads any more are used again.

    Raises: Unsuitable: it takes too many planes.
    """
    return _Scheduler(found, part, places).tape()


class _Scheduler:
    def __init__(self, found: Translation, part: Part, places: Mapping[int, Place]) -> None:
        self.part, self.nodes = part, found.network.nodes
        needed = found.network.needed(part.literals)
        inputs = [n for n in needed if self.nodes[n] is None]
        self.words = sorted({places[2 * n].word for n in inputs})
        self.plane = {0: 0}
        for n in inputs:
            place = places[2 * n]
            self.plane[n] = CONSTANTS + WORD * self.words.index(place.word) + place.bit
        self.planes = CONSTANTS + WORD * len(self.words)
        self.order = self._ordered([n for n in needed if self.nodes[n] is not None])
        self.operations: list[tuple[int, ...]] = []

    def _arguments(self, node: int) -> list[int]:
        return [a >> 1 for a in (self.nodes[node] or (0,))[1:]]

    def _operation(self, node: int) -> int:
        return (self.nodes[node] or (COPY,))[0]

    def _ordered(self, computed: Sequence[int]) -> list[int]:
        depth: dict[int, int] = {}
        for n in computed:
            depth[n] = 1 + max(depth.get(a, 0) for a in self._arguments(n))
        return sorted(computed, key=lambda n: (depth[n], self._operation(n), n))

    def tape(self) -> Tape:
        self._compute()
        kept = [self._word(self.part.kept[i : i + WORD]) for i in range(0, len(self.part.kept), WORD)]
        outputs = [self._word(word) for word in self.part.outputs]
        faults = self._word(list(self.part.faults.values())) if self.part.faults else 0
        if self.planes > MOST_PLANES:
            raise Unsuitable(f"a layer takes {self.planes} planes")
        runs, end = [], 0
        for operation, equal in groupby(self.operations, key=lambda made: made[0]):
            end += len(list(equal))
            runs.append((operation, end))
        return Tape(
            words=_indices(self.words),
            runs=_indices(runs).reshape(-1, 2),
            arguments=np.array([made[1:] for made in self.operations], np.uint16).reshape(-1, 4),
            kept=_indices(kept),
            outputs=_indices(outputs),
            faults=faults,
            about=tuple(self.part.faults),
            planes=self.planes,
        )

    def _compute(self) -> None:
        last = {a: i for i, n in enumerate(self.order) for a in self._arguments(n)}
        last |= {a >> 1: len(self.order) for a in self.part.literals}
        free: list[int] = []
        for i, n in enumerate(self.order):
            arguments = self._arguments(n)
            self.plane[n] = free.pop() if free else self._more(1)
            self._emit(self._operation(n), self.plane[n], [self.plane[a] for a in arguments])
            free += [self.plane[a] for a in set(arguments) if last[a] == i and self.nodes[a] is not None]

    def _word(self, literals: Sequence[int]) -> int:
        """Copies some planes to neighbouring ones, and fills up with 0; returns the first."""
        first = self._more(WORD)
        for j in range(WORD):
            literal = literals[j] if j < len(literals) else 0
            self._emit(NOT if literal & 1 else COPY, first + j, [self.plane[literal >> 1]])
        return first

    def _more(self, planes: int) -> int:
        self.planes += planes
        return self.planes - planes

    def _emit(self, operation: int, plane: int, arguments: Sequence[int]) -> None:
        self.operations.append((operation, plane, *arguments, *[0] * (3 - len(arguments))))


def _indices(values: Iterable[object]) -> Indices:
    return np.array(list(values), np.int32)
