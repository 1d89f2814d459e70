"""Mutants of the model of Sudoku: what its heads find, what its gates say, and where its rows stand."""

from __future__ import annotations

from typing import Any

from lockstep.proofs_check import exact_cover
from lockstep.tasks import kit, sudoku
from lockstep.tasks.sudoku_circuit import SudokuBuilder
from lockstep.tasks.sudoku_rows import Board
from mutation.planting import Rewrite
from mutation.table import Mutant

AREA = "sudoku"
SMALL, HARD, FIRST = "sudoku 4x4", "sudoku 9x9", "sudoku 9x9, first solution"


def row(breaks: str, function: Any, old: str, new: str, check: str, equivalent: str = "") -> Mutant:
    return Mutant(AREA, breaks, Rewrite(function, old, new), check, equivalent)


B = SudokuBuilder
MUTANTS = (
    row("a digit in the box excludes nothing", B.find_alive, "*(1 - near for near in self.near.values())",
        "*(1 - near for name, near in self.near.items() if name != 'box')", SMALL),
    row("a pair of a cell with a digit is alive", B.find_alive, '[self.pair, 1 - self.there["found"].flag, ', "[self.pair, ", SMALL),
    row("a digit that has failed may be taken again", B.find_alive, 'self.number - self.mark["digits"].flag',
        'self.number - self.mark["digits"].flag + 1', SMALL),
    row("marks exclude nothing", B.find_alive, 'self.number - self.mark["digits"].flag', "self.number", FIRST),
    row("digits below the highest level are taken back, too", B.find_alive, '"on the highest level", own - level,',
        '"on the highest level", own - level + 1,', HARD),
    row("the mark goes to cells of older guesses, too", B.find_alive, 'self.there["level"].flag - level, [self.tried',
        'self.there["level"].flag - level + 1, [self.tried', HARD),
    row("the mark goes to all cells of the level", B.find_alive, '[self.tried, self.there["guess"].flag]', "[self.tried]", SMALL),
    row("the search begins before the last pair stands", B.find_alive, "self.last - (self.board.length - 1)",
        "self.last - (self.board.length - 40)", SMALL),
    row("a digit without a place is no contradiction", B.find_ends, 'lost.append(self.both(1, f"no place, {name}", ',
        'alone = (self.both(1, f"no place, {name}", ', SMALL),
    row("a cell without a digit is no contradiction", B.find_ends, 'lost.append(self.both(1, "no digit", ',
        'alone = (self.both(1, "no digit", ', HARD),
    row("a digit that stands in a group is missing there", B.find_ends, '1 - last["found"].flag, 1 - self.near[name]]',
        '1 - last["found"].flag]', SMALL),
    row("the second of two digits left is guessed", B.find_ends, '"least digit", first - number,', '"least digit", number - first - 1,',
        SMALL),
    row("a digit that is alone in a column is no single", B.find_singles, "total(self.alone) - 1",
        "total([*self.alone[:2], *self.alone[3:]]) - 1", SMALL),
    row("cells with three digits count as with two", B.find_singles, "[self.least, 1 - third]", "[self.least]", HARD),
    row("a guess in spite of a single", B.find_anywhere, "1 - any_single, at", "at", SMALL),
    row("guesses take the first cell, however many digits are left", B.find_anywhere, "self.two_left * weight + ", "", HARD),
    row("another cell is guessed than the one with a mark", B.find_anywhere, ' + self.mark["found"].flag * (2 * weight)', "",
        "sudoku, built steps"),
    row("two singles of one digit in a row are written at once", B.write_digits,
        "for late in self.in_the_way)", "for late in self.in_the_way[1:])", SMALL),
    row("two singles of one digit in a column are written at once", B.write_digits,
        "for late in self.in_the_way)", "for late in self.in_the_way[::2])", SMALL),
    row("two singles of one digit in a box are written at once", B.write_digits,
        "for late in self.in_the_way)", "for late in self.in_the_way[:2])", SMALL),
    row("a single is in its own way", B.find_anywhere, "self.here - first[", "self.here + 1 - first[", SMALL),
    row("singles are written beside a contradiction", B.write_digits, "self.ready, 1 - self.is_wrong, mine", "self.ready, mine", SMALL),
    row("a guess has the level before it", B.write_digits, "self.write_level(guess, above=True)",
        "self.write_level(guess, above=False)", SMALL),
    row("a guess does not say that it is one", B.write_digits, ", (self.vocabulary.most_bits - 1, self.mask)", "", SMALL),
    row("the mark of a cell that is guessed again stays", B.write_digits, "self.is_kind(TRIED), self.open, *self.chosen]",
        "self.is_kind(TRIED), self.mask]", "sudoku, built steps"),
    row("the level above has no carry", B.write_level, "*level[:j], bit], {out[j]: -1}", "*level[:j], 1 - bit], {out[j]: 0}", SMALL),
    row("a failed guess leaves no mark", B.step_back, "[self.tried, self.mask, back, self.guess_is_top, self.guessed]",
        "[self.tried, self.mask, back, self.guess_is_top, self.is_kind(NONE)]", SMALL),
    row("an older mark stays", B.step_back, "self.is_kind(TRIED), back, self.guessed]", "self.is_kind(TRIED), self.mask]", HARD),
    row("a second solution is kept, too", B.step_back, "self.guessed, self.unknown]", "self.guessed]", SMALL),
    row("an empty cell does not say that there is no solution", B.step_back, "[*none, self.unknown]", "[*none, self.is_kind(NONE)]",
        SMALL),
    row("the workspace grows by one row less", B.grow_and_shrink, "self.board.length - 2 -", "self.board.length - 3 -", SMALL),
    row("marks stay at the end", B.grow_and_shrink, "[self.is_kind(TRIED), *over]", "[self.is_kind(TRIED), self.mask]", SMALL),
    row("digits that differ from the only solution stay", B.return_to_first, "[self.cell, differs.flag, *end]",
        "[self.cell, self.mask, differs.flag, *end]", HARD),
    row("a second solution is none", B.return_to_first, "1 - self.open, 1 - two]", "1 - self.open, self.is_kind(KEPT)]", SMALL),
    row("the only solution stands there twice", B.return_to_first, "[self.is_kind(KEPT), 1 - self.open, 1 - two]",
        "[self.is_kind(KEPT), 1 - self.open, two]", SMALL),
    row("boxes of a board are its rows", Board.group_of, "row // self.side * self.side + column // self.side", "row", SMALL),
    row("a gate fires in spite of a literal", kit.EditBuilder.at_least, "(self.most(form) + 1)", "(self.most(form) - 1)", SMALL),
    row("what is taken loses its highest bit", kit.EditBuilder._readout, "SHARPNESS * (len(out) + 2)", "SHARPNESS * (len(out) - 2)", SMALL),
    row("a digit is read one too small", sudoku.Sudoku.digits, ") + 1 if", ") if", SMALL),
    row("the oracle covers no boxes", exact_cover._covers, '("column", column, digit), ("box", box, digit)]',
        '("column", column, digit), ("box", box, 0)]', "exact cover"),
    row("the oracle does not put back what it took out", exact_cover._uncover, "open_things[other].add(way)", "pass", "exact cover"),
)  # fmt: skip
