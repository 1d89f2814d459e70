"""Compares runs of programs with the evaluator, with the sidecars' oracles, and with times counted by hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from kit.runs import SAYS, assert_same, printed_in
from oracles.calls import with_bodies
from oracles.evaluator import evaluate
from oracles.plain import Trap

import lockstep
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.functions import lg
from lockstep.pram.machine import Run, run
from lockstep.pram.parameters import OPERATORS
from lockstep.pram.parser import parse
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.sidecar import Generator, generator_for
from lockstep.pram.syntax import COMPARISONS
from lockstep.proofs_check.fuzzing.counts import LOOPS
from lockstep.proofs_check.fuzzing.features import WRITTEN, count_features, count_loops, count_written
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_programs

PROGRAMS = Path(__file__).parent.parent / "examples" / "programs"
MAX_STEPS = 1500
#: The same programs in every run of the tests.
FIXED = settings(derandomize=True, deadline=None, database=None)


#: The features that all random programs together must contain, each with its least count.
STATEMENTS = ["Local", "LocalArray", "Assign", "scalar Assign", "Store 1", "Store 2", "Store 3", "Several", "PrefixSum", "Break"]
STATEMENTS += ["While", "Repeat", "Single", *(f"parallel {k}" for k in (1, 2, 3)), "parallel between parameters"]
STATEMENTS += ["parallel between words", "inner range between words", "copy of an array", *LOOPS, *WRITTEN]
STATEMENTS += [f"for {way} between {what}" for way in ("up", "down") for what in ("parameters", "words")]
STATEMENTS += ["if padded", "if with control", "elif", "else", "no else", "for inside If", "for inside Parallel"]
EXPRESSIONS = [
    "scalar Name",
    "Index 1",
    "Index 2",
    *(f"parameter {name}" for name in (*OPERATORS, "not", "lg", "max", "min", "if")),
]
EXPRESSIONS += [f"word {name}" for name in ("+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", *COMPARISONS, "and", "or", "not")]
EXPRESSIONS += [f"word {name}" for name in ("max", "min", "lg", "ctz", "popcount", "floor(log)", "ceil(log)", "floor(/)", "if")]
EXPRESSIONS += ["guarded and", "guarded or", "inf", "Index 3"]
DECLARATIONS = ["param given", "param derived", "word", "wrap", "Procs", "Claim", "in range", "no range"]
DECLARATIONS += [*(f"shared {k}" for k in (0, 1, 2, 3)), "input", "output", "inout", "work", *(f"mode {mode}" for mode in MODES)]
LEAST = {"Halt": 15, **dict.fromkeys(STATEMENTS, 50), **dict.fromkeys(EXPRESSIONS, 150), **dict.fromkeys(DECLARATIONS, 50)}


def is_judged_right(generator: Generator, params: dict[str, int], arrays: dict[str, Any], outputs: dict[str, Any]) -> bool:
    verdict = generator.judge(params, arrays, outputs)
    return verdict is not None and verdict.right


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """Set the limit that the evaluator sets: Hypothesis warns if it changes while a test runs."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 10_000))
    yield
    sys.setrecursionlimit(before)


# -- machine against evaluator -----------------------------------------------------------------------


def machine_run(program: Program, params: dict[str, int], arrays: dict[str, Any], word_bits: int | None = None) -> Run:
    ours = run(program.instantiate(params, arrays, word_bits), max_steps=MAX_STEPS)
    assert ours.costs.work <= ours.job.processors * ours.time
    return ours


def compare(program: Program, case: TextCase) -> str:
    """Run on both; return "ran", or the kind of error that both report."""
    try:
        theirs = evaluate(with_bodies(parse(case.text)[0]), case.params, case.arrays, max_steps=MAX_STEPS)
    except Trap as trap:
        with pytest.raises(PramError) as refused:
            machine_run(program, case.params, case.arrays)
        assert any(words in refused.value.message for words in SAYS[trap.kind]), (trap, refused.value.message)
        return trap.kind
    ours = machine_run(program, case.params, case.arrays)
    assert_same(ours, theirs)
    assert sorted(printed_in(program, ours.job, MAX_STEPS), key=repr) == sorted(theirs.printed, key=repr)
    return "ran"


