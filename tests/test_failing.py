"""What is left of a failed check: a small input in a file, and a command that fails in the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest
from faults.constructions import misread
from kit.commands import FINE, REFUTED, SIDECAR, Do

from lockstep.common import keeping
from lockstep.common.keeping import process_flags, repeat_command
from lockstep.pram.program import load
from lockstep.proofs_check import failing
from lockstep.proofs_check.fuzzing.inputs import MOST_CELLS
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import Options

#: Exclusive or; a construction that takes it for `or` is wrong where both words have a bit.
MIX = """program mix
param n
procs n
shared A[n] : inout in 2 .. 30
for j in 1 .. n do A[pid] := A[pid] ^ (n + j) end
"""
TWO = "program two\nparam n\nparam m\nshared A[n, m] : inout in 3 .. 9, s : input\nclaim time <= 1 + 0 * n\nlocal x := A[0, 0]\n"


def repeat(do: Do, out: str) -> tuple[int, list[str]]:
    """Run the command that was printed last; its status and the checks that failed."""
    command = out.rstrip().splitlines()[-1]
    assert command.startswith("lockstep verify ")
    outcome = do(command.removeprefix("lockstep ") + " --json")
    return outcome.status, [c["what"] for c in json.loads(outcome.out)["checks"] if c["verdict"] == "FAILED"]


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm", "ap-mdm one-step"])
def test_the_input_of_a_divergence_shrinks(construction: str, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mix.pram").write_text(MIX)
    misread(monkeypatch, construction, "xor", "or")
    outcome = do("verify mix.pram --sizes 5..6 --random 1 --process all --schedule all --shrink 120")
    assert outcome.status == REFUTED
    given = json.loads(Path("mix-failing.json").read_text())
    assert given["params"]["n"] <= 2 and all(2 <= word <= 30 for word in given["arrays"]["A"]), given
    assert sum(given["arrays"]["A"]) <= 8
    assert f"{construction}: " in outcome.out and "shrunk from n 5, 5 cells" in outcome.out
    flags = " ".join(process_flags([construction]))
    last = outcome.out.rstrip().splitlines()[-1]
    assert last == f"lockstep verify mix.pram --input mix-failing.json {flags} --no-sidecar"
    status, failed = repeat(do, outcome.out)
    assert status == REFUTED and "every token" in failed


def test_the_order_and_its_seed_are_repeated(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mix.pram").write_text(MIX)
    misread(monkeypatch, "mdm", "xor", "or")
    outcome = do("verify mix.pram --sizes 3 --random 1 --order random --seed 7 --word-bits 9 --engine active --shrink 2")
    last = outcome.out.rstrip().splitlines()[-1]
    assert last.endswith("--process mdm --order random --seed 7 --word-bits 9 --engine active --no-sidecar")
    assert repeat(do, outcome.out)[0] == REFUTED


def test_the_input_of_a_false_claim_shrinks_in_its_ranges(do: Do) -> None:
    Path("two.pram").write_text(TWO)
    outcome = do("verify two.pram --sizes 4..5 --max-context 0 --shrink 120")
    assert outcome.status == REFUTED
    assert json.loads(Path("two-failing.json").read_text()) == {
        "params": {"n": 1, "m": 1}, "arrays": {"A": [[3]], "s": 0}}  # fmt: skip
    assert repeat(do, outcome.out) == (REFUTED, ["claim time"])


def test_inputs_that_an_oracle_refutes_shrink_among_the_sidecars(do: Do) -> None:
    """The sidecar's inputs are sorted, which no declared range says; its oracle is wrong where a word is above 5."""
    inputs = '{"n": size}, {"A": sorted(rng.integers(0, 9, size).tolist())}'
    Path("tiny.py").write_text(SIDECAR.format(inputs=inputs, oracle='{"A": [a + 1 if a < 6 else 0 for a in arrays["A"]]}'))
    outcome = do("verify tiny.pram --sizes 5..6 --max-context 0 --shrink 120")
    assert outcome.status == REFUTED
    given = json.loads(Path("tiny-failing.json").read_text())["arrays"]["A"]
    assert len(given) == 1 and given[0] > 5
    assert "--no-sidecar" not in outcome.out.splitlines()[-1]
    assert repeat(do, outcome.out) == (REFUTED, ["machine outputs"])


@pytest.mark.parametrize("inputs", ["list(rng.integers(3, 9, size))", "[*np.full(size, 5, np.uint8)]"])
@pytest.mark.parametrize("flags", ["", " --shrink 0"])
def test_a_sidecars_numpy_integers_are_written_as_numbers(inputs: str, flags: str, do: Do) -> None:
    Path("liar.py").write_text(
        "import numpy as np\n"
        + SIDECAR.format(inputs=f'{{"n": size}}, {{"A": {inputs}}}', oracle='{"A": [a + 1 for a in arrays["A"]]}')
    )
    outcome = do(f"verify liar.pram --sizes 2 --max-context 0{flags}")
    assert (outcome.status, outcome.err.count("\n")) == (REFUTED, 1) and outcome.err.startswith("FAILED: n ")
    given = json.loads(Path("liar-failing.json").read_text())
    size = given["params"]["n"]
    assert size == (2 if flags else 1) and len(given["arrays"]["A"]) == size
    assert all(type(word) is int and 3 <= word < 9 for word in given["arrays"]["A"])
    assert repeat(do, outcome.out) == (REFUTED, ["claim time"])


