"""Mutants of what decodes say of themselves: how a step changed the sequence, and what heads found."""

from __future__ import annotations

from lockstep.models.edited import Edited
from lockstep.models.editing import SequenceEditor
from lockstep.models.engines import appending, finding
from lockstep.models.engines.active import ActiveSession
from lockstep.models.engines.dense import DenseSession
from lockstep.models.engines.indexed import LayerTables
from mutation.planting import Rewrite
from mutation.table import Mutant

EDITS, FOUND = "told edits", "found rows"

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
    Mutant(FOUND, "indexed: only one set of cares is asked", Rewrite(LayerTables.found, "range(cares)", "range(1)"), FOUND),
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
)
