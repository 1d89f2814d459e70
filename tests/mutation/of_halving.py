"""Mutants of the rounds that a loop tells by halving a range."""

from __future__ import annotations

from lockstep.pram import halving_rounds, known_values
from lockstep.pram.halving_rounds import _Halving
from mutation.planting import Rewrite
from mutation.table import Mutant

AREA, CHECK = "rounds told by halving", "rounds by halving"

MUTANTS = (
    Mutant(AREA, "a change may leave the least range", Rewrite(_Halving.halves, "left < self", "left <= self"), CHECK),
    Mutant(AREA, "an end may move by itself", Rewrite(_Halving.halves, "base != name and ", ""), CHECK),
    Mutant(AREA, "a way may change nothing", Rewrite(_Halving.found, "== {1}", "in ({1}, {0, 1})"), CHECK),
    Mutant(AREA, "a way may change both ends", Rewrite(_Halving.changes, "min(2, a + b)", "min(1, a + b)"), CHECK),
    Mutant(AREA, "one branch is enough", Rewrite(_Halving.changes, "self.changes(then) | self.changes(otherwise)", "{1}"), CHECK),
    Mutant(
        AREA,
        "the middle may change in a round",
        Rewrite(_Halving.changes, "self.gap.high, self.middle} else", "self.gap.high} else"),
        CHECK,
    ),
    Mutant(
        AREA,
        "an end may change before the middle is set",
        Rewrite(_Halving.found, "if assigned(statement) & {gap.low, gap.high}:", "if False:"),
        CHECK,
    ),
    Mutant(AREA, "the middle may be shared", Rewrite(_Halving.found, " and statement.name not in symbols.arrays", ""), CHECK),
    Mutant(
        AREA,
        "an end may be shared",
        Rewrite(halving_rounds._gaps, " and not {gap.low, gap.high} & symbols.arrays.keys()", ""),
        CHECK,
    ),
    Mutant(AREA, "the middle is rounded down", Rewrite(_Halving.found, "extra or 0", "0"), CHECK),
    Mutant(
        AREA, "a third is a half", Rewrite(halving_rounds._extra, 'Binary("/", inner, Number(2))', 'Binary("/", inner, _)'), CHECK
    ),
    Mutant(AREA, "either condition holds", Rewrite(halving_rounds._gaps, 'Binary("and",', 'Binary("and" | "or",'), CHECK),
    Mutant(
        AREA,
        "ends that differ are in order",
        Rewrite(halving_rounds._gaps, 'from_0 if operator == "!=" else local', "local"),
        CHECK,
    ),
    Mutant(AREA, "the high end never passes the low one", Rewrite(_Halving.halves, "left >= 0 or", "True or"), CHECK),
    Mutant(
        AREA,
        "words that wrap are integers",
        Rewrite(halving_rounds.rounds_by_halving, "symbols.word is not None and symbols.word.wrap", "False"),
        CHECK,
    ),
    Mutant(
        AREA, "one round less by values", Rewrite(halving_rounds._most, "_scaled(size, 1, 2 -", "_scaled(size, 1, 1 -"), CHECK
    ),
    Mutant(AREA, "one cell less", Rewrite(halving_rounds._most, "_scaled(half, 2, 3 -", "_scaled(half, 2, 1 -"), CHECK),
    Mutant(AREA, "no round where no cell can be read", Rewrite(halving_rounds._most, "(2, by_cells)", "(1, by_cells)"), CHECK),
    Mutant(
        AREA,
        "all arrays count from 0",
        Rewrite(halving_rounds._Reads.used, "plus(polynomial(first), polynomial(extent))", "polynomial(extent)"),
        CHECK,
    ),
    Mutant(
        AREA,
        "a loop keeps what it assigns",
        Rewrite(known_values._inside, "_without(known, assigned(statement))", "known"),
        CHECK,
    ),
    Mutant(AREA, "a value outlives its names", Rewrite(known_values._without, " and not names & _names(value)", ""), CHECK),
    Mutant(AREA, "an if assigns nothing", Rewrite(known_values._after, "_without(known, assigned(statement))", "known"), CHECK),
)
