"""What verify says of programs that are wrong: every failure ends in an input that repeats it, and nothing compared is no success."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from kit.commands import FINE, REFUTED, WRONG, Do, rows

from lockstep.pram.program import load, parse_program
from lockstep.proofs_check.verification import FailedCheck, Options, verify

HEAD = "program p\nparam n\nprocs max(1, n)\nshared A[n] : inout in 0 .. 9, s : output\n"
EACH = "parallel for i in 0 .. n - 1 do {} end\n"
TRAPS = {
    "conflict": (HEAD + EACH.format("s := i"), "processors 0 and 1 write s (mode EREW)"),
    "underflow": (HEAD + EACH.format("A[i] := A[i] - 10"), "underflow"),
    "bound": (HEAD + EACH.format("A[i + n / 2] := 1"), "index 1 is outside `A` (0 .. 0)"),
    "disagreement": (HEAD + "local x := 0\nif n > 2 then while pid > x do x := x + 1 end end\n", "disagree"),
    "size": (HEAD.replace("s : output", "s : output, B[3 - n]"), "array `B` has extent -1"),
}  # fmt: skip


def write(text: str, sidecar: str = "") -> None:
    Path("p.pram").write_text(text)
    if sidecar:
        Path("p.py").write_text(sidecar)


def repeated(do: Do, out: str) -> tuple[int, list[str]]:
    """The status and the failed checks of the command that stands in the last line."""
    command = out.rstrip().splitlines()[-1]
    assert command.startswith("lockstep verify "), command
    outcome = do(command.removeprefix("lockstep ") + " --json")
    return outcome.status, [check["what"] for check in json.loads(outcome.out)["checks"] if check["verdict"] == "FAILED"]


# -- runs that the machine refuses ---------------------------------------------------------------------


@pytest.mark.parametrize("what", [*TRAPS])
def test_a_trap_ends_in_an_input_that_repeats_it(what: str, do: Do) -> None:
    text, words = TRAPS[what]
    if what == "bound":
        text = text.replace("n / 2", "(n - n / 2)")
    write(text)
    outcome = do("verify p.pram --sizes 4 --random 2" if what != "size" else "verify p.pram --sizes 2..4 --random 1")
    if what == "size":  # nothing can be drawn of this size
        assert (outcome.status, outcome.out) == (WRONG, "") and "(with n = 4)" in outcome.err
        return
    assert outcome.status == REFUTED and outcome.err.startswith("FAILED: n 4: p.pram:"), outcome
    given = json.loads(Path("p-failing.json").read_text())
    assert given["params"]["n"] < 4, "it did not shrink"
    assert repeated(do, outcome.out) == (REFUTED, ["machine runs"])
    again = do("verify p.pram --input p-failing.json --no-sidecar")
    assert words.split()[0] in again.out


def test_parameters_of_an_expression_without_a_value_are_named(do: Do) -> None:
    write(HEAD.replace("max(1, n)", "n / lg(n)"))
    outcome = do("verify p.pram --sizes 1")
    assert outcome == (WRONG, "", "p.pram:3:9: error: division by zero: 1 / 0 (with n = 1)\n  procs n / lg(n)\n          ^\n")
    write(HEAD + "local x := 7 / n\n")
    assert "division by zero: 7 / 0 (with n = 0)" in do("verify p.pram --input zero.json" if Path("zero.json").write_text(
        '{"params": {"n": 0}, "arrays": {"A": []}}') else "").out  # fmt: skip


def test_a_refused_run_hides_no_others(do: Do) -> None:
    write(HEAD + "claim time == 3 + n / 4\n" + "if n == 3 then single do A[n] := 0 end end\n")
    report = json.loads(do("verify p.pram --sizes 1..4 --random 1 --shrink 0 --json").out)
    checks = {check["what"]: check for check in report["checks"]}
    assert (checks["machine runs"]["measured"], checks["machine runs"]["verdict"]) == ("3 of 4", "FAILED")
    assert (checks["every token"]["measured"], checks["every token"]["verdict"]) == ("3 of 3", "checked")
    assert [(f["what"], f["params"]) for f in report["failures"]] == [("machine runs", {"n": 3}), ("claim time", {"n": 4})]


# -- cheap checks first --------------------------------------------------------------------------------


def test_the_first_failure_is_told_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    from lockstep.proofs_check import verification

    told: list[str] = []
    decode = verification.decode_case

    def decoding(*arguments: Any) -> Any:
        told.append("decode")
        return decode(*arguments)

    def failing(failed: FailedCheck) -> None:
        told.append(failed.trouble)

    monkeypatch.setattr(verification, "decode_case", decoding)
    program = parse_program(HEAD + "claim time == 1 + n / 3\n")
    report = verify(program, sizes=[1, 2, 3], random=1, on_failure=failing)
    assert told == ["n 3: claim time: 1, claimed == 2, at n = 3", *["decode"] * 3] and len(report.cases) == 3
    told.clear()
    stopped = verify(program, sizes=[3, 1, 2], random=1, on_failure=failing, fail_fast=True)
    assert told == ["n 3: claim time: 1, claimed == 2, at n = 3"] and len(stopped.cases) == 1 and not stopped.holds


def test_fail_fast_stops(do: Do) -> None:
    write(HEAD + "claim time == 1 + n / 2\n")
    outcome = do("verify p.pram --sizes 1..9 --random 1 --fail-fast --shrink 0 --explain")
    assert outcome.status == REFUTED and "nothing was decoded" in outcome.out
    fitted = "1, claimed == 2, at n = 2; `claim time == 1` fits all sizes"
    assert ["claim time", "== 1 + n / 2", fitted, "FAILED"] in rows(outcome.out)


# -- nothing was compared ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "oracle", "flags", "status"),
    [
        (HEAD, "", "--max-context 0", REFUTED),
        (HEAD, "def oracle(params, arrays): return {'A': arrays['A'], 's': 0}\n", "--max-context 0", FINE),
        (HEAD + "claim time == 1\n", "", "--max-context 0", FINE),
        (HEAD, "", "", FINE),
        (HEAD, "", "--max-context 1", REFUTED),
        ("program p\nparam n\n", "def oracle(params, arrays): return {}\n", "--max-context 0", REFUTED),
        ("program p\nparam n\n", "def accepts(params, arrays, outputs): return True\n", "--max-context 0", REFUTED),
        ("program p\nparam n\n", "", "", FINE),
    ],
)
def test_nothing_compared_is_no_success(text: str, oracle: str, flags: str, status: int, do: Do) -> None:
    write(text, oracle)
    outcome = do(f"verify p.pram --sizes 1..2 {flags}")
    assert outcome.status == status, outcome
    last = outcome.out.rstrip().splitlines()[-1]
    assert re.match(r"all \d+ checks hold" if status == FINE else "FAILED: ", last), last


def test_outputs_that_are_none_are_not_said_to_be_checked(do: Do) -> None:
    write("program p\nparam n\nshared A[n] : input\n", "def oracle(params, arrays): return {}\n")
    checks = {c["what"]: c["verdict"] for c in json.loads(do("verify p.pram --json").out)["checks"]}
    assert checks["machine outputs"] == checks["model outputs"] == "skipped" and checks["every token"] == "checked"


# -- winners ---------------------------------------------------------------------------------------------

RACE = "program p\nmode CRCW arbitrary\nparam n\nprocs n\nshared win : output\nparallel for i in 0 .. n - 1 do win := i end\n"


@pytest.mark.parametrize(("value", "winner", "n"), [("0", "choices:1", 2), ("params['n'] - 1", "lowest", 2)])
def test_every_winner_is_judged(value: str, winner: str, n: int, do: Do) -> None:
    """The program is right under one winner only, whichever that is."""
    write(RACE, f"def oracle(params, arrays): return {{'win': {value}}}\n")
    outcome = do("verify p.pram --sizes 1..4 --process all --schedule all")
    assert outcome.status == REFUTED
    given = json.loads(Path("p-failing.json").read_text())
    assert (given["params"], given["winner"]) == ({"n": n}, winner) and given["expected"] == {"win": 0 if value == "0" else n - 1}
    assert outcome.out.rstrip().endswith(f"--winner {winner}")
    assert repeated(do, outcome.out) == (REFUTED, ["machine outputs"])
    ran = do("run p.pram --input p-failing.json")
    assert ran.status == REFUTED and "FAILED: outputs are wrong: oracle says" in ran.err
    swept = do("sweep p.pram --sizes 1..4 --random 1 --workers 0 --process mdm")
    assert swept.status == REFUTED and f"winner {winner}: oracle says" in swept.out
    assert do("verify p.pram --sizes 1..4 --no-sidecar --process all --schedule all").status == FINE


def test_the_row_says_how_many_winners(do: Do) -> None:
    write(RACE, "def accepts(params, arrays, outputs): return outputs['win'] < params['n']\n")
    few = json.loads(do("verify p.pram --sizes 1..4 --json").out)["checks"]
    assert few[0]["on"] == "4 runs, n 1..4, every winner (10 runs)" and few[0]["measured"] == "10 of 10"
    tokens = next(check for check in few if check["what"] == "every token")
    assert (tokens["on"], tokens["measured"]) == ("4 runs, n 1..4, winners lowest, highest", "8 of 8")
    many = json.loads(do("verify p.pram --sizes 70 --random 1 --max-context 0 --json").out)["checks"]
    assert many[0]["on"] == "1 run, n 70, 8 winners" and many[0]["measured"] == "8 of 8"
    one = json.loads(do("verify p.pram --sizes 3 --random 1 --winner 5 --json").out)["checks"]
    assert {check["on"] for check in one if check["what"] in ("machine outputs", "every token")} == {"1 run, n 3, winner 5"}


def test_a_winner_that_the_machine_refuses_is_a_failure(do: Do) -> None:
    """And one whose run takes longer than the program claims."""
    write(RACE.replace("win : output", "win : output, A[1]") + "single do A[win] := 0 end\n")
    outcome = do("verify p.pram --sizes 3 --random 1")
    assert outcome.status == REFUTED and "n 3, winner choices:1: p.pram:" in outcome.err
    assert repeated(do, outcome.out) == (REFUTED, ["machine runs"])
    write(RACE.replace("shared", "claim time <= 20\nshared") + "local x := win\nwhile x > 0 do x := x - 1 end\n")
    outcome = do("verify p.pram --sizes 6 --random 1 --max-context 0")
    assert outcome.status == REFUTED and "claim time: " in outcome.out and "--winner choices:" in outcome.out


# -- what no run reached -----------------------------------------------------------------------------------


def test_what_no_run_reached_is_said(do: Do) -> None:
    text = (
        HEAD
        + "parallel for i in 0 .. n - 1 do\n  if A[i] > 9 then\n    A[i] := 1\n  end\n  if A[i] == 7 then A[i] := 2 end\nend\n"
    )
    write(text)
    outcome = do("verify p.pram --sizes 1..2 --random 1")
    line = "no run reached line 7; never true: `A[i] > 9` (line 6)"
    assert outcome.status == FINE and line in outcome.out.splitlines()
    found = json.loads(do("verify p.pram --sizes 1..2 --random 1 --json").out)["unreached"]
    assert found == {"lines": [7], "sides": [{"line": 6, "column": 11, "of": "A[i] > 9", "never": "true"}], "contracts": []}
    assert f"p: {line}" in do("sweep p.pram --sizes 1..2 --random 12 --process mdm --workers 0").out.splitlines()
    write(text.replace("A[i] > 9", "A[i] > 8"))
    assert "reached" not in do("verify p.pram --sizes 1..2 --random 1").out


def test_inputs_that_reach_more_are_checked_like_all_others(do: Do) -> None:
    """The branch that only an edge reaches holds a mistake."""
    write(HEAD + EACH.format("if A[i] == 7 then A[i] := 10 else A[i] := 3 end"))
    Path("p.py").write_text("def oracle(params, arrays): return {'A': [3] * params['n'], 's': 0}\n")
    program = load("p.pram")
    report = verify(program, Options(max_context=0), sizes=[1], random=1)
    assert not report.holds and report.failed[0].case.arrays == {"A": [7]}
    assert report.failed[0].trouble == "n 1: oracle says 3, machine says 10, at `A[0]`"
