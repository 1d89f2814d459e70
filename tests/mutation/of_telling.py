"""Mutants of what decodes say of themselves: how a step changed the sequence, and what heads found."""

from __future__ import annotations

from lockstep.compiler import in_place
from lockstep.compiler.clocks import BlockClock, CycleClock, StateClock
from lockstep.models.edited import Edited
from lockstep.models.editing import SequenceEditor
from lockstep.models.engines import appending, finding
from lockstep.models.engines.active import ActiveSession
from lockstep.models.engines.dense import DenseSession
from lockstep.models.engines.indexed import LayerTables
from lockstep.proofs_check import agreement
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.watching import Watching
from mutation.planting import Rewrite
from mutation.table import Mutant

EDITS, FOUND, WATCHED = "told edits", "found rows", "watched decodes"

MUTANTS = (
    Mutant(
        EDITS,
        "inserts do not move later rows",
        Rewrite(Edited.rows_after, "self.insert.astype(np.int64) - self.delete", "-self.delete.astype(np.int64)"),
        "kinds of edits",
    ),
    Mutant(EDITS, "a row moves by its own insert", Rewrite(Edited.rows_after, " - grown)", ")"), "kinds of edits"),
    Mutant(
        EDITS,
        "a mask in the place of a deleted one stands one too far",
        Rewrite(Edited.inserted, " - self.delete", ""),
        "kinds of edits",
    ),
    Mutant(
        EDITS,
        "remasked tokens count as rewritten",
        Rewrite(Edited.rewritten, " & (self.after != self.mask)", ""),
        "kinds of edits",
    ),
    Mutant(
        EDITS,
        "deleted positions count as remasked",
        Rewrite(Edited._positions, "which & ~self.delete", "which"),
        "kinds of edits",
    ),
    Mutant(
        EDITS, "an appended token is asked for by its own row", Rewrite(Edited.asking, " - self.appended", ""), "kinds of edits"
    ),
    Mutant(
        EDITS,
        "edits are told of the sequence after the step",
        Rewrite(SequenceEditor.step, "Edited.of(edits, self.sequence.tokens,", "Edited.of(edits, self.sequence.tokens * 0,"),
        "told edits",
    ),
    Mutant(
        EDITS,
        "erasures are told one step late",
        Rewrite(
            SequenceEditor.step,
            "gone, self.erased, self.erasure = self.erased, self.erasure,",
            "gone, self.erased, self.erasure = self.erased, None,",
        ),
        "told edits",
    ),
    Mutant(
        FOUND,
        "indexed: only one set of cares is asked",
        Rewrite(LayerTables._found, "range(table.counts[h, records.CARES])", "range(1)"),
        FOUND,
    ),
    Mutant(
        FOUND,
        "indexed, causal: what a row read counts as the row that it found",
        Rewrite(appending._AppendedTables.found, "FOUND]", "ROW_READ]"),
        FOUND,
    ),
    Mutant(FOUND, "dense: the first row counts as found", Rewrite(finding._found, "read[..., 0] = False", "pass"), FOUND),
    Mutant(
        FOUND,
        "dense: rows are looked for in the sequence after the step",
        Rewrite(DenseSession.predict, "self.tokens[number].clone()", "self.tokens[number]"),
        FOUND,
    ),
    Mutant(
        FOUND,
        "dense: a layer reads the stream before the gates of the last one",
        Rewrite(finding.found_rows, "x = x + layer.feed_forward(x)", "pass"),
        FOUND,
    ),
    Mutant(FOUND, "active: the first row counts as found", Rewrite(ActiveSession.found, "NOTHING, best", "best, best"), FOUND),
    Mutant(
        WATCHED, "a block counts as full with a mask", Rewrite(BlockClock.__call__, "== self.each", ">= self.each - 1"), "clocks"
    ),
    Mutant(WATCHED, "cycles are not counted", Rewrite(CycleClock.__call__, "step.erasure is not None", "0"), "clocks"),
    Mutant(
        WATCHED,
        "a snapshot belongs to the step after it",
        Rewrite(CycleClock.__call__, "return before + self.blocks if", "return before + self.blocks + 1 if"),
        "clocks",
    ),
    Mutant(
        WATCHED,
        "the first words of a state belong to step 1",
        Rewrite(StateClock.__init__, "self.made = -1", "self.made = 0"),
        "clocks",
    ),
    Mutant(
        WATCHED,
        "the first slot is the register before",
        Rewrite(in_place.Layout.locate, "names[row], 0", "names[row - 1], 0"),
        "places",
    ),
    Mutant(WATCHED, "cells are counted by slots", Rewrite(in_place.Layout.locate, " // self.ROWS_PER_CELL", ""), "places"),
    Mutant(
        WATCHED,
        "only the first letter of a form is filled in",
        Rewrite(ClosedForm.filled, "self.text)", "self.text, count=1)"),
        "shown forms",
    ),
    Mutant(
        WATCHED,
        "the last wrong token is named first",
        Rewrite(agreement._first, "different.min()", "different.max()"),
        "wrong tokens",
    ),
    Mutant(
        WATCHED,
        "both sequences are the one that was found",
        Rewrite(agreement._first, "at, (wanted.copy()", "at, (found.copy()"),
        "wrong tokens",
    ),
    Mutant(
        WATCHED,
        "a wrong token counts as a wrong output",
        Rewrite(Watching.decoded, "if self.divergence is not None:", "if False:"),
        "watched ends",
    ),
    Mutant(
        WATCHED, "the context at the start is left out", Rewrite(Watching.__init__, "[len(self.start)]", "[]"), "watched ends"
    ),
)
