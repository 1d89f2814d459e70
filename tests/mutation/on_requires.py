"""Checks of inputs that are drawn from `requires`, and of what tests programs with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

import lockstep
from lockstep.pram import requiring
from lockstep.pram.contracts.holding import Unmet
from lockstep.pram.drawing import draw, draw_styled
from lockstep.pram.errors import PramError
from lockstep.pram.machine import Run
from lockstep.pram.probing import is_ordinary, reach
from lockstep.pram.program import Program, load, parse_program
from lockstep.pram.reached import reached_nothing
from lockstep.pram.requiring import Required
from lockstep.pram.sidecar import generator_for
from lockstep.proofs_check.properties import PropertyFailed
from lockstep.proofs_check.testing import ProgramTests
from mutation.table import Check

Arrays = dict[str, Any]
ONE, TWO, ARCS = "shared A[n] : input", "shared A[n] : input, B[n] : input", "shared U[m] : input, V[m] : input"
EDGES = "forall e in 0 .. m - 1 : U[e] < n and V[e] < n and U[e] != V[e]"
ADDS = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : inout\n{}\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"


def of(shared: str, requires: str, params: str = "n") -> Program:
    return parse_program(f"program t\nmode CREW\nparam {params}\nprocs max(1, n)\n{shared}\nrequires {requires}\n")


def _drawn(program: Program, sizes: tuple[int, ...] = (1, 2, 3, 5)) -> tuple[list[tuple[dict[str, int], Arrays]], int]:
    rejected: list[int] = []
    found = [draw(program, size, number, 0, note=rejected.append) for size in sizes for number in range(8)]
    for each in found:
        try:
            program.instantiate(*each)
        except Unmet as error:
            raise AssertionError(f"{each} was drawn: {error.message}") from None
    return found, sum(rejected)


def ascends(words: list[int]) -> bool:
    return all(a <= b for a, b in pairwise(words))


def shapes() -> None:
    """Each shape is drawn directly: all inputs have it, and no draw is rejected."""
    rows: list[tuple[str, str, Callable[[Arrays], bool]]] = [
        (ONE, "sorted(A)", lambda a: ascends(a["A"])),
        (ONE, "distinct(A) and forall i in 0 .. n - 1 : A[i] < n + 1", lambda a: len(set(a["A"])) == len(a["A"])),
        (ONE, "permutation(A)", lambda a: sorted(a["A"]) == list(range(len(a["A"])))),
        (TWO, "permutation(A, B)", lambda a: Counter(a["A"]) == Counter(a["B"])),
        (TWO, "A == B", lambda a: a["A"] == a["B"]),
        (ONE, "forall i in 0 .. n - 2 : A[i] + 0 == A[i] and A[i + 1] > A[i]", lambda a: ascends(a["A"])),
        ("shared O[n + 20] : input", "O[0] == 0 and O[n + 19] == n and sorted(O)", lambda a: ascends(a["O"])),
        (ONE, "A[0] == 100 and sorted(A)", lambda a: ascends(a["A"])),
        ("shared A[20] : input", "forall i in 0 .. 18 : A[i] < A[i + 1]", lambda a: len(set(a["A"])) == 20 and ascends(a["A"])),
        (
            "shared A[9] : input in 0 .. 9",
            "forall i in 0 .. 7 : A[i] < A[i + 1]",
            lambda a: len(set(a["A"])) == 9 and ascends(a["A"]),
        ),
        ("shared A[20] : input", "distinct(A)", lambda a: len(set(a["A"])) == 20),
        ("shared A[20] : input", "forall i in 0 .. 19 : A[i] % 8 == 3 and A[i] > 0", lambda a: set(a["A"]) <= {3, 11}),
        ("shared A[20] : input", "forall i in 0 .. 19 : A[i] > 999", lambda a: min(a["A"]) > 999),
    ]
    for shared, requires, holds in rows:
        found, rejected = _drawn(of(shared, requires))
        wrong = [each for each in found if not holds(each[1])]
        assert not wrong, f"{requires}: {wrong[0]}"
        assert not rejected, f"{requires}: {rejected} draws were rejected"
        assert len({repr(each) for each in found}) > 4, f"{requires}: all inputs are alike"
    copied = [a for _, a in _drawn(of(TWO, "permutation(A, B)"))[0]]
    assert not all(a["A"] == a["B"] for a in copied), "a copy in any order is always in the same one"
    largest = draw_styled(of(ONE, "forall i in 0 .. n - 2 : A[i] < A[i + 1]"), 3, "largest", np.random.default_rng(0))[1]
    assert largest == {"A": [13, 14, 15]}, f"the largest words that ascend are {largest}"
    read = Required(of(ONE, "forall i in 0 .. n - 1 : i > 0 ==> 2 <= A[i] and A[i] < n")).shapes({"n": 9})
    assert read.low.tolist() == [0] + [2] * 8 and read.high.tolist() == [15] + [8] * 8, f"{read.low} .. {read.high}"


def rest() -> None:
    """What has no shape is drawn anew until it holds; parameters are near the size; contradictions are errors at their places."""
    for requires, size, params in (("n % 7 == 3", 12, {"n": 10}), ("n == 1 << k", 8, {"n": 8, "k": 3}), ("n > 0", 4, {"n": 4})):
        given = draw(of(ONE, requires, ", ".join(params)), size, 0, 0)[0]
        assert given == params, f"{requires}: {given}, not {params}"
    found, _ = _drawn(of("shared A[2] : input", "sum(i in 0 .. 1 : A[i]) > 20 and A[0] * A[1] > 150"))
    assert all(sum(a["A"]) > 20 and a["A"][0] * a["A"][1] > 150 for _, a in found), f"{found}"
    found, rejected = _drawn(of(ONE, "forall i in 0 .. n - 1 : A[i] < n and A[A[i]] == A[i]"), (5, 6))
    assert rejected < 9, f"{rejected} draws were rejected"
    arcs, rejected = _drawn(of(ARCS, EDGES, "n, m"), (1, 2, 3))
    assert not rejected and all(a["U"] for _, a in arcs), f"{rejected} rejected, {arcs[0]}"
    for requires, line in (("n > 5 and n < 3", 6), ("n > 0\nrequires forall i in 0 .. n - 1 : A[i] < 0", 7), ("A[n] == 1", 6)):
        try:
            with patch.object(requiring, "MOST_DRAWS", 60):
                raise AssertionError(f"{requires} is fulfilled by {draw(of(ONE, requires), 2, 0, 0)}")
        except PramError as error:
            at = error.diagnostics[0].span
            assert at is not None and at.line == line and "was found" in error.message, f"{error}"


def counted() -> None:
    """Rejected draws are counted where they are drawn, and verify tells; inputs from elsewhere are errors that name their origin."""
    program = of(ONE, "sum(i in 0 .. n - 1 : A[i]) == 10 and A[0] != 0 and A[0] != 1 and A[0] != 2")
    rejected: list[int] = []
    for size in (1, 2):
        for number in range(3):
            draw(program, size, number, 0, note=rejected.append)
    report = lockstep.verify(program, sizes=[1, 2], max_context=0)
    assert report.rejected == sum(rejected) > 0, f"{report.rejected}, not {sum(rejected)}"
    assert lockstep.verify(parse_program(ADDS.format("")), sizes=[1], max_context=0).rejected is None
    for inputs in (({"n": 2}, {"A": [2, 1]}), None):
        with TemporaryDirectory() as name:
            path = Path(name) / "t.pram"
            path.write_text(ADDS.format("requires sorted(A)"))
            path.with_suffix(".py").write_text("def inputs(size, rng): return {'n': 2}, {'A': [2, 1]}\n")
            try:
                raise AssertionError(f"{lockstep.verify(load(path), inputs=inputs, sizes=[2], max_context=0)}")
            except Unmet as error:
                assert ("`inputs` in t.py" in error.message) == (inputs is None), error.message


def probed() -> None:
    """Probes keep to what is required, and its words are ordinary."""
    text = ADDS.format("requires forall i in 0 .. n - 1 : A[i] > 20 and A[i] < 30") + "if n == 99 then halt end\n"
    program = parse_program(text)
    try:
        found = reach(program, reached_nothing(program), [1, 2])
    except Unmet as error:
        raise AssertionError(f"a probe breaks what is required: {error.message}") from None
    assert not found.failures and not found.notes
    assert is_ordinary(program, ({"n": 1}, {"A": [29]})), "29 is required, and not ordinary"
    assert not is_ordinary(of(ONE, "sorted(A)"), ({"n": 1}, {"A": [29]}))


def properties() -> None:
    """`check` draws what is required, asks every run, and shows the smallest input that fails."""
    program = parse_program(ADDS.format("requires n > 1 and permutation(A)"))
    seen: list[Arrays] = []

    def note(params: dict[str, int], arrays: Arrays, run: Run) -> None:
        seen.append(arrays)

    try:
        assert lockstep.check(program, note, max_examples=30).inputs == 30
    except PramError as error:
        raise AssertionError(f"{error}") from None
    assert all(sorted(a["A"]) == list(range(len(a["A"]))) for a in seen) and len({repr(a) for a in seen}) > 9, f"{seen}"
    race = parse_program(
        "program t\nmode CRCW arbitrary\nparam n\nprocs n\nshared s : output\nparallel for i in 0 .. n - 1 do s := i end\n"
    )
    cases: list[tuple[Program, Any, Any]] = [
        (program, lambda p, a, run: run.outputs["A"][0] < 3, ({"n": 3}, {"A": [2, 0, 1]})),
        (race, lambda p, a, run: run.outputs["s"] == 0, ({"n": 2}, {})),
    ]
    for each, holds, inputs in cases:
        try:
            raise TypeError(f"{lockstep.check(each, holds)} is no failure")
        except PropertyFailed as error:
            assert error.inputs == inputs, f"{error.inputs}, not {inputs}"
        except TypeError as error:
            raise AssertionError(str(error)) from None
    left = lockstep.check(parse_program(ADDS.format("ensures n > 99 ==> n == 1")), max_examples=3).vacuous
    assert len(left) == 1, f"{left}"


def tests_of_programs() -> None:
    """Each failure belongs to its test, and what no run put to the test is skipped."""
    text = ADDS.format("requires n > 1\nensures A[0] < 9\nensures n > 99 ==> A[0] == 1\nclaim time == 8\nclaim work <= 3")
    failed = {"ensures at 7:1", "claim work at 10:7"}
    _compare(text, "", failed, {"ensures at 8:1"})
    _compare(ADDS.format("requires n > 1 and n < 1\nensures n > 0"), "", {"requires at 6:1"}, None)
    _compare(ADDS.format("ensures n > 0\nclaim time == 8").replace("A[i] := A[i] + 1", "A[i] := A[n]"), "", {"runs end"}, None)
    _compare(ADDS.format("requires n > 0\nensures 1 / (n - n) == 1"), "", {"ensures at 7:1"}, set())
    _compare(
        ADDS.format("requires sorted(A)"), "def inputs(size, rng): return {'n': 2}, {'A': [2, 1]}\n", {"requires at 6:1"}, None
    )
    _compare(ADDS.format(""), "def oracle(params, arrays): return {'A': arrays['A']}\n", {"outputs"}, set())


def _compare(text: str, sidecar: str, failed: set[str], skipped: set[str] | None) -> None:
    """Compare the outcomes of a program's tests. skipped: None if all that do not fail are."""
    with TemporaryDirectory() as name:
        path = Path(name) / "t.pram"
        path.write_text(text)
        if sidecar:
            path.with_suffix(".py").write_text(sidecar)
        tests = ProgramTests(load(path), sizes=[1, 2], seconds=1)
        found = {test.name: tests.outcome(test) for test in tests.tests}
    wrong = {name for name, outcome in found.items() if outcome.status == "failed"}
    left = {name for name, outcome in found.items() if outcome.status == "skipped"}
    assert wrong == failed, f"failed: {wrong}, not {failed}"
    if skipped is not None and failed != {"ensures at 7:1"}:
        assert left == skipped, f"skipped: {left}, not {skipped}"
    elif skipped is None:
        assert left == set(found) - failed, f"passed: {set(found) - failed - left}"


