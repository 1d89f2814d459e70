"""Mutants of models of tasks that a proof of their rows must find, and of this proof."""

from __future__ import annotations

from typing import Any

from lockstep.proofs_check.tasks import all_rows, cases, implied, sudoku_edits, sudoku_rules
from lockstep.tasks import editor, graph_edits, kit
from lockstep.tasks.sudoku_circuit import SudokuBuilder
from lockstep.tasks.sudoku_rows import Board
from mutation.planting import Rewrite
from mutation.table import Mutant

SUDOKU, EDITOR, GRAPHS = "rows of Sudoku", "rows of the editor", "rows of graph edits"
ALONE, PLANTED, FACTS = "rules by themselves", "planted faults of rows", "facts that do not hold"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant("rows of tasks", breaks, Rewrite(function, old, new), check, equivalent)


B, P, C, I = SudokuBuilder, all_rows._Prover, cases.AllCases, implied.Implied  # noqa: E741
BUILD = graph_edits.graph_edits
MUTANTS = (
    # models of Sudoku: thresholds, heads, positions
    row("Sudoku: the mark of a cell is remasked by two gates at once", B.write_digits, "self.open, *self.chosen",
        "*self.chosen", SUDOKU),
    row("Sudoku: the cell behind the guess is guessed, too", B.find_anywhere, "self.here - chosen, [found]",
        "self.here - chosen + 1, [found]", SUDOKU),
    row("Sudoku: a digit below the mark is alive", B.find_alive, 'self.mark["digits"].flag, free',
        'self.mark["digits"].flag + 1, free', SUDOKU),
    row("Sudoku: three pairs that are alive are alone", B.find_ends, 'first - last["number"].flag, [self.alive]',
        'first - last["number"].flag + 2, [self.alive]', SUDOKU),
    row("Sudoku: a single behind the first is not late", B.find_anywhere, 'first["place"].flag - 1, [self.single]',
        'first["place"].flag - 2, [self.single]', SUDOKU),
    row("Sudoku: the level comes from the last digit", B.read_tokens, "level * (1 << self.board.cell_bits) + self.here",
        "level + self.here", SUDOKU),
    row("Sudoku: a single of another digit is in the way", B.find_anywhere, "self.same(self.digit, self.group[name])",
        "self.same(self.group[name])", SUDOKU),
    row("Sudoku: the first solution is read from any cell", B.read_tokens, "everyone - self.kept, here, (self.is_kind(KEPT),)",
        "everyone - self.kept, here[1:], (self.is_kind(KEPT),)", SUDOKU),
    row("Sudoku: digits above those of the first solution do not differ", B.return_to_first, "(own - first - 1, first - own - 1)",
        "(own - first - 2, first - own - 1)", SUDOKU),
    row("Sudoku: all levels are taken back", B.step_back, "back, self.is_top, self.guessed]",
        "back, self.guessed]", SUDOKU),
    row("Sudoku: a carry goes into the next bit but one", B.write_level, "*level[:j], 1 - bit], {out[j]: 1}",
        "*level[:j], bit], {out[j]: 1}", SUDOKU),
    row("Sudoku: the last cell inserts no row", Board.positions, 'fields.set("grows", slice(self.cells, None), 1)',
        'fields.set("grows", slice(self.cells + 1, None), 1)', SUDOKU),
    row("Sudoku: columns are counted from the second cell", Board.group_of, "np.divmod(cells, self.digits)",
        "np.divmod(cells + 1, self.digits)", SUDOKU),
    row("Sudoku: pairs stand where marks are", Board.__dict__["rows"].func, "(TRIED_ROW, q), (PAIR, q * self.digits)",
        "(PAIR, q * self.digits), (TRIED_ROW, q)", SUDOKU),
    row("a flag of two literals needs one", kit.EditBuilder.at_least, "len(literals) - total(literals)",
        "len(literals) - 1 - total(literals)", SUDOKU),
    # models of the editor and of edits of graphs
    row("the editor: the place behind is reached, too", editor.editor, 'found["place"].flag - own',
        'found["place"].flag + 1 - own', EDITOR),
    row("the editor: SEP is looked for among masks", editor.editor, 'EVERY_ROW, (b.is_kind(SEP),)', 'EVERY_ROW, (mask,)', EDITOR),
    row("the editor: the second command acts", editor.editor, '{"first": [1]}', '{"first": [2]}', EDITOR),
    row("the editor: a mask in front deletes the letter", editor.editor, "deletes + replaces, *here",
        "deletes + replaces, not_past.flag", EDITOR),
    row("edits: one bit of an edge is not compared", BUILD, '"deleted by the command", edge, same,',
        '"deleted by the command", edge, same[1:],', GRAPHS),
    row("edits: an edge is looked for among commands", BUILD, "first, same, (edge,)", "first, same, (add,)", GRAPHS),
    row("edits: SEP inserts for an edge that is there", BUILD, "(first, fresh.flag)", "(first, add)", GRAPHS),
    row("edits: the second command acts", BUILD, '{"first": [1]}', '{"first": [2]}', GRAPHS),
    # the rules
    row("rules: a guess takes the last cell", sudoku_rules.SudokuSearch.preferred, "self.places.cells - row",
        "self.places.cells + row", ALONE),
    row("rules: boxes are rows", sudoku_rules.SudokuPlaces.places, "row // self.side * self.side + column // self.side",
        "row", ALONE),
    row("rules: the first solution vanishes beside a second one", sudoku_edits.SudokuEdits.kept_goes,
        ' & ~row.flag("second solution: found")', "", ALONE),
    row("rules: levels never rise", sudoku_edits.SudokuEdits.level_taken, "(level + 1) >> bit", "level >> bit", ALONE),
    row("rules: a fact is wrong of all sequences", sudoku_edits.SudokuEdits._is_full, '& ~row.flag("masked',
        '& row.flag("masked', ALONE),
    # the proof
    row("the proof: BOS may find rows", P._head, "sink > -1", "sink > 1e9", PLANTED),
    row("the proof: of rows that tie, any is found", P._apart, "(counts > 1).any()", "(counts < 1).any()", PLANTED),
    row("the proof: orders may have one score", P._head, "after - before < 1", "after - before < 0", PLANTED),
    row("the proof: rows that must be found are not", P._compare, "np.where(meets, leads < 1, leads > -1)",
        "~meets & (leads > -1)", PLANTED),
    row("the proof: orders may be a half apart", P._head, "after - before < 1", "after - before <= 0", PLANTED),
    row("the proof: what is read is anything", P._equal, "(found != wanted) |", "", PLANTED),
    row("the proof: BOS may give something", P._reads, "if row @ self.bos:", "if False:", PLANTED),
    row("the proof: gates may fire on BOS", P._gates, "if np.maximum(inward @ self.bos + bias, 0) @ outward:",
        "if False:", PLANTED),
    row("the proof: gates may write more", P._layer, "if gates != set(meant.says):", "if gates < set(meant.says):", PLANTED),
    row("the proof: heads may write more", P._reads, "if extra or len(", "if len(", PLANTED),
    row("the proof: fields may leave their ranges", P._equal, " | (wanted > high)", "", PLANTED),
    row("the proof: rows may take any token", P._check_output, "< THRESHOLD", "< -1", PLANTED),
    row("the proof: rows that tie may stand at two places", P._compare, "[:, [0, 1, 3]]", "[:, [0, 1, 2, 3]]", PLANTED),
    row("the proof: any field tells rows apart", P._of_sole, "if self.cases.read(head.meets, 2) != ", "if False and None != ", PLANTED),
    row("the proof: rows that tie need not look", P._told_apart, "(meets & ~looks).any()", "False", PLANTED),
    row("the proof: what is written later may be read", P._read, "if early := needed.bits - self.ready:", "if early := set():", PLANTED),
    row("the proof: a case more is left out", C.all, "!= 0) | (cases.values[bit] == 0)",
        "!= 0) & (cases.values[bit] == 0)", PLANTED),
    row("facts: what rows say is not looked at", I.check_facts, "if fact.layer is not None:", "if False:", FACTS),
    row("facts: a fact follows from itself", I.check_facts, "others, without=fact)", "others)", FACTS),
    row("facts: a row may find another one", I._check_itself, "if others.any() or not meets.all():",
        "if not meets.all():", FACTS),
    row("facts: what follows is not looked at", I._check_follows, "(one & ~other).any()", "False", FACTS),
    row("facts: what comes before is anything", I._check_nearest, "!= finds.order(row)).any()", "!= finds.order(row)).all() and False",
        FACTS),
    row("facts: a mask may take nothing", I.check_settled, "((number == 1) & ~others)", "~others", FACTS),
)  # fmt: skip