def test_a_sidecar_that_has_no_small_inputs_hides_no_failure(do: Do) -> None:
    """Among the smaller ones that are looked at are some that `inputs` refuses to draw."""
    Path("liar.py").write_text(
        SIDECAR.format(inputs='{"n": size}, {"A": [1] * (size // (size > 2))}', oracle='{"A": [2] * params["n"]}')
    )
    outcome = do("verify liar.pram --sizes 3..5 --max-context 0 --shrink 120")
    assert (outcome.status, outcome.err.count("\n")) == (REFUTED, 1) and outcome.err.startswith("FAILED: n ")
    assert json.loads(Path("liar-failing.json").read_text()) == {
        "params": {"n": 3}, "arrays": {"A": [1, 1, 1]}, "expected": {"A": [2, 2, 2]}}  # fmt: skip


def broken(*arguments: Any) -> NoReturn:
    raise RuntimeError("not\nnow")


@pytest.mark.parametrize("json_", ["", " --json"])
def test_a_shrinker_that_fails_hides_no_failure(json_: str, do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "shrink", broken)
    outcome = do(f"verify liar.pram --sizes 2 --random 1 --max-context 0{json_}")
    assert outcome.status == REFUTED and outcome.err.endswith("\nerror: shrinking failed: RuntimeError: not now\n")
    assert "FAILED" in outcome.out and "liar-failing.json" in outcome.out
    assert json.loads(Path("liar-failing.json").read_text())["params"] == {"n": 2}


def test_what_cannot_be_kept_hides_no_failure(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "write_input", broken)
    outcome = do("verify liar.pram --sizes 2 --random 1 --max-context 0 --shrink 0")
    assert outcome.status == REFUTED and outcome.err.endswith(
        "\nerror: the failing input cannot be written: RuntimeError: not now\n"
    )
    assert "FAILED" in outcome.out and "repeat" not in outcome.out


def test_an_input_too_large_to_shrink_is_kept_as_it_is(do: Do) -> None:
    cells = MOST_CELLS + 1
    Path("big.pram").write_text("program big\nparam n\nshared A[n] : input, t : output\nclaim time == 0\nt := A[0]\n")
    outcome = do(f"verify big.pram --sizes {cells} --random 1 --max-context 0")
    assert (outcome.status, outcome.err.count("\n")) == (REFUTED, 1) and outcome.err.startswith("FAILED: n ")
    assert "FAILED" in outcome.out and f"(n {cells}, {cells} cells)" in outcome.out
    given = json.loads(Path("big-failing.json").read_text())
    assert given["params"] == {"n": cells} and len(given["arrays"]["A"]) == cells
    assert repeat(do, outcome.out) == (REFUTED, ["claim time"])


def test_what_is_small_already_is_not_written_again(do: Do) -> None:
    outcome = do("verify liar.pram --input in.json --shrink 0 --json")
    failing = json.loads(outcome.out)["failing"]
    assert outcome.status == REFUTED and not Path("liar-failing.json").exists()
    assert (failing["input"], failing["check"]) == ("in.json", "claim time")
    assert failing["command"] == "lockstep verify liar.pram --input in.json --process mdm"


def test_files_go_where_they_should(do: Do) -> None:
    Path("kept").mkdir()
    assert do("verify liar.pram --sizes 2 --max-context 0 --failing kept").status == REFUTED
    assert sorted(p.name for p in Path("kept").iterdir()) == ["liar-failing.html", "liar-failing.json"]
    assert not Path("liar-failing.json").exists()
    assert "there is no directory nowhere" in do("verify liar.pram --failing nowhere").err
    assert do("verify tiny.pram --sizes 2 --failing kept").status == FINE
    assert json.loads(do("verify tiny.pram --sizes 2 --json").out)["failing"] is None


def test_a_file_that_cannot_be_written_hides_no_failure(do: Do) -> None:
    Path("liar-failing.json").mkdir()
    outcome = do("verify liar.pram --sizes 2 --max-context 0")
    assert outcome.status == REFUTED and "FAILED" in outcome.out and "liar-failing.json" in outcome.err


def test_the_command_names_every_option_that_is_not_the_default() -> None:
    options = Options(("mdm", "ap-mdm one-step"), dtype="float32", word_bits=9, max_context=7, max_steps=8, strict=True)
    command = repeat_command(Path("a b.pram"), Path("x.json"), Check("claim time", "", "", "", False), options)
    assert command == (
        "lockstep verify 'a b.pram' --input x.json --process all --schedule one-step --dtype float32 --word-bits 9 "
        "--max-context 7 --max-steps 8 --strict"
    )


@pytest.mark.parametrize(
    ("constructions", "flags"),
    [
        (("mdm",), "--process mdm"),
        (("ap-mdm",), "--process ap-mdm"),
        (("ap-mdm one-step",), "--process ap-mdm --schedule one-step"),
        (("ap-mdm", "ap-mdm one-step"), "--process ap-mdm --schedule all"),
        (("mdm", "ap-mdm"), "--process all"),
        (("mdm", "ap-mdm", "ap-mdm one-step"), "--process all --schedule all"),
    ],
)
def test_flags_name_constructions(constructions: tuple[str, ...], flags: str) -> None:
    assert " ".join(process_flags(constructions)) == flags


def test_the_program_of_the_test_is_right_without_the_fault(do: Do) -> None:
    Path("mix.pram").write_text(MIX)
    assert load("mix.pram").given == ("n",)
    assert do("verify mix.pram --sizes 2 --process all --schedule all").status == FINE