def test_machine_equals_evaluator() -> None:
    found: Counter[str] = Counter()
    ends: Counter[str] = Counter()

    @settings(FIXED, max_examples=2850)
    @given(language_programs())
    def check(case: TextCase) -> None:
        program = parse_program(case.text)
        found.update(count_features(program.tree) + count_loops(program) + count_written(case.text))
        ends[compare(program, case)] += 1

    check()
    assert {name: found[name] for name, least in LEAST.items() if found[name] < least} == {}
    assert {kind: ends[kind] for kind in SAYS if kind != "steps" and ends[kind] < 3} == {}
    assert ends["ran"] >= 0.6 * ends.total() and ends.total() >= 2850


def test_programs_that_shrink_are_legal_too() -> None:
    @settings(FIXED, max_examples=40)
    @given(language_programs(shrinkable=True))
    def check(case: TextCase) -> None:
        compare(parse_program(case.text), case)

    check()


# -- intended differences between machine and evaluator ----------------------------------------------

#: Programs for words of 4 bits that the evaluator runs and the machine refuses, with its message. In each of them the
#: machine code needs a number that the text does not use, and that number is not a word, or has no value.
REFUSED_BY_THE_MACHINE = [
    ("local x := 15 for i in x downto 15 do end", "overflow: 15 + 1"),  # `downto` counts one above
    ("for i in 15 downto 15 do end", "the number 16"),
    ("for i in 20 .. 3 do end", "the number 20"),  # empty, but 20 enters the first instruction
    ("for i in 3 downto 20 do end", "the number 20"),
    ("procs 2 if pid == 9 then for i in 20 downto 18 do end end", "the number 21"),  # idle processors run the loop
    ("procs 2 param n = 0 if pid == 9 then local x := 1 / n end", "division by zero"),  # computed at the start (3.9)
    ("param n = 1 << 62 local x := 1 if x == 0 then x := n * n end", "value of more than 63 bits"),
    ("procs 17", "a pid is a word"),
    ("shared A[17]", "an address is a word"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED_BY_THE_MACHINE)
def test_known_differences(text: str, message: str) -> None:
    program = parse_program(f"program test {text}")
    evaluate(program.tree, {}, {}, word_bits=4)
    with pytest.raises(PramError, match=message.replace("+", r"\+")):
        machine_run(program, {}, {}, word_bits=4)


def test_a_loop_up_to_the_largest_word_is_refused_by_both() -> None:
    program = parse_program("program test for i in 14 .. 15 do end")
    with pytest.raises(Trap, match="overflow"):
        evaluate(program.tree, {}, {}, word_bits=4)
    with pytest.raises(PramError, match="the number 16"):
        machine_run(program, {}, {}, word_bits=4)


def test_a_copy_of_an_array_that_ends_at_0_has_no_negative_number() -> None:
    """A past error of the evaluator that random programs found: the extent of `B[n .. 0]` made its words signed."""
    program = parse_program("program test param n shared A[1] : input, B[n .. 0] : output B := A B[0] := 4095")
    params, arrays = {"n": 0}, {"A": [1]}
    assert_same(machine_run(program, params, arrays, 12), evaluate(program.tree, params, arrays, word_bits=12))


@pytest.mark.parametrize(("then", "otherwise"), [("halt", "x := 2"), ("x := 2", "halt")])
def test_a_halt_in_either_branch_is_as_soon(then: str, otherwise: str) -> None:
    """A past error of the evaluator that random programs found: it ended an `if` before its `else`."""
    for x in (0, 1):
        program = parse_program(f"program test local x := {x} if x then {then} else {otherwise} end")
        ours = machine_run(program, {}, {})
        assert_same(ours, evaluate(program.tree, {}, {}))
        halts = (then == "halt") == bool(x)
        assert ours.time == (1 + 1 + 1 if halts else 1 + 3 + 1)


# -- the example programs ------------------------------------------------------------------------------

SIZES = {"bitonic_sort": [1, 2, 4, 8, 16], "closure": [1, 2, 3, 4, 6, 8], "components": [1, 2, 3, 5, 8, 13, 20]}
SIZES |= {"counter": [1, 2, 4], "qbf": [1, 2], "turing": [1, 2, 3]}
SIZES |= {"dyck": [1, 2, 4, 8, 16], **dict.fromkeys(["hillis_steele", "list_rank", "tree_sum"], [1, 2, 3, 4, 5, 8, 13, 32])}


def example(name: str) -> Program:
    return load(PROGRAMS / f"{name}.pram")


@pytest.mark.parametrize("name", sorted(SIZES))
def test_example_equals_oracle_and_evaluator(name: str) -> None:
    program = example(name)
    generator = generator_for(program)
    assert generator.has_judge
    for size in SIZES[name]:
        for seed in range(4):
            params, arrays = generator.inputs(size, np.random.default_rng(seed))
            ours = machine_run(program, params, arrays)
            assert is_judged_right(generator, params, arrays, ours.outputs)
            assert_same(ours, evaluate(program.tree, params, arrays))


#: Time by n, counted from the table of docs/language.md section 5. The last 1 is the end of the program.
TIMES = {
    # m 1; rounds: m > 1 and the loop 3, h 2, parallel 2 + 4, A[i] + A[i + h] 4 and its store 1, m 1: 17; leaving 2;
    # single 3, total := A[0] 2
    "tree_sum": lambda n: 1 + 17 * lg(n) + 2 + 5 + 1,
    # d 1; rounds: d < n and the loop 3, parallel 4 with A[i] + A[i - d] 4 and its store 1, d 1: 13; leaving 2
    "hillis_steele": lambda n: 1 + 13 * lg(n) + 2 + 1,
    # n = 2^k. j: loop 4, b 1, parallel 4, l 6, r 1, x 1, y 1, if 4 + 2 + 2: 26. s: loop 4, up 1, s - 1 and the loop of j
    # 1 + 1 + 2, s rounds of 26: 9 + 26 s; summed over s = 1 .. k that is 9 k + 13 k (k + 1). The loop of s: 1 + 2
    "bitonic_sort": lambda n: 1 + 9 * lg(n) + 13 * lg(n) * (lg(n) + 1) + 2 + 1,
    # first parallel 4, R[i, i] 3. Rounds: loop 4, parallel 4, two further ranges of 4 (div, mul, sub, add) 8,
    # R[i, h] & R[h, j] == 1 3 + 3 + 1 + 1, if 2, R[i, j] 3: 29. The loop: 1 + 2
    "closure": lambda n: 7 + 1 + 29 * lg(n) + 2 + 1,
    # first parallel 4, next[i] == NIL 2, if 2, rank[i] twice 1. Rounds: loop 4, parallel 4, s 1, s != NIL 1, if 2,
    # rank[i] + rank[s] 3 and its store 1, next[s] 1 and its store 1: 18. The loop: 1 + 2
    "list_rank": lambda n: 10 + 1 + 18 * lg(n) + 2 + 1,
}


@pytest.mark.parametrize("name", sorted(TIMES))
def test_time_is_the_hand_counted_formula(name: str) -> None:
    program, generator = example(name), generator_for(example(name))
    sizes = {"bitonic_sort": [1 << k for k in range(7)]}
    for n in sizes.get(name, range(1, 65)):
        ours = machine_run(program, *generator.inputs(n, np.random.default_rng(n)))
        assert (n, ours.time) == (n, TIMES[name](n))


def test_stated_times() -> None:
    """Check the two formulas of docs/language.md, and shortest forms of the others."""
    for n in range(1, 65):
        k = lg(n)
        assert [TIMES[name](n) for name in ("tree_sum", "hillis_steele")] == [9 + 17 * k, 4 + 13 * k]
        assert [TIMES[name](n) for name in ("list_rank", "closure")] == [14 + 18 * k, 11 + 29 * k]
        assert TIMES["bitonic_sort"](n) == 4 + 22 * k + 13 * k * k


@pytest.mark.parametrize("name", sorted(TIMES))
def test_time_does_not_depend_on_input_values(name: str) -> None:
    program, generator = example(name), generator_for(example(name))
    times = {machine_run(program, *generator.inputs(8, np.random.default_rng(seed))).time for seed in range(12)}
    assert times == {TIMES[name](8)}


def test_the_busy_beaver_of_four_states() -> None:
    program = example("turing")
    generator = generator_for(program)
    params, arrays = generator.inputs(4, np.random.default_rng(0))
    outputs = lockstep.run(program, params, arrays).outputs
    assert (outputs["steps"], outputs["ones"]) == (107, 13)
    assert is_judged_right(generator, params, arrays, outputs)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_quantified_formulas(size: int) -> None:
    """Formulas that are too long for the evaluator, with both truth values."""
    program, generator = example("qbf"), generator_for(example("qbf"))
    results = set()
    for seed in range(6):
        params, arrays = generator.inputs(size, np.random.default_rng((size, seed)))
        outputs = lockstep.run(program, params, arrays).outputs
        assert is_judged_right(generator, params, arrays, outputs)
        results.add(outputs["result"])
    assert results == {0, 1}
