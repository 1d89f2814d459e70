"""Mutants of models of the paper's tasks: what their gates say, and how rows find each other."""

from __future__ import annotations

from typing import Any

from lockstep.commands.task import parity as commands
from lockstep.proofs_check.tasks import parity as proof
from lockstep.proofs_check.tasks.rounding import Ball
from lockstep.tasks import editor, kit, learned, log, parity, training
from lockstep.tasks.learned import Learned
from mutation.planting import Rewrite
from mutation.table import Mutant

AREA = "tasks"
LEARNED, TRAINING, REFUSES = "learned parity", "training of parity", "refusals of the proof of parity"
EDITOR, EMITTED, LOG, FILES = "editor", "letters emitted again", "log of replacements", "files of learned models"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(AREA, breaks, Rewrite(function, old, new), check, equivalent)


MUTANTS = (
    row("at once: a ZERO stays", parity.at_once, "[b.is_kind(ZERO)]", "[b.is_kind(ZERO), right]", "parity at-once"),
    row("at once: ones pair while there is a ZERO", parity.at_once, "b.is_kind(ONE), 1 - zero, 1 - mask", "b.is_kind(ONE), 1 - mask",
        "parity at-once"),
    row("at once: ones pair while there is a mask", parity.at_once, "b.is_kind(ONE), 1 - zero, 1 - mask", "b.is_kind(ONE), 1 - zero",
        "parity at-once"),
    row("at once: the last one vanishes too", parity.at_once, "[*settled, odd, right]", "[*settled, odd]", "parity at-once"),
    row("at once: ones at even places stay", parity.at_once, "[*settled, 1 - odd]", "[*settled, odd]", "parity at-once"),
    row("at once: masks stay", parity.at_once, "[b.is_kind(MASK)]", "[b.is_kind(MASK), right]", "parity at-once"),
    row("front: a ZERO in the second place stays", parity.front, "first + second", "first", "parity front"),
    row("front: the first of two ones stays", parity.front, "first, after]", "first, before]", "parity front"),
    row("front: the second one goes alone", parity.front, "second, before]", "second]", "parity front"),
    row("front: masks stay", parity.front, "[b.is_kind(MASK)]", "[b.is_kind(MASK), first]", "parity front"),
    row("a row finds itself in place of its neighbour", kit.TaskBuilder.neighbour, "there[j], here[j]", "here[j], here[j]",
        "parity front"),
    row("any row is found", kit.TaskBuilder.any_row, "(self.is_kind(kind),)", "()", "parity at-once"),
    row("flags stand one row later", kit.Task.positions, "flags[1:]", "flags[:-1]", "parity front"),
    # learned parity: the rails, training, and each part of the proof
    row("far rows are seen", Learned.model, "= self.rail, -1", "= 0, -1", LEARNED),
    row("far rows act", Learned.model, "= -self.rail", "= 0", LEARNED),
    row("rows behind the window are near", Learned.places, "rows[WINDOW:, WIDTH + 1] = 1, 1", "rows[WINDOW + 1 :, WIDTH + 1] = 1, 1",
        LEARNED),
    row("the second position has the encoding of the first", Learned.places, '["positions"][:near]', '["positions"][[0, 0, 2][:near]]',
        LEARNED),
    row("one ONE of two is remasked in training", training.edits, "pair and kind == ONE", "False", TRAINING),
    row("masks stay in training", training.edits, "kind == MASK]", "False]", TRAINING),
    row("training ends at once", training.train, "if loss.item() < LOSS", "if True", TRAINING),
    row("the proof lets far rows be seen", proof._Following.lines, "self.nearest >= vanishing", "True", REFUSES),
    row("the proof looks at the query that sees far rows least", proof._Following._logits, "near:].high).min(", "near:].high).max(",
        REFUSES),
    row("the proof takes what is no number for a score far below", proof._Following._logits, "float(np.minimum(self.nearest,",
        "min(self.nearest, float(", REFUSES),
    row("the proof lets far rows act", proof._Following.lines, "self.acting < 0)", "True)", REFUSES),
    row("the proof looks at no far row", proof._Following._logits, "LETTERS if len(kinds) == NEAR else ()", "()", REFUSES),
    row("the proof starts at words of two letters", proof.prove_parity, "in range(NEAR)", "in (NEAR - 1,)", REFUSES),
    row("the proof lets a window be wrong", proof._Following.lines, "not self.broken)", "True)", REFUSES),
    row("the proof lets ONEs vanish alone", proof._Following.follow, "ones % 2 == 0", "True", REFUSES),
    row("the proof lets a window stay", proof._Following.follow, "any(gone) or word in ((), (ONE,))", "True", REFUSES),
    row("the proof lets letters insert", proof._Following.follow, "not bits[:, INSERT].any() and not bits[0", "not bits[0", REFUSES),
    row("the proof lets BOS be remasked", proof._Following.follow, " and not bits[0, REMASK]", "", REFUSES),
    row("the proof lets masks stay", proof._Following._clear, "bits[i, DELETE] for i", "True for i", REFUSES),
    row("the proof lets letters beside a mask vanish", proof._Following._clear, "not any(bits[i, REMASK]", "not any(False", REFUSES),
    row("the proof lets masks insert", proof._Following._clear, "stays and not bits[:, INSERT].any()", "stays", REFUSES),
    row("the proof lets rounding turn a logit", proof._Following.lines, "not self.uncertain)", "True)", REFUSES),
    row("the proof takes margins for certain", Ball.is_certain, "> self.radius * INFLATE", "> 0", REFUSES),
    row("the proof lets steps differ", proof._Following.lines, "not self.unlike)", "True)", REFUSES),
    row("products of rows do not round", Ball.under, "2 * _gamma(weights.shape[1] + 1) * sizes", "0 * sizes", "rounding"),
    row("products of matrices do not round", Ball.times, "2 * _gamma(terms) * sizes", "0 * sizes", "rounding"),
    row("scores are as good as their centres", Ball.softmax, "2 * farthest + subtracted", "subtracted", "rounding"),
    row("softmax does not round", Ball.softmax, "2 * farthest + subtracted + rounded", "2 * farthest", "rounding"),
    # the editor
    row("the editor: letters behind the place change, too", editor.editor, "here = [reached.flag, not_past.flag, 1 - masked]",
        "here = [reached.flag, 1 - masked]", EDITOR),
    row("the editor: places are counted from BOS", editor.editor, "own = rank - sep", "own = rank", EDITOR),
    row("the editor: commands act while a mask stands in the text", editor.editor, "not_past.flag, 1 - masked]", "not_past.flag]", EDITOR),
    row("the editor: delete keeps its letter", editor.editor, "[deletes + replaces, *here", "[replaces, *here", EDITOR),
    row("the editor: replace keeps its letter", editor.editor, "[deletes + replaces, *here", "[deletes, *here", EDITOR),
    row("the editor: a command stays", editor.editor, "[inserts + deletes + replaces, first, masked]", "[inserts + deletes, first, masked]",
        EDITOR),
    row("the editor: masks of commands stay", editor.editor, "[first, mask]", "[first, mask, 1 - masked]", EDITOR),
    row("the editor: the first row is the second", editor.editor, '{"first": [1]}', '{"first": [2]}', EDITOR),
    row("the editor: a command has its letter in front of its place", editor.Editor.start, "edit.place << self.letter_bits | edit.letter",
        "edit.letter << self.letter_bits | edit.place", EDITOR),
    row("the editor: the letter that is gone is emitted again", editor.emitted_again, "DELETE: behind", "DELETE: behind + 1", EMITTED),
    row("the editor: a context without the inserted mask", editor.context, " + (bool(script) and script[0].command == INSERT)", "", EDITOR),
    row("the editor: rows find every command", editor.editor, "(first,), {**flags", "(sum(flags.values()),), {**flags", EDITOR),
    row("the editor: BOS has a place", editor.editor, 'own - found["place"].flag, [b.body]', 'own - found["place"].flag, []', EDITOR),
    row("the editor: letters in front of the place change", editor.editor, "here = [reached.flag, not_past", "here = [not_past", EDITOR),
    row("the editor: a mask takes no letter", editor.editor, "[inserts + replaces, mask], enum", "[replaces, mask], enum", EDITOR),
    row("the editor: a mask that is to be deleted takes a letter", editor.editor, "[inserts + replaces, mask], enum",
        "[inserts + replaces + deletes, mask], enum", EDITOR, "a mask that is deleted is gone, whatever token it would take"),
    row("the editor: a mask that is to be deleted stays", editor.editor, "[deletes, mask]", "[deletes, first, mask]", EDITOR),
    row("the editor: letters have their bits in another order", editor.editor, 'enumerate(found["letter"])',
        'enumerate([*found["letter"]][::-1])', EDITOR),
    row("the editor: all commands are remasked together", editor.editor, "[inserts + deletes + replaces, first, masked]",
        "[inserts + deletes + replaces, sum(flags.values()), masked]", EDITOR),
    row("the editor: what moved behind an insertion is not emitted again", editor.emitted_again, "INSERT: 1 + behind", "INSERT: 1",
        EMITTED),
    row("the log: an entry of another place is found", log.log, "[*b.token_bits]", "[*b.token_bits][::-1]",
        LOG),
    row("the log: masks without an entry take a letter", log.log, '[mask, found["any"].flag], enum', "[mask], enum", LOG),
    row("the log: entries of a place count alike", log.log, "bits[:letter_bits]}, b.rank.flag)", "bits[:letter_bits]})", LOG),
    row("the log: places are counted from 0", log.Log.positions, "np.arange(1, self.places + 1,", "np.arange(self.places,", LOG),
    # files of learned models
    row("parameters of another shape are read", learned.load_learned, "if shapes.get(name) != SHAPES.get(name)", "if False", FILES),
    row("parameters that are no numbers are read", learned.load_learned, 'check_entries(tensors, "float64")', "None", FILES),
    row("models that fail the proof are decoded", commands.learned, "if not proof.holds", "if False", FILES),
)  # fmt: skip
