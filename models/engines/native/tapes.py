"""Tapes: a part of the network as operations on numbered planes, and the record of a row, from which tapes load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from lockstep.models.engines.native.forms import WORD
from lockstep.models.engines.native.translate import Translation
from lockstep.models.engines.session import Unsuitable


class Place(NamedTuple):
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
    needed = set(found.network.inputs_of([a for part in found.parts for a in part.literals]))
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
    """A tape of the compiled module. about: what each of its planes of faults is about."""

    compiled: Any
    about: tuple[str, ...]


def tapes(compiled: ModuleType, found: Translation, place: Record) -> tuple[Tape, ...]:
    """A tape for each part of a translation.

    Raises: Unsuitable: one takes too many planes.
    """
    places = np.full(found.network.size, -1, np.int32)
    nodes = np.fromiter(place.places, np.int64, len(place.places)) >> 1
    places[nodes] = [at.word * WORD + at.bit for at in place.places.values()]
    return tuple(
        Tape(compiled.Tape(found.network, part.kept, part.outputs, [*part.faults.values()], places), tuple(part.faults))
        for part in found.parts
    )
