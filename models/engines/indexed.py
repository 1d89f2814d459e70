"""The indexed engine: lookups by hashing instead of scoring, sparse MLPs, and only what a decoding step changes.

Layer by layer, the rows whose stream changed get new keys and queries in the layer's heads; that touches hash buckets; and
the rows that ask a bucket whose best key or value changed, together with those that changed themselves, go through the layer's
MLP. Rows that come out as they were go no further. Nothing in a decoding step is proportional to the context.

That heads are lookups and that nothing rounds is shown from the weights when a session starts (`lookups`, `bounds`), what
depends on values is checked on every row that is computed; anything else raises Unsuitable.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.engines import rows as kernels
from models.engines import tables
from models.engines.bounds import Unsuitable
from models.engines.plan import HeadPlan, Indices, Integers, plan
from models.engines.rows import NONE, Asked, Kept, Sink
from models.engines.tables import Buckets, Hash, Lists, Slots
from models.positions import Positions
from models.processes import THRESHOLD
from models.sequence import Change
from models.transformer import Prediction, Transformer

#: Rows that are linked at once; it bounds the memory of a start.
CHUNK = 1 << 15
#: Probabilities nearer than this to the threshold are left to the reference, whose rounding is its own.
MARGIN = 1e-3


class IndexedSession:
    """A decode by the indexed engine; see `models.engines.Session`."""

    name = "indexed"

    def __init__(self, model: Transformer, tokens: NDArray[np.int64], positions: Positions) -> None:
        if not len(tokens):
            raise Unsuitable("the sequence is empty")
        self.model, self.positions, self.tokens = model, positions, tokens
        self.first = int(tokens[0])
        self.plan = plan(model, positions, self.first)
        most = len(positions)
        self.kept = tuple(
            Kept(columns, np.zeros((most, len(columns.narrow)), np.int16), np.zeros((most, len(columns.wide)), np.int64))
            for columns in self.plan.columns
        )
        self.layers = [Layer(heads, most, model.width) for heads in self.plan.heads]
        self.place = np.full(model.width, -1, np.int32)
        kept = np.concatenate([*self.plan.columns[0]])
        self.place[kept] = np.arange(len(kept))
        self.started = False
        self.dead = np.zeros(0, np.int64)
        self.changed = np.arange(len(tokens))

    def update(self, change: Change, tokens: NDArray[np.int64]) -> None:
        self.dead = np.arange(change.length, len(self.tokens))
        self.tokens, self.changed = tokens, change.rows

    def predict(self) -> tuple[NDArray[np.int64], Prediction]:
        """The rows that were computed anew."""
        self._embed(self.changed)
        rows, last = self.changed, len(self.layers) - 1
        for number, (layer, mlp) in enumerate(zip(self.layers, self.plan.mlps)):
            kept = self.kept[number]
            if not self.started:
                layer.start(kept)
            rows = layer.follow(rows, self.dead, kept)
            if number < last:
                got, heads = layer.rows.got, layer.heads
                rows = kernels.advance(kept, self.kept[number + 1], heads, mlp, got, rows, self.model.width)
        self.started = True
        return rows, self._read(rows)

    def _embed(self, rows: NDArray[np.int64]) -> None:
        here = self.tokens[rows]
        if ((here == self.first) != (rows == 0)).any() or not len(self.tokens):
            raise Unsuitable("the first token moves, or appears a second time")
        readout, p = self.plan.readout, self.positions
        kernels.embed(self.plan.embed, readout.bits, readout.offsets, p.small_columns, p.small, p.large_columns, p.large,
                      self.tokens, rows, self.place, self.kept[0])  # fmt: skip

    def _read(self, rows: NDArray[np.int64]) -> Prediction:
        layer, mlp = self.layers[-1], self.plan.mlps[-1]
        found = kernels.finish(self.kept[-1], layer.heads, mlp, layer.rows.got, rows, self.plan.readout, self.model.width)
        if (np.abs(found.probability - THRESHOLD) < MARGIN).any():
            raise Unsuitable("a probability is too near to the threshold")
        control = torch.from_numpy(found.control) if self.plan.readout.control else None
        return Prediction(torch.from_numpy(found.token), torch.from_numpy(found.probability), control)


class Layer:
    """The hash tables of one layer, over rows 0 .. most - 1."""

    def __init__(self, heads: HeadPlan, most: int, width: int) -> None:
        self.heads, self.width = heads, width
        many = len(heads.silence)
        self.rows = tables.Rows(
            _indices(many, most), _integers(many, most), _integers(many, most), _indices(many, most), _indices(many, most),
            np.full((many, most), -1, np.int64), _integers(many, most), _indices(0, most), _indices(0, most), _indices(0, most),
        )  # fmt: skip
        cares = (many, tables.MOST_CARES)
        self.slots = Slots(np.zeros(cares, np.int64), np.zeros(cares, np.int32), np.zeros(many, np.int32), np.zeros(0, np.int32))
        self.buckets, self.hash = _buckets(64), _hash(256)
        lists = np.zeros(64, np.int32), np.zeros(many * most, np.int64), np.zeros(most, np.int32), np.full(most, -1, np.int64)
        self.lists = Lists(*lists, np.zeros(6, np.int64))
        self.sink = Sink(np.full(many, -NONE), _integers(many), np.full(many, -NONE))

    def start(self, kept: Kept) -> None:
        """Take the first row as the sink of every head."""
        asked = _asked(len(self.heads.silence), 1)
        kernels.ask(self.heads, kept, np.zeros(1, np.int64), asked, self.sink, self.width)
        if asked.care.any():
            raise Unsuitable(kernels.FAULTS[kernels.SINK])
        self.sink.score[:], self.sink.value[:] = asked.recency[:, 0], asked.value[:, 0]
        for h, silence in enumerate(self.heads.silence):
            half = self.heads.half[self.heads.first_match[h] : self.heads.first_match[h + 1]]
            above = [*(2 * half), *([silence] if silence else [])]
            self.sink.limit[h] = self.sink.score[h] + int(min(above)) - 1 if above else -NONE
        self.rows.got[:] = self.sink.value[:, None]

    def follow(self, changed: Integers, dead: Integers, kept: Kept) -> Integers:
        """New keys and queries of changed rows, none of dead ones; those and all that read something new, ascending."""
        self.lists.count[tables.PASS] += 1
        self.lists.count[tables.AFFECTED] = 0
        self.lists.seen[changed] = self.lists.count[tables.PASS]
        if len(dead):
            self.lists.seen[dead] = self.lists.count[tables.PASS]
            self._relink(dead, _asked(len(self.heads.silence), len(dead)))
        for first in range(0, len(changed), CHUNK):
            chunk = changed[first : first + CHUNK]
            asked = _asked(len(self.heads.silence), len(chunk))
            if fault := kernels.ask(self.heads, kept, chunk, asked, self.sink, self.width):
                raise Unsuitable(kernels.FAULTS[fault])
            self._relink(chunk, asked)
        if tables.settle(self.sink.value, self.rows, self.slots, self.buckets, self.lists) == tables.TIED:
            raise Unsuitable("a query finds two keys that are equally recent")
        affected = self.lists.affected[: self.lists.count[tables.AFFECTED]]
        if not len(affected):
            return changed
        return np.sort(np.concatenate([changed, affected]))

    # -- room ----------------------------------------------------------------------------------

    def _relink(self, changed: Integers, asked: Asked) -> None:
        while True:
            stopped = tables.relink(changed, asked, self.rows, self.slots, self.hash, self.buckets, self.lists)
            if stopped == tables.DONE:
                return
            if stopped == tables.FULL:
                self._grow()
            else:
                self._add_slot(changed, asked)

    def _grow(self) -> None:
        """Twice the buckets."""
        used = len(self.buckets.keys)
        more = _buckets(2 * used)
        for old, new in zip(self.buckets, more):
            new[:used] = old
        larger = _hash(4 * len(more.keys))
        tables.rehash(self.hash, larger)
        touched = np.zeros(2 * used, np.int32)
        touched[:used] = self.lists.touched
        self.buckets, self.hash, self.lists = more, larger, self.lists._replace(touched=touched)

    def _add_slot(self, changed: Integers, asked: Asked) -> None:
        """Where keys care for bits that none of their head cared for: every row that asks may find them."""
        stopped = int(self.lists.count[tables.RESUME])
        h, i = divmod(stopped, len(changed))
        m = int(self.slots.count[h])
        if m == tables.MOST_CARES:
            raise Unsuitable(f"keys of a head care for more than {tables.MOST_CARES} sets of bits")
        self.slots.care[h, m], self.slots.slot[h, m] = asked.care[h, i], len(self.slots.head)
        self.slots = self.slots._replace(head=np.append(self.slots.head, np.int32(h)))
        most = self.rows.query.shape[1]
        lists = ("asks", "asks_after", "asks_before")
        self.rows = self.rows._replace(**{n: np.concatenate([getattr(self.rows, n), _indices(1, most)]) for n in lists})
        self.lists.count[tables.RESUME] = 0
        while tables.ask_again(h, m, most, self.rows, self.slots, self.hash, self.buckets, self.lists) == tables.FULL:
            self._grow()
        self.slots.count[h] += 1
        self.lists.count[tables.RESUME] = stopped


def _indices(*shape: int) -> Indices:
    return np.full(shape, -1, np.int32)


def _integers(*shape: int) -> Integers:
    return np.zeros(shape, np.int64)


def _asked(heads: int, rows: int) -> Asked:
    """Rows that ask nothing and are no keys."""
    return Asked(*(np.full((heads, rows), -1, np.int64) for _ in range(2)), *(_integers(heads, rows) for _ in range(3)))


def _buckets(most: int) -> Buckets:
    return Buckets(_indices(most), _indices(most), _indices(most), _integers(most), _integers(most), _indices(most),
                   _integers(most), _indices(most))  # fmt: skip


def _hash(most: int) -> Hash:
    return Hash(_integers(most), _indices(most), _indices(most))