def unchanged() -> None:
    """A `requires` that says nothing changes no draw, in any style."""
    text = "program t\nparam n\nprocs n\nshared A[n] : input, M[n, 2] : input in 5 .. 90\nlocal x := 77\n"
    plain, said = parse_program(text), parse_program(text.replace("local", "requires n >= 0\nlocal"))
    for size in (1, 2, 4):
        for number in range(9):
            wanted, found = draw(plain, size, number, 3), draw(said, size, number, 3)
            assert found == wanted, f"{found}, not {wanted}"
    assert generator_for(said).inputs(3, np.random.default_rng(0)) == generator_for(plain).inputs(3, np.random.default_rng(0))


CHECKS = (
    Check(
        "shapes of inputs",
        "inputs of each shape that `requires` may ask for, against the shape in plain Python",
        shapes,
        (PramError,),
    ),
    Check(
        "inputs that are required", "drawn inputs and parameters, against what is required; contradictions", rest, (PramError,)
    ),
    Check("rejected draws", "the count that verify tells, and who is named for a wrong input", counted),
    Check("required probes", "probes and ordinary words, against what is required", probed),
    Check("draws without requires", "draws with a `requires` that says nothing, against those without", unchanged),
    Check("properties of programs", "what `lockstep.check` draws and finds, against smallest failures known by hand", properties),
    Check(
        "tests of programs",
        "which tests of programs fail and which are skipped, against programs with known mistakes",
        tests_of_programs,
    ),
)
