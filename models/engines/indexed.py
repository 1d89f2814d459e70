"""The indexed engine: it hashes keys instead of scoring them, has sparse MLPs, and computes only what a decoding step changes.

In each layer, the rows whose stream changed get new keys and queries, which touches hash buckets. Then the layer's MLP
computes these rows, and all rows that ask a bucket whose best key or value changed. A row whose stream stays the same stops
there, unless its token changed: such a row needs a prediction, and one that returns needs new keys. No cost of a decoding
step grows with the context.

When a session starts, the engine shows from the weights that heads are lookups (`lookups`) and that nothing rounds
(`bounds`). It checks conditions on values whenever it computes a row. If one does not hold, it raises Unsuitable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lockstep.models.drawing import Logits
from lockstep.models.engines import allocation, kernels, projections, records, streams, tables
from lockstep.models.engines.bounds import MARGIN
from lockstep.models.engines.jit import MINUS_INFINITY
from lockstep.models.engines.lookups import MOST_PACKED_BITS
from lockstep.models.engines.plan import HeadPlan, Integers, plan
from lockstep.models.engines.projections import Batch, Sink
from lockstep.models.engines.records import Projections
from lockstep.models.engines.session import NOT_ASKING, NOTHING, SEVERAL, Unsuitable
from lockstep.models.engines.shares import MOST_SUM_BITS
from lockstep.models.engines.sizes import BLOCK, MAX_LINKED_ROWS
from lockstep.models.engines.streams import StoredStream
from lockstep.models.positions import Positions
from lockstep.models.processes import THRESHOLD
from lockstep.models.sequence import Change
from lockstep.models.transformer import Prediction, Transformer

#: What a head that adds up has found where its sum is not known.
FAR_FROM_SUM = "a head adds up so much that a share may be far from the sum"


class IndexedSession:
    """Predictions by the indexed engine. See `lockstep.models.engines.session`."""

    name = "indexed"

    def __init__(self, model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions],
                 every: bool = False) -> None:  # fmt: skip
        if not all(map(len, sequences)):
            raise Unsuitable("the sequence is empty")
        self.model, self.positions, self.sink = model, Positions.concatenated(positions), int(sequences[0][0])
        self.ends = np.cumsum([len(part) for part in positions])
        self.plan = plan(model, self.positions, self.sink, [0, *self.ends[:-1]])
        self.unclear = _unclear(MARGIN[model.dtype], self.plan.distances.logit)
        capacity = len(self.positions)
        self.batch = _batch(self.ends, self.plan.heads)
        self.lengths = [len(tokens) for tokens in sequences]
        self.is_first = np.zeros(capacity, np.bool_)
        self.is_first[self.batch.first] = True
        self.tokens = np.zeros(capacity, np.int64)
        #: Only masked rows are read out, and those with control bits. So here every row holds a mask, if all count.
        self.holding = np.full(capacity, model.vocabulary.mask) if every else self.tokens
        self.stored = tuple(
            StoredStream(
                columns,
                np.zeros((capacity // BLOCK + 1, len(columns.narrow), BLOCK), np.int16),
                np.zeros((capacity // BLOCK + 1, len(columns.wide), BLOCK), np.int64),
            )
            for columns in self.plan.columns
        )
        self.layers = [self._tables(number) for number in range(len(self.plan.heads))]
        self._place_positions()
        self.started = False
        self.removed: list[Integers] = []
        self.changed: list[Integers] = []
        for number, tokens in enumerate(sequences):
            self._set_tokens(number, np.arange(len(tokens)), tokens)

    def _tables(self, number: int) -> LayerTables:
        """The hash tables of a layer."""
        return LayerTables(self.plan.heads[number], len(self.positions), self.model.width, self.batch)

    def _place_positions(self) -> None:
        """Store the encoding of every position, and find the columns that tokens write."""
        positions, columns, stored = self.positions, self.plan.columns[0], self.stored[0]
        self.numbers = positions.numbers.astype(np.float64, copy=False)  # kernels are compiled for one type
        place = np.full(positions.width, -1, np.int32)
        place[columns.narrow] = np.arange(len(columns.narrow))
        place[columns.wide] = len(columns.narrow) + np.arange(len(columns.wide))
        source = np.full(positions.width, -1, np.int32)
        source[positions.bit_columns] = np.arange(len(positions.bit_columns))
        source[positions.number_columns] = 8 * positions.bits.shape[1] + np.arange(len(positions.number_columns))
        self.place, self.source = (found[self.plan.embed.touched] for found in (place, source))
        bits, numbers = place[positions.bit_columns], place[positions.number_columns]
        narrow = bits < len(columns.narrow)
        streams.place_bits(stored, positions.bits, np.where(narrow, bits, -1))
        # The other columns: bits in columns that tokens make wide, and numbers.
        rest = [(bits[j], positions.bits[:, j // 8] >> j % 8 & 1) for j in np.flatnonzero(~narrow)]
        for at, values in [*rest, *zip(numbers, positions.numbers.T)]:
            if at >= 0:
                streams.place_column(stored, at, values)

    def _set_tokens(self, number: int, rows: Integers, tokens: NDArray[np.int64]) -> None:
        """Copy the tokens of changed rows."""
        here = rows + self.batch.first[number]
        self.tokens[here] = tokens[rows]
        self.changed.append(here)

    def update(self, number: int, change: Change, tokens: NDArray[np.int64]) -> None:
        first, before = self.batch.first[number], self.lengths[number]
        self.removed.append(np.arange(first + change.length, first + before))
        self.lengths[number] = change.length
        self._set_tokens(number, change.rows, tokens)

    def predict(self, live: Sequence[int]) -> list[tuple[NDArray[np.int64], Prediction]]:
        """Predict the rows that the last changes may have affected. Sequences that are not in `live` have none."""
        edited, removed = (np.concatenate([*parts, np.zeros(0, np.int64)]) for parts in (self.changed, self.removed))
        self.changed, self.removed = [], []
        self._embed(edited)
        rows = edited
        last = len(self.layers) - 1
        for number, (layer, mlp) in enumerate(zip(self.layers, self.plan.mlps)):
            stored = self.stored[number]
            if not self.started:
                layer.start(stored)
            rows = layer.propagate(rows, removed, stored)
            if number < last:
                after = self.stored[number + 1]
                rows = kernels.advance(stored, after, layer.heads, mlp, layer.table.rows, rows, edited, self.model.width)
        self.started = True
        return self._split_by_sequence(rows, self._read(rows), live)

    def logits(self, number: int, rows: Integers) -> Logits:
        if self.plan.distances.logit:
            raise Unsuitable("the reference may round logits, and a sampler needs them exactly")
        layer, mlp, readout = self.layers[-1], self.plan.mlps[-1], self.plan.readout
        here = rows + self.batch.first[number]
        found = kernels.scores(self.stored[-1], layer.heads, mlp, layer.table.rows, here, readout, self.model.width)
        kinds, bits = len(readout.bits), readout.most_bits
        return Logits(found[:kinds].T, found[kinds : kinds + bits].T, found[kinds + bits : kinds + 2 * bits].T)

    def found(self, number: int, rows: Integers) -> Integers:
        first = int(self.batch.first[number])
        found = np.concatenate([layer.found(rows + first) for layer in self.layers])
        return np.where(found >= 0, found - first, found)

    def _split_by_sequence(
        self, rows: Integers, found: Prediction, live: Sequence[int]
    ) -> list[tuple[NDArray[np.int64], Prediction]]:
        """Split predictions by sequence, and count rows from the start of their sequence."""
        firsts = self.batch.first[list(live)]
        edges = np.searchsorted(rows, firsts), np.searchsorted(rows, self.ends[list(live)])
        return [(rows[a:b] - first, found.part(slice(a, b))) for first, a, b in zip(firsts, *edges)]

    def _embed(self, rows: NDArray[np.int64]) -> None:
        if self.plan.sink_kind >= 0 and ((self.tokens[rows] == self.sink) != self.is_first[rows]).any():
            raise Unsuitable("the first token moves, or appears a second time")
        bits = self.positions.bits
        streams.embed(self.plan.embed, self.source, bits, self.numbers, self.tokens, rows, self.place, self.stored[0])

    def _read(self, rows: NDArray[np.int64]) -> Prediction:
        layer, mlp = self.layers[-1], self.plan.mlps[-1]
        found = kernels.finish(self.stored[-1], layer.heads, mlp, layer.table.rows, rows, self.holding, self.model.vocabulary.mask,
                               self.plan.readout, self.model.width)  # fmt: skip
        least, most = self.unclear
        if ((least < found.probability) & (found.probability < most)).any():  # the reference must decide these
            raise Unsuitable("a probability is too near to the threshold")
        if self.plan.distances.logit and self.plan.readout.control:
            self._require_certain(found, self.tokens[rows] == self.model.vocabulary.mask)
        return Prediction(found.token, found.probability, found.control if self.plan.readout.control else None)

    def _require_certain(self, found: kernels.RowPredictions, masked: NDArray[np.bool_]) -> None:
        """A process that edits takes the best token of a mask, however probable. Where two tie, roundings would decide."""
        remask, _, delete = found.control.T
        if (masked & (found.probability <= THRESHOLD) & ~remask & ~delete).any():
            raise Unsuitable("a token is the best one by too little")


def _unclear(margin: float, off: float) -> tuple[float, float]:
    """Probabilities between these are too near to THRESHOLD, if the reference rounds a probability by `margin` and logits by `off`."""

    def moved(probability: float, by: float) -> float:
        odds = probability / (1 - probability) * math.exp(by)
        return odds / (1 + odds)

    return moved(THRESHOLD - margin, -2 * off), moved(THRESHOLD + margin, 2 * off)


def _batch(ends: Integers, heads: Sequence[HeadPlan]) -> Batch:
    """Return the first row of each sequence, and the sequence of each row.

    Raises: Unsuitable: the numbers of the sequences do not fit above the bits of a query.
    """
    number_mask = (1 << (len(ends) - 1).bit_length()) - 1
    most = max(int(np.diff(plan.first_match).max(initial=0)) for plan in heads)
    if most + number_mask.bit_length() > MOST_PACKED_BITS:
        raise Unsuitable(f"numbers of {len(ends)} sequences do not fit beside queries of {most} bits")
    first = np.concatenate([[0], ends[:-1]])
    return Batch(first, np.repeat(np.arange(len(ends), dtype=np.int32), ends - first), number_mask)


class LayerTables:
    """The hash tables of one layer, for rows 0 .. capacity - 1."""

    def __init__(self, heads: HeadPlan, capacity: int, width: int, batch: Batch) -> None:
        self.heads, self.width, self.batch = heads, width, batch
        many = len(heads.silence)
        if capacity * int(heads.sums[:, 2].max(initial=0)) >= 1 << MOST_SUM_BITS:
            raise Unsuitable("a head may add up too many rows")
        self.table = allocation.empty_table(heads.sums, capacity)
        self.seen, self.affected = np.full(capacity, -1, np.int64), np.zeros(capacity, np.int64)
        self.sink = Sink(np.full(many, -MINUS_INFINITY), np.zeros(many, np.int64), np.full(many, -MINUS_INFINITY))

    def found(self, rows: Integers) -> Integers:
        """What each head found for some rows, [H, rows]."""
        heads = [
            self._found_sums(h, rows) if self.table.sums[h, 0] > 0 else self._found(h, rows)
            for h in range(len(self.table.counts))
        ]
        return np.array(heads, np.int64).reshape(len(self.table.counts), len(rows))

    def _found(self, h: int, rows: Integers) -> Integers:
        """The best key of the buckets that rows ask."""
        table = self.table
        asks = table.rows[h, rows, records.QUERY] >= 0
        best, found = np.full(len(rows), MINUS_INFINITY), np.where(asks, NOTHING, NOT_ASKING)
        for m in range(table.counts[h, records.CARES]):
            bucket = table.query_links[h, m, rows, records.BUCKET]
            recency = np.where(asks, table.buckets[h, bucket, records.RECENCY], MINUS_INFINITY)
            found = np.where(recency > best, table.buckets[h, bucket, records.BEST], found)
            best = np.maximum(best, recency)
        return found

    def _found_sums(self, h: int, rows: Integers) -> Integers:
        """Whether the buckets that rows ask hold anything that is added up."""
        table = self.table
        asks, held = table.rows[h, rows, records.QUERY] >= 0, np.zeros(len(rows), bool)
        for m in range(table.counts[h, records.CARES]):
            held |= table.buckets[h, table.query_links[h, m, rows, records.BUCKET], records.VALUE] != 0
        return np.where(asks, np.where(held, SEVERAL, NOTHING), NOT_ASKING)

    def start(self, stored: StoredStream) -> None:
        """Make the first row the sink of every head."""
        projected = allocation.silent_projections(len(self.heads.silence), 1)
        projections.project(
            self.heads, stored, np.zeros(1, np.int64), projected, self.sink, self.batch._replace(number_mask=0), self.width
        )
        if projected.care.any():
            raise Unsuitable(projections.FAULTS[projections.SINK])
        self.sink.score[:], self.sink.value[:] = projected.recency[:, 0], projected.value[:, 0]
        if self.sink.value[self.heads.sums[:, 0] > 0].any():
            raise Unsuitable("the first row gives a head that adds up something")
        for h, silence in enumerate(self.heads.silence):
            half = self.heads.half[self.heads.first_match[h] : self.heads.first_match[h + 1]]
            above = [*(2 * half), *([silence] if silence else [])]
            self.sink.limit[h] = self.sink.score[h] + int(min(above)) - 1 if above else -MINUS_INFINITY
        self.table.rows[:, :, records.ROW_READ] = self.sink.value[:, None]

    def propagate(self, changed: Integers, removed: Integers, stored: StoredStream) -> Integers:
        """Relink changed and removed rows. Return the changed rows and all that read something new, ascending."""
        count = self.table.counts
        count[:, records.PASS] += 1
        self.seen[changed] = self.seen[removed] = count[0, records.PASS]
        if len(removed):
            self._relink(removed, allocation.silent_projections(len(count), len(removed)))
        for first in range(0, len(changed), MAX_LINKED_ROWS):
            chunk = changed[first : first + MAX_LINKED_ROWS]
            projected = allocation.empty_projections(len(count), len(chunk))
            if fault := projections.project(self.heads, stored, chunk, projected, self.sink, self.batch, self.width):
                raise Unsuitable(projections.FAULTS[fault])
            self._relink(chunk, projected)
        tables.settle(self.table, self.sink.value, len(changed))
        if (count[:, records.STOPPED] == records.TIED).any():
            raise Unsuitable("a query finds two keys that are equally recent")
        if (count[:, records.STOPPED] == records.FAR).any():
            raise Unsuitable(FAR_FROM_SUM)
        found = tables.gather_changed_reads(self.table, self.seen, self.affected)
        return np.sort(np.concatenate([changed, self.affected[:found]])) if found else changed

    def _relink(self, changed: Integers, projected: Projections) -> None:
        count = self.table.counts
        count[:, records.RESUME] = 0
        while True:
            tables.relink(self.table, changed, projected)
            stopped = np.flatnonzero(count[:, records.STOPPED] != records.DONE)
            if not len(stopped):
                return
            for h in stopped:
                if count[h, records.STOPPED] == records.NEW_CARE:
                    self._add_care(int(h), int(projected.care[h, count[h, records.RESUME]]))
            if (count[stopped, records.STOPPED] == records.FULL).any():
                self.table = allocation.with_more_buckets(self.table)

    def _add_care(self, h: int, care: int) -> None:
        """Add a set of bits that no key of the head cared for before, and link all queries under it."""
        count = self.table.counts[h]
        m, stopped = int(count[records.CARES]), int(count[records.RESUME])
        if m == records.MOST_CARES:
            raise Unsuitable(f"keys of a head care for more than {records.MOST_CARES} sets of bits")
        self.table = allocation.with_more_cares(self.table, m)
        self.table.cares[h, m] = care
        count[records.RESUME] = 0
        tables.link_queries(self.table, h, m)
        while count[records.STOPPED] == records.FULL:
            self.table = allocation.with_more_buckets(self.table)
            tables.link_queries(self.table, h, m)
        count[records.CARES] += 1
        count[records.RESUME] = stopped
