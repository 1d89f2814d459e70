"""Tests of `lockstep.given` and `lockstep.check`: inputs from Hypothesis, and properties of runs on them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from kit.commands import Do

import lockstep
from lockstep import PramError, Program, Run, parse_program
from lockstep.proofs_check.properties import PropertyFailed, RunFailed

HEAD = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : inout\n"
ADDS = "parallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"


def of(promises: str, body: str = ADDS) -> Program:
    return parse_program(f"{HEAD}{promises}\n{body}")


def inputs_of(program: Program, examples: int, **sizes: int) -> list[Any]:
    found = []

    @settings(max_examples=examples, database=None, derandomize=True, deadline=None)
    @given(lockstep.given(program, **sizes))
    def note(inputs: Any) -> None:
        found.append(inputs)

    note()
    return found


# -- inputs ----------------------------------------------------------------------------------------


def test_inputs_fulfil_what_is_required() -> None:
    program = of("requires permutation(A)")
    found = inputs_of(program, 120, max_size=3)
    assert {repr(arrays) for _, arrays in found} == {repr({"A": a}) for a in PERMUTATIONS}
    assert {params["n"] for params, _ in inputs_of(of("requires n % 3 == 2"), 20)} == {2, 5, 8}


PERMUTATIONS = [[0], [0, 1], [1, 0], [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]


def test_parameters_begin_at_the_least_size() -> None:
    found = inputs_of(of("", "local x := n\n"), 40, min_size=2, max_size=4)
    assert {params["n"] for params, _ in found} == {2, 3, 4}
    only = parse_program("program t\nparam k\nrequires k == 0\n")
    assert inputs_of(only, 3) == [({"k": 0}, {})]
    takes = parse_program("program t\nparam n\nprocs n - 1\nrequires n > 0 and n < 4\n")
    assert inputs_of(takes, 9) == [({"n": 2}, {}), ({"n": 3}, {})], "the machine takes no other"
    with pytest.raises(PramError, match="no parameters up to 8 fulfil this") as caught:
        lockstep.given(of("requires n > 8"))
    assert caught.value.diagnostics[0].span is not None and caught.value.diagnostics[0].span.line == 6


def test_programs_without_requires_have_inputs_in_their_ranges() -> None:
    program = parse_program("program t\nparam n\nprocs n\nshared A[n] : input in 3 .. 5\n")
    found = inputs_of(program, 60, max_size=3)
    assert {params["n"] for params, _ in found} == {1, 2, 3} and {x for _, a in found for x in a["A"]} == {3, 4, 5}


# -- properties ------------------------------------------------------------------------------------


def test_a_property_that_holds() -> None:
    def adds(params: dict[str, int], arrays: dict[str, Any], run: Run) -> bool:
        return run.outputs["A"] == [a + 1 for a in arrays["A"]] and params["n"] == len(arrays["A"])

    assert lockstep.check(of("requires sorted(A)"), adds).inputs == 100
    assert lockstep.check(of("requires sorted(A)"), adds, max_examples=7) == lockstep.check(
        of("requires sorted(A)"), max_examples=7
    )


def text_of(caught: pytest.ExceptionInfo[PropertyFailed] | pytest.ExceptionInfo[RunFailed]) -> dict[str, Any]:
    """The input in a message: its last line."""
    found: dict[str, Any] = json.loads(str(caught.value).splitlines()[-1])
    assert (found["params"], found["arrays"]) == caught.value.inputs
    return found


def test_a_property_that_fails_has_a_small_input() -> None:
    program = of("requires n > 1 and sorted(A)")
    with pytest.raises(PropertyFailed, match="^the property does not hold\non this input, for a file") as caught:
        lockstep.check(program, lambda params, arrays, run: run.outputs["A"][-1] < 7)
    assert text_of(caught) == {"params": {"n": 2}, "arrays": {"A": [0, 6]}}

    def asserts(params: dict[str, int], arrays: dict[str, Any], run: Run) -> None:
        assert run.time < 5, "it takes too long"

    with pytest.raises(PropertyFailed, match="^it takes too long"):
        lockstep.check(program, asserts)
    assert isinstance(caught.value, AssertionError)


def test_contracts_are_checked_beside() -> None:
    with pytest.raises(RunFailed, match="`ensures` does not hold: for i = 2: A\\[i\\] is 3") as caught:
        lockstep.check(of("requires permutation(A)\nensures forall i in 2 .. n - 1 : A[i] != 3"))
    assert text_of(caught) == {"params": {"n": 3}, "arrays": {"A": [0, 1, 2]}}
    with pytest.raises(RunFailed, match="index 3 is outside `A`") as caught:
        lockstep.check(of("requires n == 3", "single do A[A[0]] := 1 end\n"))
    assert text_of(caught) == {"params": {"n": 3}, "arrays": {"A": [3, 0, 0]}}


def test_every_winner_is_asked() -> None:
    race = parse_program(
        "program t\nmode CRCW arbitrary\nparam n\nprocs n\nshared s : output\nparallel for i in 0 .. n - 1 do s := i end\n"
    )
    with pytest.raises(PropertyFailed, match="on this input, winner [a-z:0-9]+, for a file") as caught:
        lockstep.check(race, lambda params, arrays, run: run.outputs["s"] == 0)
    assert text_of(caught)["params"] == {"n": 2}


def test_what_was_not_put_to_the_test_is_said() -> None:
    found = lockstep.check(of("ensures n > 99 ==> A[0] == 0\nensures A[0] > 0"), max_examples=5)
    assert found.vacuous == ("`ensures n > 99 ==> A[0] == 0` says nothing: `n > 99` never held (line 6)",)


def test_answers_and_errors_of_properties() -> None:
    with pytest.raises(TypeError, match="a property answers True, False or None, not 3"):
        lockstep.check(of(""), lambda params, arrays, run: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        lockstep.check(of(""), lambda params, arrays, run: 1 // 0 == 1)
    with pytest.raises(PramError, match="no input with parameters 1 .. 8 was found that fulfils this"):
        lockstep.check(of("requires A[0] > A[0]"), max_examples=2)


def test_the_same_seed_draws_the_same_inputs() -> None:
    def drawn(seed: int) -> list[Any]:
        found: list[Any] = []
        lockstep.check(of("requires sorted(A)"), lambda params, arrays, run: found.append(arrays), max_examples=6, seed=seed)
        return found

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_shrunk_input_is_one_for_run(alone: Do) -> None:
    Path("t.pram").write_text(f"{HEAD}requires n > 2\nensures A[1] < 9\n{ADDS}")
    with pytest.raises(RunFailed, match="`lockstep run t.pram --input` takes") as caught:
        lockstep.check(lockstep.load("t.pram"))
    Path("in.json").write_text(str(caught.value).splitlines()[-1])
    outcome = alone("run t.pram --input in.json")
    assert outcome.status == 1 and outcome.err.startswith(str(caught.value).splitlines()[0])


def test_nothing_is_imported_before() -> None:
    code = (
        "import sys, lockstep.pytest_plugin; lockstep.given, lockstep.check; print(*sys.modules.keys() & {'numpy', 'hypothesis'})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
