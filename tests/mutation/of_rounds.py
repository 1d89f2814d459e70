"""Mutants of what the language infers or writes out: rounds told by bounds or arrays, prefix sums, names of books."""

from __future__ import annotations

from lockstep.pram import bounds, emitting, index_rounds, loop_kinds, rewriting
from lockstep.pram.index_rounds import Round
from lockstep.pram.loop_lowering import LoopEmitter
from lockstep.pram.lowering import _Lowering as Lowering
from lockstep.pram.range_ends import EndEmitter
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant

BOUNDS, INDEX, SUMS = "rounds told by bounds", "rounds told by arrays", "prefix sums"
NAMES, MODULO = "names of books", "constants modulo 2^w"

MUTANTS = (
    Mutant(
        INDEX,
        "arrays tell before flags",
        Rewrite(loop_kinds.LoopKinds._note_flagged, "if self.flags_allowed:", "if False:"),
        "rounds by index",
    ),
    Mutant(INDEX, "a use in one branch counts in both", Rewrite(Round.either, "if all(", "if any("), "rounds by index"),
    Mutant(
        INDEX, "a guarded read is certain", Rewrite(Round.certain, "not self.symbols.is_guarded(here)", "True"), "rounds by index"
    ),
    Mutant(
        INDEX,
        "a true or reads both sides",
        Rewrite(Round.certain, 'known is (word == "and")', "known is not None"),
        "rounds by index",
    ),
    Mutant(INDEX, "not changes no truth", Rewrite(Round.certain, "else not known", "else known"), "rounds by index"),
    Mutant(
        INDEX,
        "both values of an if are read",
        Rewrite(Round.certain, "todo.append((condition, None))", "todo += [(child, None) for child in children(here)]"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "a use counts after its variable is raised",
        Rewrite(Round.statement, "return {**uses, name: ()}", "return uses"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "a variable that is assigned otherwise counts",
        Rewrite(Round.extents, "name not in self.other and ", ""),
        "rounds by index",
    ),
    Mutant(
        INDEX, "what is printed is used", Rewrite(Round.statement, "case Print():", "case Print() if False:"), "rounds by index"
    ),
    Mutant(
        INDEX,
        "a written array stays the same",
        Rewrite(Round.stays, "self.changed | (self.symbols.arrays.keys() & self.written)", "self.changed"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "two variables in a subscript count",
        Rewrite(Round.used, "if len(varying) == 1 and isinstance", "if varying and isinstance"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "the extent of another axis counts",
        Rewrite(Round.used, "array.dimensions if array", "array.dimensions[::-1] if array"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "a store uses no subscript",
        Rewrite(Round.statement, "if isinstance(statement, Store)", "if False"),
        "rounds by index",
    ),
    Mutant(
        INDEX, "one way that raises is enough", Rewrite(Round.goes_on, "(then, names) and", "(then, names) or"), "rounds by index"
    ),
    Mutant(
        INDEX,
        "two arrays count as one",
        Rewrite(index_rounds.rounds_by_index, 'Binary("+", a, b), extents', "b, extents"),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "the smaller of two raises counts",
        Rewrite(Round.extents, '_extreme("max", [', '_extreme("min", ['),
        "rounds by index",
    ),
    Mutant(
        INDEX,
        "a loop that is left at once has no round",
        Rewrite(index_rounds.rounds_by_index, "return Number(1)", "return Number(0)"),
        "rounds by index",
    ),
    Mutant(
        BOUNDS,
        "no parameter is negative",
        Rewrite(bounds._Known.is_unsure, "return atom not in", "return False and atom not in"),
        "rounds by bounds",
    ),
    Mutant(
        BOUNDS,
        "what a sum adds is an operand",
        Rewrite(
            bounds._operands,
            'case Binary("+" | "-", left, right):',
            'case Binary("+" | "-", left, right) if (yield right) or True:',
        ),
        "rounds by bounds",
    ),
    Mutant(SUMS, "all have the first turn", Rewrite(rewriting._Rewriter._in_turn, "Name(turn, at)", "Number(0)"), "prefix sums"),
    Mutant(
        SUMS,
        "the last processor has no turn",
        Rewrite(rewriting._Rewriter._in_turn, "Number(1), at)", "Number(2), at)"),
        "prefix sums",
    ),
    Mutant(
        SUMS,
        "each gets what it left",
        Rewrite(rewriting._Rewriter._in_turn, "Assign(sum_.name, old, at)", "Assign(sum_.name, target, at)"),
        "prefix sums",
    ),
    Mutant(
        NAMES,
        "the least word is 0 under signed",
        Rewrite(rewriting._names_of_books, "minus_one if symbols.signed else Number(0)", "Number(0)"),
        "names of books",
    ),
    Mutant(
        NAMES,
        "a declared name changes its meaning",
        Rewrite(rewriting._names_of_books, "if name not in declared", ""),
        "names of books",
    ),
    Mutant(
        INDEX,
        "a loop told by arrays asks for atmost",
        Rewrite(LoopEmitter.check_unfinished, "by_index=self.kinds[loop.at].by_index", "by_index=False"),
        "rounds by index",
    ),
    Mutant(
        MODULO,
        "a quotient takes a constant modulo 2^w",
        Attribute(emitting, "MODULAR", (*emitting.MODULAR, "/"), "with /"),
        "constants modulo",
    ),
    Mutant(
        MODULO,
        "an exclusive or takes words only",
        Attribute(emitting, "MODULAR", emitting.MODULAR[:-1], "without ^"),
        "constants modulo",
    ),
    Mutant(
        MODULO,
        "without wrap a store takes any integer",
        Rewrite(Lowering.store, "trap=self.moves", "trap=Trap.UNDEFINED"),
        "constants modulo",
    ),
    Mutant(
        MODULO,
        "a first item may be any integer",
        Rewrite(EndEmitter.start_up, "loop.at, Trap.OPERANDS)", "loop.at)"),
        "constants modulo",
    ),
)
