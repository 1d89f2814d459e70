"""Models that were translated, kept by what they are made of, so that the next sequence of the same model starts at once.

If a model cannot be translated, the reason is kept: to find out that a layer takes too many planes takes most of a second.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from lockstep.models.engines.native.tapes import Record, Tape, record, tapes
from lockstep.models.engines.native.translate import Translation, translate
from lockstep.models.engines.plan import Plan, plan
from lockstep.models.engines.session import Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.transformer import Transformer

#: Models that are kept. One takes some megabytes.
MOST_KEPT = 16


@dataclass(frozen=True)
class Prepared:
    """A model as the decoder takes it. It serves every sequence whose positions have the same ranges and the same first row."""

    plan: Plan
    translation: Translation
    record: Record
    tapes: tuple[Tape, ...]


class Preparing:
    """Prepares a model for positions and a first token, or takes what was prepared before.

    `wide` are the names of columns that rows have shown to hold more than a bit. Later sequences of the model start with them.
    """

    def __init__(self, compiled: ModuleType, model: Transformer, positions: Positions, first: int) -> None:
        self.compiled, self.model, self.positions, self.first = compiled, model, positions, first
        self.planned: Plan | None = None  # the same however wide columns are
        self.key = digest(model, positions, first)
        self.wide = _wide.setdefault(self.key, set())

    def prepared(self) -> Prepared:
        """Raises: Unsuitable: something in the model is not what planes compute."""
        key = (self.compiled, self.key, frozenset(self.wide))
        found = _kept.pop(key, None) or self._tried()
        _kept[key] = found
        while len(_kept) > MOST_KEPT:
            (_, dropped, _), _ = _kept.popitem(last=False)
            if dropped != self.key:
                _wide.pop(dropped, None)
        if isinstance(found, str):
            raise Unsuitable(found)
        return found

    def _tried(self) -> Prepared | str:
        """What was prepared, or why nothing was."""
        try:
            return self._made()
        except Unsuitable as reason:
            return str(reason)

    def _made(self) -> Prepared:
        if self.planned is None:
            self.planned = plan(self.model, self.positions, self.first)
        if self.planned.sink_kind < 0:
            raise Unsuitable("positions mark the first row")
        found = translate(self.compiled, self.model, self.positions, self.planned, frozenset(self.wide))
        place = record(found)
        return Prepared(self.planned, found, place, tapes(self.compiled, found, place))


_kept: OrderedDict[tuple[ModuleType, bytes, frozenset[str]], Prepared | str] = OrderedDict()
_wide: dict[bytes, set[str]] = {}


def digest(model: Transformer, positions: Positions, first: int) -> bytes:
    """A hash of all that a translation depends on: weights, vocabulary, ranges of positions, the first row and its token."""
    found = hashlib.sha256(repr((model.vocabulary, first, positions.width, positions.are_integers)).encode())
    for name, weights in model.tensors():
        found.update(f"{name} {weights.shape} {weights.dtype}".encode())
        used = weights != 0  # most are 0, and hashing takes longer than finding them
        found.update(np.packbits(used).data)
        found.update(weights[used].data)
    for part in (*positions.extremes(), positions.rows(slice(1), model.dtype)):
        found.update(np.ascontiguousarray(part).data)
    return found.digest()
