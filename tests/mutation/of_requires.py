"""Mutants of inputs drawn from `requires`, of `lockstep.check`, and of programs as tests."""

from __future__ import annotations

from typing import Any

from lockstep.pram import drawing, probing, requiring, sidecar
from lockstep.pram.contracts import fulfilling, orders, shapes
from lockstep.proofs_check import properties, testing
from lockstep.proofs_check.fuzzing import inputs
from lockstep.proofs_check.verification import _Verification, cases
from mutation.planting import Rewrite
from mutation.table import Mutant

REQUIRES, TESTING = "requires and drawn inputs", "tests of programs"


def row(area: str, breaks: str, function: Any, old: str, new: str, found_by: str, equivalent: str = "") -> Mutant:
    return Mutant(area, breaks, Rewrite(function, old, new), found_by, equivalent)


SHAPES, REST, COUNT, PROBES, SAME = (
    "shapes of inputs", "inputs that are required", "rejected draws", "required probes", "draws without requires",
)  # fmt: skip
_Reader = shapes._Reader
OF_SHAPES = (
    row(REQUIRES, "sorted arrays are not sorted", fulfilling.arrange, "_sort(shapes, words, order, choose)", "pass", SHAPES),
    row(REQUIRES, "words that must differ are left", fulfilling.arrange, "for group in shapes.apart:", "for group in ():", SHAPES),
    row(REQUIRES, "words that ascend stay equal", fulfilling._sort, "words[a] + gap)", "words[a])", SHAPES),
    row(REQUIRES, "words that ascend go beyond the usual range", fulfilling._sort, "np.minimum(words[sequence], high[sequence])",
        "words[sequence]", SHAPES),
    row(REQUIRES, "a permutation of an array is not copied", fulfilling.arrange, "if not exact and", "if False and", SHAPES),
    row(REQUIRES, "an equal array is not copied", fulfilling.arrange, "if exact:", "if False:", SHAPES),
    row(REQUIRES, "copies keep the order", fulfilling._shuffled, "choose(len(left)) if len(left) > 1 else 0", "0", SHAPES),
    row(REQUIRES, "the words of a sorted array go to its last cells first", orders.sequence_of, "return found if",
        "return found[::-1] if", SHAPES),
    row(REQUIRES, "bounds are not handed on", _Reader.shapes, "spread(orders, self.least, self.most)", "pass", SHAPES),
    row(REQUIRES, "a bound is taken in that is not allowed", _Reader.bound, 'limit - (operator == "<")', "limit", SHAPES),
    row(REQUIRES, "lower bounds are not read", _Reader.bound, 'if operator in (">", ">=", "=="):', "if False:", SHAPES),
    row(REQUIRES, "a condition of parameters is not asked", _Reader.read, "self._holds(left, values)", "True", SHAPES),
    row(REQUIRES, "conditions on single cells are not tried", _Reader._try_words, "in self.filters.items()", "in ()", SHAPES),
    row(REQUIRES, "cells that must differ have no more room", _Reader._make_room, "for group in groups:", "for group in ():", SHAPES),
    row(REQUIRES, "a large lower bound leaves no words above it", _Reader._ranges, "np.minimum(low + DEFAULT_HIGH, roof)", "each.high",
        SHAPES),
    row(REQUIRES, "cells are not drawn anew", fulfilling._redraw_some, "return changed", "return False", REST),
    row(REQUIRES, "only the first part is checked", fulfilling.fulfil, "for part in parts if not", "for part in parts[:1] if not", REST),
    row(REQUIRES, "a contract without a value holds", fulfilling._holds, "return False", "return True", REST),
    row(REQUIRES, "parameters do not count by their distance", requiring.Required.near, "abs(value - size)", "value * 0", REST),
    row(REQUIRES, "what parameters alone decide is not asked", requiring.Required.refused, "self._holds(part, values)), None)",
        "True), None)", REST),
    row(REQUIRES, "other parameters may leave arrays empty", requiring._possible, "continue", "pass", REST),
    row(REQUIRES, "impossible parameters are drawn and counted", shapes.Shapes.possible, "and all(enough)", "", REST),
    row(REQUIRES, "inputs are drawn without what is required", drawing.draw_styled, "if program.contracts.requires:", "if False:", REST),
    row(REQUIRES, "rejected draws are not counted", requiring._Drawing.draw, "self.draws - self.impossible", "0", COUNT),
    row(REQUIRES, "a generator forgets rejected draws", sidecar.Generator.reject, "+= draws", "+= 0", COUNT),
    row(REQUIRES, "draws are counted where nothing is required", _Verification._rejected,
        "and bool(self.program.contracts.requires)", "", COUNT),
    row(REQUIRES, "an input that is not what is required counts as a run", cases.run_machine, "(InputError, Unmet)", "InputError", COUNT),
    row(REQUIRES, "a sidecar is not named for its input", sidecar.Generator.blaming_sidecar,
        "if self.draws_from_ranges or self.sidecar is None:", "if True:", COUNT),
    row(REQUIRES, "probes that break `requires` are errors", probing._try, "except Unmet:\n        return before",
        "except Unmet:\n        raise", PROBES),
    row(REQUIRES, "words that are required are not ordinary", probing.is_ordinary, "if program.contracts.requires:", "if False:", PROBES),
    row(REQUIRES, "edges of arrays with shapes stay below 15", drawing._shaped_choice, "int(shapes.most[cells].max())", "high", SAME),
)  # fmt: skip

PROPERTIES, TESTS = "properties of programs", "tests of programs"
OF_TESTS = (
    row(TESTING, "`given` makes inputs that are not required", inputs._required_input,
        "required.fulfil(params, shapes, words, choose.index)", "None", PROPERTIES),
    row(TESTING, "a property that answers False holds", properties._Trial._ask, "if answer is not None and not answer:", "if False:",
        PROPERTIES),
    row(TESTING, "only the first winner is asked", properties._Trial.run, "in runs:", "in runs[:1]:", PROPERTIES),
    row(TESTING, "what no input put to the test is not told", properties.check, "for item in left", "for item in left[:0]", PROPERTIES),
    row(TESTING, "what no run put to the test passes", testing.ProgramTests._contract, "if why or not runs", "if not runs", TESTS),
    row(TESTING, "contracts without runs pass", testing.ProgramTests._contract, "if why or not runs", "if why", TESTS),
    row(TESTING, "a failing contract blames the first", testing._clause_of, "before[-1]", "before[0]", TESTS),
    row(TESTING, "claims are mixed up", testing.ProgramTests.outcome, "[test.number : test.number + 1]", "[:1]", TESTS),
    row(TESTING, "runs that are refused pass", testing.ProgramTests.outcome, "if wrong else", "if False else", TESTS),
    row(TESTING, "failing rows pass", testing.ProgramTests._rows, "if check.failed]", "if False]", TESTS),
    row(TESTING, "rows that are left out pass", testing.ProgramTests._rows, 'return Outcome("skipped"', 'return Outcome("passed"', TESTS),
    row(TESTING, "without runs, everything fails", testing.ProgramTests._without, "if at_fault else", "if True else", TESTS),
)  # fmt: skip

MUTANTS = OF_SHAPES + OF_TESTS
