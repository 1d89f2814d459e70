"""Mutants of the engines: rows that stay stale, cuts that are wrong, preconditions that are not looked at."""

from __future__ import annotations

from typing import Any

from lockstep.models import batch
from lockstep.models.engines import active, bounds, dense, indexed
from lockstep.models.engines.active import ActiveSession
from lockstep.models.engines.indexed import IndexedSession, LayerTables
from lockstep.models.positions import Positions
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant

ACTIVE, INDEXED, BATCH, BOUNDS = "active engine", "indexed engine", "batches", "bounds of engines"


def row(area: str, breaks: str, function: Any, old: str, new: str, check: str = "", equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), check or area, equivalent)


MUTANTS = (
    row(
        ACTIVE,
        "rows are not recomputed when the row they read changed",
        ActiveSession._affected,
        "changed[state.best_row[:, :alive]].any(0)",
        "changed[:alive] & False",
    ),
    row(
        ACTIVE,
        "rows are not recomputed when a new key scores best",
        ActiveSession._affected,
        "affected |= (scores",
        "affected |= False & (scores",
    ),
    row(ACTIVE, "rows that changed are not recomputed", ActiveSession._affected, "affected | changed[:alive]", "affected"),
    row(
        ACTIVE,
        "rows are not recomputed when the row they read is deleted",
        ActiveSession._affected,
        "torch.cat([rows, removed])",
        "rows",
    ),
    row(ACTIVE, "keys of changed rows are not recomputed", ActiveSession._affected, ", (state.keys, state.layer.k)", ""),
    row(
        ACTIVE,
        "best scores are never known",
        ActiveSession._compute,
        "state.best[:, rows], state.best_row[:, rows] = scores.max(2)",
        "state.best_row[:, rows] = scores.max(2)[1]",
        equivalent="every changed key comes near a best score of minus infinity: more is computed",
    ),
    row(
        ACTIVE,
        "best scores never fall",
        ActiveSession._compute,
        "state.best[:, rows], state.best_row[:, rows] = scores.max(2)",
        "state.best[:, rows], state.best_row[:, rows] = torch.maximum(state.best[:, rows], scores.max(2)[0]), scores.max(2)[1]",
    ),
    row(
        ACTIVE,
        "heads may read several rows",
        ActiveSession._compute,
        "if others.numel() and float(others.max()) != 0:",
        "if False:",
    ),
    row(
        ACTIVE,
        "weights too small to change a sum with 1 pass as 0",
        ActiveSession._compute,
        "float(others.max()) != 0",
        "1 - float(others.max()) != 1",
    ),
    Mutant(ACTIVE, "the cut is at 0", Attribute(active, "VANISHING", dict.fromkeys(active.VANISHING, 0.0), "746 -> 0"), ACTIVE),
    row(
        ACTIVE,
        "unchanged rows are passed on to the next layer",
        ActiveSession._compute,
        "return rows[different]",
        "return rows",
        equivalent="more rows are computed anew than need be",
    ),
    row(
        ACTIVE,
        "changed rows are not passed on to the next layer",
        ActiveSession._compute,
        "return rows[different]",
        "return rows[~different]",
    ),
    row(
        ACTIVE,
        "a row that comes back is recomputed in the first layer only",
        ActiveSession.predict,
        "torch.cat([edited, *different])",
        "torch.cat(different)",
    ),
    row(
        INDEXED,
        "a row that comes back is recomputed in the first layer only",
        IndexedSession.predict,
        "rows, edited, self.model.width",
        "rows, edited[:0], self.model.width",
    ),
    row(
        INDEXED,
        "rows that now read another row are not recomputed",
        LayerTables.propagate,
        "np.sort(np.concatenate([changed, self.affected[:found]])) if found else changed",
        "changed",
    ),
    row(
        INDEXED,
        "deleted rows leave their keys",
        LayerTables.propagate,
        "self._relink(removed, allocation.silent_projections(len(count), len(removed)))",
        "pass",
    ),
    row(
        INDEXED,
        "ties are not noticed",
        LayerTables.propagate,
        "if (count[:, records.STOPPED] == records.TIED).any():",
        "if False:",
    ),
    row(
        INDEXED,
        "faults of keys and queries are not noticed",
        LayerTables.propagate,
        "raise Unsuitable(projections.FAULTS[fault])",
        "pass",
    ),
    row(
        INDEXED,
        "the care bits of BOS are not checked",
        LayerTables.start,
        "if projected.care.any():",
        "if False:",
        equivalent="it is asked once more with all rows, and the same fault is found there",
    ),
    row(INDEXED, "recency is not limited", LayerTables.start, "int(min(above)) - 1", "int(min(above)) + (1 << 40)"),
    row(
        INDEXED,
        "the first token may come twice",
        IndexedSession._embed,
        "((self.tokens[rows] == self.sink) != self.is_first[rows]).any()",
        "False",
    ),
    row(
        INDEXED,
        "deleted rows are not reported",
        IndexedSession.update,
        "np.arange(first + change.length, first + before)",
        "np.arange(0)",
    ),
    row(
        INDEXED,
        "only one of the changed rows is embedded",
        IndexedSession.predict,
        "self._embed(edited)",
        "self._embed(edited[:1] if self.started else edited)",
    ),
    row(
        INDEXED,
        "the values of BOS are taken as 0",
        LayerTables.start,
        "self.table.rows[:, :, records.ROW_READ] = self.sink.value[:, None]",
        "pass",
    ),
    row(
        INDEXED,
        "only one set of cares is checked",
        LayerTables._add_care,
        "tables.link_queries(self.table, h, m)\n    while",
        "pass\n    while",
    ),
    row(BATCH, "rows of other sequences are found", indexed._batch, "(1 << (len(ends) - 1).bit_length()) - 1", "0"),
    row(
        BATCH, "deleted rows count as rows of the first sequence", IndexedSession.update, "first + change.length", "change.length"
    ),
    row(
        BATCH,
        "rows are reported by their place in the batch",
        IndexedSession._split_by_sequence,
        "rows[a:b] - first",
        "rows[a:b]",
    ),
    row(BATCH, "all sequences get the positions of the first", Positions.concatenated, "at := at + len(part)", "len(part)"),
    row(BATCH, "padding rows are keys", dense.DenseSession._embedded, ">= lengths[:, None]", "> lengths[:, None]"),
    row(BATCH, "a finished sequence goes on", batch.Pass.decode, "ended.append(n)", "pass"),
    row(
        BATCH,
        "results come in the order of lengths",
        batch.decode_batch,
        "found[number] for number in range(len(starts))",
        "found[number] for number in found",
    ),
    row(BOUNDS, "weights may be no integers", bounds.bound, "(weights == np.rint(weights)).all()", "True", INDEXED),
    row(BOUNDS, "positions may be no integers", bounds.bound, "positions.are_integers", "True", INDEXED),
    row(BOUNDS, "numbers may be rounded", bounds._require, "if not size <= limit:", "if False:", INDEXED),
    row(
        BOUNDS,
        "the reference leaves out the last rows' positions",
        dense.DenseSession._embedded,
        "[: len(self.tokens[number])]",
        "[: len(self.tokens[number])].flip(0)",
        "agreement of mdm",
    ),
)
