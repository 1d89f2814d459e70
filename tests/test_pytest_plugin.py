"""Tests of `pytest --lockstep`: programs as files of tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockstep import load
from lockstep.proofs_check import testing
from lockstep.proofs_check.testing import Outcome, ProgramTests

pytest_plugins = ["pytester"]

HEAD = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : inout\n"
ADDS = "parallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
WRONG = f"""{HEAD}claim time <= 3
claim work <= 99 * n
requires n > 1 and sorted(A)
requires A[0] >= 0
ensures forall i in 0 .. n - 1 : A[i] < 9
ensures n > 99 ==> A[0] == 1
parallel for i in 0 .. n - 1 do
  A[i] := A[i] + 1
  assert A[i] != 5 or i == 0
end
"""
ORACLE = "def oracle(params, arrays): return {'A': [a + 1 for a in arrays['A']]}\n"
PLUGIN = ("-p", "lockstep.pytest_plugin", "-p", "no:cacheprovider")
OF_MODEL = ["agreement", "Theorem 1", "Theorem 2", "constant depth", "width", "exact arithmetic"]


def outcomes(folder: Path, text: str, sidecar: str = "", **how: float) -> dict[str, Outcome]:
    (folder / "t.pram").write_text(text)
    (folder / "t.py").unlink(missing_ok=True)
    if sidecar:
        (folder / "t.py").write_text(sidecar)
    tests = ProgramTests(load(folder / "t.pram"), **how)  # type: ignore[arg-type]
    return {test.name: tests.outcome(test) for test in tests.tests}


def statuses(found: dict[str, Outcome]) -> dict[str, str]:
    return {name: outcome.status for name, outcome in found.items()}


def test_a_right_program(tmp_path: Path) -> None:
    text = f"{HEAD}claim time == 8\nrequires sorted(A)\nensures A[0] > old(A[0])\n{ADDS}"
    found = outcomes(tmp_path, text, ORACLE)
    assert list(found) == ["requires at 7:1", "ensures at 8:1", "claim time at 6:7", "runs end", "outputs", *OF_MODEL]
    assert set(found.values()) == {Outcome("passed")}


def test_each_failure_has_its_test_and_a_small_input(tmp_path: Path) -> None:
    found = outcomes(tmp_path, WRONG)
    failed = {name: outcome.text for name, outcome in found.items() if outcome.status == "failed"}
    assert sorted(failed) == ["assert at 14:3", "claim time at 6:7", "ensures at 10:1"]
    shown = {name: json.loads(text.splitlines()[-1]) for name, text in failed.items()}
    assert shown == {
        "ensures at 10:1": {"params": {"n": 2}, "arrays": {"A": [0, 8]}},
        "assert at 14:3": {"params": {"n": 2}, "arrays": {"A": [0, 4]}},
        "claim time at 6:7": {"params": {"n": 2}, "arrays": {"A": [0, 0]}},
    }
    assert "`ensures` does not hold: for i = 1: A[i] is 9" in failed["ensures at 10:1"]
    assert "t.pram:14:3: error: before step 7: processor 1: `assert` does not hold: A[i] is 5" in failed["assert at 14:3"]
    assert "claimed <= 3" in failed["claim time at 6:7"]
    vacuous = "`ensures n > 99 ==> A[0] == 1` says nothing: `n > 99` never held"
    assert found["ensures at 11:1"] == Outcome("skipped", vacuous)
    assert {found[name].status for name in ("requires at 8:1", "requires at 9:1", "claim work at 7:7", "runs end")} == {"passed"}


def test_one_verification_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    verify = testing.verify
    monkeypatch.setattr(testing, "verify", lambda *given, **more: made.append(given) or verify(*given, **more))  # type: ignore[func-returns-value]
    outcomes(tmp_path, f"{HEAD}{ADDS}", sizes=[1])
    assert len(made) == 1


def test_programs_without_runs(tmp_path: Path) -> None:
    """The contract that is to blame fails; nothing else is called wrong, and nothing is called checked."""
    found = outcomes(tmp_path, f"{HEAD}requires n < 9\nrequires n > 9\nensures A[0] > 0\n{ADDS}")
    assert statuses(found) == dict.fromkeys(found, "skipped") | {"requires at 6:1": "failed"}
    assert "no input of size 1 was found" in found["requires at 6:1"].text
    unsorted = "def inputs(size, rng): return {'n': 2}, {'A': [1, 0]}\n"
    found = outcomes(tmp_path, f"{HEAD}requires n < 9\nrequires sorted(A)\n{ADDS}", unsorted)
    assert [name for name, outcome in found.items() if outcome.status == "failed"] == ["requires at 7:1"]
    assert "(input from `inputs` in t.py)" in found["requires at 7:1"].text
    found = outcomes(tmp_path, f"{HEAD}ensures A[0] > 0\n{ADDS}", "def inputs(size, rng): return 1 / 0\n")
    assert [name for name, outcome in found.items() if outcome.status == "failed"] == ["runs end"]
    found = outcomes(tmp_path, f"{HEAD}ensures A[0] > 0\nsingle do A[n] := 1 end\n")
    assert statuses(found) == dict.fromkeys(found, "skipped") | {"runs end": "failed"}
    assert "index 1 is outside `A`" in found["runs end"].text


def test_wrong_outputs(tmp_path: Path) -> None:
    found = outcomes(tmp_path, f"{HEAD}{ADDS}", ORACLE.replace("a + 1", "a + (a < 5)"), sizes=[2], seconds=5)
    assert found["outputs"].status == "failed"
    assert json.loads(found["outputs"].text.splitlines()[-1]) == {
        "params": {"n": 1}, "arrays": {"A": [5]}, "expected": {"A": [5]}}  # fmt: skip
    assert (
        outcomes(tmp_path, f"{HEAD}{ADDS}", "def inputs(size, rng): return {'n': 1}, {'A': [1]}\n")["outputs"].status == "skipped"
    )


def test_only_programs_are_collected_and_only_when_asked(pytester: pytest.Pytester) -> None:
    pytester.makefile(".pram", good=f"{HEAD}requires sorted(A)\n{ADDS}", other="program other\nlocal x = 1\n")
    pytester.makefile(".txt", notes="program t\n")
    quiet = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q")
    assert quiet.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    found = pytester.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", "--lockstep")
    found.stdout.fnmatch_lines(["good.pram::requires at 6:1", "good.pram::runs end", "*other.pram:2:9: error:*"])
    assert found.ret != pytest.ExitCode.OK and "notes" not in found.stdout.str()


def test_on_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makefile(".pram", good=f"{HEAD}ensures A[0] > 0\n{ADDS}", wrong=WRONG)
    found = pytester.runpytest_subprocess(*PLUGIN, "--lockstep", "-rs", "-k", "ensures or runs")
    found.assert_outcomes(passed=3, failed=1, skipped=1)
    found.stdout.fnmatch_lines([
        "*wrong.pram: ensures at 10:1*", "*wrong.pram:10:1: error: at the end: `ensures` does not hold: for i = 1: A?i? is 9",
        "on this input:", '{"params": {"n": 2}, "arrays": {"A": ?0, 8?}}', "SKIPPED*`n > 99` never held",
    ])  # fmt: skip
    assert "Traceback" not in found.stdout.str() and "pytest_plugin.py:" not in found.stdout.str().split("short test summary")[0]
