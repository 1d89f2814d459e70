"""Tapes: a part of the network as operations on numbered planes, and the record of a row, from which tapes load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.native.forms import WORD
from lockstep.models.engines.native.network import COPY, INPUT, NOT
from lockstep.models.engines.native.translate import Part, Translation
from lockstep.models.engines.session import Unsuitable

Indices = NDArray[np.int32]
Numbers = NDArray[np.int64]

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
    nodes, needed = found.nodes, np.array(found.network.needed(part.literals), np.int64)
    is_input = nodes.operation[needed] == INPUT
    inputs, computed = needed[is_input].tolist(), needed[~is_input]
    words = sorted({places[2 * n].word for n in inputs})
    plane = [0] * len(nodes.operation)
    for n in inputs:
        plane[n] = CONSTANTS + WORD * words.index(places[2 * n].word) + places[2 * n].bit
    order = computed[np.lexsort((nodes.operation[computed], nodes.depth[computed]))]
    stays = [0, *inputs, *(a >> 1 for a in part.literals)]
    planes = _place(order, nodes.arguments[order], stays, plane, CONSTANTS + WORD * len(words))
    plane_of, out = np.array(plane), _out(part)
    operations = np.column_stack((nodes.operation[order], plane_of[order], plane_of[nodes.arguments[order]]))
    return _tape(part, words, np.concatenate((operations, _copies(out, plane_of, planes))), planes, planes + out.size)


def _place(order: Numbers, arguments: Numbers, stays: Sequence[int], plane: list[int], planes: int) -> int:
    """Choose the planes of nodes that are computed in this order, and write them into `plane`.

    Args:    arguments: [operations, 3], nodes. stays: nodes whose planes are not used again. planes: how many are taken.
    Returns: How many planes are taken then.
    """
    step, last = np.arange(len(order))[:, None], np.zeros(len(plane), np.int64)
    last[arguments] = step  # where a node stands several times, NumPy keeps the last value
    last[stays] = len(order)
    ends = last[arguments] == step
    free, ending = list[int](), iter(arguments[ends].tolist())
    for node, count in zip(order.tolist(), ends.sum(axis=1).tolist()):
        if free:
            plane[node] = free.pop()
        else:
            plane[node], planes = planes, planes + 1
        for ended in islice(ending, count):
            free.append(plane[ended])
    return planes


def _out(part: Part) -> Numbers:
    """The literals that go out, [words, WORD]: those that rows keep, outputs, faults; 0 where there is none."""
    kept = [part.kept[i : i + WORD] for i in range(0, len(part.kept), WORD)]
    words = [*kept, *part.outputs, *([tuple(part.faults.values())] if part.faults else [])]
    return np.array([[*word, *[0] * (WORD - len(word))] for word in words], np.int64).reshape(-1, WORD)


def _copies(out: Numbers, plane: Numbers, first: int) -> Numbers:
    """Operations that copy literals to planes side by side, [copies, 5]."""
    literals, none = out.ravel(), np.zeros(out.size, np.int64)
    to = first + np.arange(out.size)
    copies = np.column_stack((np.where(literals & 1, NOT, COPY), to, plane[literals >> 1], none, none))
    return copies[np.argsort(copies[:, 0], kind="stable")]


def _tape(part: Part, words: Sequence[int], operations: Numbers, first: int, planes: int) -> Tape:
    """Args: operations: [n, 5], the operation, the plane written and those read. first: the first plane that goes out."""
    if planes > MOST_PLANES:
        raise Unsuitable(f"a layer takes {planes} planes")
    ends = np.append(np.flatnonzero(np.diff(operations[:, 0])), len(operations) - 1)
    out = np.arange(first, planes, WORD, dtype=np.int32)
    kept = -(-len(part.kept) // WORD)
    return Tape(
        words=np.array(words, np.int32),
        runs=np.column_stack((operations[ends, 0], ends + 1)).astype(np.int32),
        arguments=operations[:, 1:].astype(np.uint16),
        kept=out[:kept],
        outputs=out[kept : kept + len(part.outputs)],
        faults=int(out[-1]) if part.faults else 0,
        about=tuple(part.faults),
        planes=planes,
    )
