"""What contracts mean, and where they are checked: the machine beside the evaluator, which checks them on its own walk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from kit.contract_cases import ARRAYS, CASES, HEAD, OF_SIGNED_WORDS, SIGNED, TOGETHER, UNDER_CRCW
from kit.planted import in_evaluator, on_machine, plant
from oracles.contracts import Broken as TheirBroken
from oracles.evaluator import evaluate
from oracles.plain import Trap

from lockstep.pram.contracts.holding import Broken, Unmet
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import Program, parse_program
from lockstep.pram.sidecar import draw_one, generator_for
from lockstep.proofs_check.fuzzing.campaign import random_of
from lockstep.proofs_check.fuzzing.random_contracts import negated
from lockstep.proofs_check.fuzzing.random_programs import language_program

EXAMPLES = sorted((Path(__file__).parent.parent / "examples" / "programs").glob("*.pram"))
#: What comes of a run: the verdict in the words of the cases, and after how many steps.
Outcome = tuple[str, int]


def by_machine(program: Program, params: dict[str, int], arrays: dict[str, Any]) -> Outcome:
    try:
        ran = run(program.instantiate(params, arrays), max_steps=2000)
    except Broken as error:
        kind, lacks = re.findall(r"`(\w+)` (?:does not hold|(has no value))", error.message)[0]
        time = error.failure.attempt.number - 1 if error.failure else 0
        return f"{kind}{' without value' if lacks else ''} {min(error.processors, default=0)}", time
    return "holds", ran.time


def by_evaluator(program: Program, params: dict[str, int], arrays: dict[str, Any]) -> Outcome:
    try:
        found = evaluate(program.tree, params, arrays, max_steps=2000)
    except TheirBroken as error:
        return f"{error.clause}{'' if error.has_value else ' without value'} {min(error.processors, default=0)}", error.time
    return "holds", found.time


def both(text: str, arrays: dict[str, Any], **params: int) -> str:
    """The verdict on a program; machine and evaluator come to it after the same number of steps."""
    program = parse_program(text)
    ours, theirs = by_machine(program, params, arrays), by_evaluator(program, params, arrays)
    assert ours == theirs, f"machine {ours}, evaluator {theirs}"
    return ours[0]


@pytest.mark.parametrize(("statements", "verdict"), CASES, ids=lambda text: text[:60])
def test_contracts_fail_where_they_should(statements: str, verdict: str) -> None:
    assert both(HEAD + statements, ARRAYS) == verdict


@pytest.mark.parametrize(("statements", "verdict"), UNDER_CRCW, ids=lambda text: text[:60])
def test_contracts_in_loops_that_tell_through_a_cell(statements: str, verdict: str) -> None:
    assert both(TOGETHER + statements, {"A": ARRAYS["A"]}) == verdict


@pytest.mark.parametrize(("statements", "verdict"), OF_SIGNED_WORDS, ids=lambda text: text[:60])
def test_contracts_of_signed_words(statements: str, verdict: str) -> None:
    assert both(SIGNED + statements, {"A": [3, 1, 4, -9]}) == verdict


INC = "proc inc(X[], i) ensures X[i] == old(X[i]) + {} X[i] := X[i] + 1 end "
OF_PROCEDURES = [
    ("proc f(x, out y) requires x > 1 y := x end local z := 0 parallel for i in 0 .. 3 do f(A[i], z) end", "requires 1"),
    (
        "proc f(x, out y) ensures y > x y := x * 2 end local z := 0 parallel for i in 0 .. 3 do f(A[i], z) assert z != 8 end",
        "assert 2",
    ),
    (INC.format(1) + "parallel for i in 0 .. 3 do inc(B, i) inc(B, i) assert B[i] == old(B[i]) + 2 end", "holds"),
    (INC.format(2) + "parallel for i in 0 .. 3 do inc(B, i) end", "ensures 0"),
    ("proc g(X[], i) ensures old(X[i]) < 1 X[i] := X[i] + 1 end parallel for i in 0 .. 2 do g(B, i) g(B, i) end", "ensures 0"),
    ("proc g(X[], m) local k := 0 while k < m invariant X[0] > k do k := k + 1 end end g(A, 3)", "invariant 0"),
]


@pytest.mark.parametrize(("statements", "verdict"), OF_PROCEDURES)
def test_contracts_of_procedures(statements: str, verdict: str) -> None:
    """`old` in a procedure is where its call begins, for each processor."""
    assert both(HEAD + statements, ARRAYS) == verdict


PROMISES = [
    ("requires n > 1", "holds"),
    ("requires n > 4", "requires 0"),
    ("requires sorted(A)", "requires 0"),
    ("requires forall i in 0 .. n - 1 : A[i] <= 4", "holds"),
    ("requires A[n] == 1", "requires without value 0"),
    ("ensures B == A", "holds"),
    ("ensures B[0] == A[0] + 1", "ensures 0"),
    ("ensures permutation(B, old(A)) and s == 0", "holds"),
    ("ensures s == 1", "ensures 0"),
    ("ensures B == old(B)", "ensures 0"),
    ("ensures max(i in 0 .. n - 1 : B[i]) == 4 and n == 4", "holds"),
    ("requires n == 4 requires A[0] == 2 ensures false", "requires 0"),
]


@pytest.mark.parametrize(("promise", "verdict"), PROMISES)
def test_what_a_program_requires_and_ensures(promise: str, verdict: str) -> None:
    head = f"program t mode CREW param n procs n shared A[n] : input, B[n] : output, s : output {promise} "
    text = head + "B[pid] := A[pid] if n == 4 then single do s := 0 end halt end"
    assert both(text, {"A": [3, 1, 4, 1]}, n=4) == verdict
    if verdict.startswith("requires"):
        with pytest.raises(Unmet):
            parse_program(text).instantiate({"n": 4}, {"A": [3, 1, 4, 1]})


def test_ghost_code_costs_nothing_and_makes_no_word_signed() -> None:
    text = "program t param n shared s : output local x := n s := x "
    bare, ghost = parse_program(text), parse_program(text + "assert x >= -1 and s - 5 < 0")
    assert bare.code.instructions == ghost.code.instructions and not ghost.symbols.signed
    assert run(bare.instantiate({"n": 3})).costs == run(ghost.instantiate({"n": 3})).costs


def test_negated_contracts_of_random_programs_fail_at_the_same_place() -> None:
    """For the same processor, after as many steps; the contracts as they are written hold in both."""
    kinds = []
    for number in range(60):
        case = language_program(random_of(12, number))
        program = parse_program(case.text)
        try:
            ran = run(program.instantiate(case.params, case.arrays), max_steps=400)
        except PramError as error:
            assert not isinstance(error, Broken), error
            continue
        found = negated(program, ran, random_of(13, number))
        if found is not None:
            wrong, clause = found
            ours, theirs = (by(wrong, case.params, case.arrays) for by in (by_machine, by_evaluator))
            assert ours == theirs and ours[0].startswith(f"{clause.kind} ")
            kinds.append(clause.kind)
    assert len(kinds) > 30 and set(kinds) == {"requires", "ensures", "assert", "invariant"}


def assert_same_checks(text: str, params: dict[str, int], arrays: dict[str, Any], max_steps: int) -> int:
    """Plant contracts everywhere. Return how often they were checked, if the run ends."""
    program = plant(text)
    try:
        ours = on_machine(program, params, arrays, max_steps)
    except PramError:
        with pytest.raises(Trap):
            in_evaluator(program, params, arrays, max_steps)
        return 0
    theirs = in_evaluator(program, params, arrays, max_steps)
    assert ours == theirs, f"machine {ours}, evaluator {theirs}"
    return len(ours[1])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_check_contracts_at_the_same_places(path: Path) -> None:
    """Who stands where, after how many steps, with which locals and which memory."""
    text = path.read_text(encoding="utf-8")
    params, arrays = draw_one(generator_for(parse_program(text, str(path)), use_sidecar=True), 3, 0, 0)
    assert assert_same_checks(text, params, arrays, 3000) >= 10


def test_random_programs_check_contracts_at_the_same_places() -> None:
    checks = [assert_same_checks(*vars(language_program(random_of(11, n))).values(), 400) for n in range(60)]
    assert sum(count > 0 for count in checks) > 35 and sum(checks) > 2000
