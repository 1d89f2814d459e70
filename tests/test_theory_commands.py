"""`lockstep theorems` and `lockstep certify`, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import FINE, MISUSED, REFUTED, Do

PROGRAM = Path(__file__).parent.parent / "examples" / "programs" / "tree_sum.pram"


def test_theorems_are_listed(do: Do) -> None:
    records = json.loads(do("theorems --json").out)
    assert [r["theorem"] for r in records] == [
        "agreement", "program claims", "Theorem 1", "Theorem 4", "constant depth", "width",
    ]  # fmt: skip
    assert records[3]["forms"]["ap-mdm"]["decoding steps"] == "2 T + lg(N - n0) + 4"
    assert {r["status"] for r in records} == {"checked by verify on every decode", "checked by verify on every run"}
    table = do("theorems").out
    assert "decoding steps = T + lg(F + 1) + 3" in table


def test_theorems_are_checked_on_a_program(do: Do) -> None:
    outcome = do(f"theorems {PROGRAM} --sizes 1,2 --json")
    assert outcome.status == FINE
    assert {r["status"] for r in json.loads(outcome.out)} == {"checked on 4 runs, n 1..2"}


def test_a_false_claim_fails_its_theorem(do: Do) -> None:
    Path("false.pram").write_text("program false claim time == 3 shared s : output s := 1")
    outcome = do("theorems false.pram --sizes 1 --json")
    assert outcome.status == REFUTED
    status = {r["theorem"]: r["status"] for r in json.loads(outcome.out)}
    assert status["program claims"] == "FAILED: claim time, 2, claimed == 3"
    assert status["agreement"] == "checked on 1 run"


@pytest.mark.parametrize(
    ("flags", "holds", "bounds", "horizon"),
    [
        ("--time 4000 --procs 64 --dtype float32", True, "T * P <= 2^18", "T * P <= 2^18"),
        ("--time 4096 --procs 64 --dtype float32", False, "T * P <= 2^19", "T * P <= 2^18"),
        ("--time 4096 --procs 64", True, "T * P <= 2^19", "T * P <= 2^47"),
        ("--procs 4 --space 16 --process ap-mdm", True, "N <= 2^7", "N <= 2^49"),
        ("--procs 4 --space 16 --process ap-mdm --schedule one-step", True, "N <= 2^7", "N <= 2^51"),
    ],
)
def test_certificates_of_bounds(flags: str, holds: bool, bounds: str, horizon: str, do: Do) -> None:
    outcome = do(f"certify {PROGRAM} {flags} --json")
    record = json.loads(outcome.out)
    assert (record["holds"], record["bounds"], record["horizon"]) == (holds, bounds, horizon)
    assert outcome.status == (FINE if holds else REFUTED)
    assert record["smallest_gap"] == 1024


def test_a_models_bits_must_cover_the_bounds(do: Do) -> None:
    do(f"compile {PROGRAM} --out m.safetensors --time-bits 6 --pid-bits 2")
    assert do("certify m.safetensors --time 63 --procs 4").status == FINE
    outcome = do("certify m.safetensors --time 64 --procs 4")
    assert outcome.status == REFUTED and "this model's bits do not cover that" in outcome.out


@pytest.mark.parametrize("command", ["certify m.safetensors", "decode m.safetensors --size 2"])
@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("--dtype float32", "--dtype float64", "--dtype: this model was compiled for float32"),
        ("--word-bits 9", "--word-bits 8", "--word-bits: this model was compiled for words of 9 bits"),
        ("--process ap-mdm", "--process mdm", "--process: this model was compiled for ap-mdm one-step"),
        (
            "--process ap-mdm --schedule one-step",
            "--process ap-mdm --schedule two-step",
            "--schedule: this model was compiled for ap-mdm one-step",
        ),
    ],
)
def test_what_is_said_of_a_model_file_must_be_true(command: str, right: str, wrong: str, message: str, do: Do) -> None:
    do(f"compile {PROGRAM} --out m.safetensors --dtype float32 --word-bits 9 --process ap-mdm --schedule one-step")
    assert do(f"{command} {right}") == do(command) != do(f"{command} {wrong}")
    assert do(command).status == FINE
    outcome = do(f"{command} {wrong}")
    assert (outcome.status, outcome.out) == (MISUSED, "") and message in outcome.err


@pytest.mark.parametrize(
    ("wrong", "own"),
    [("--word-bits 8", "words of 9 bits"), ("--process ap-mdm", "mdm"), ("--process ap-mdm --schedule one-step", "mdm")],
)
def test_a_proof_is_of_the_model_file(wrong: str, own: str, do: Do) -> None:
    do(f"compile {PROGRAM} --out m.safetensors --word-bits 9")
    outcome = do(f"prove m.safetensors {wrong}")
    assert (outcome.status, outcome.out) == (MISUSED, "") and f"this model was compiled for {own}\n" in outcome.err
    outcome = do("prove m.safetensors --process all --schedule all --json")
    assert outcome.status == FINE and [each["construction"] for each in json.loads(outcome.out)] == ["mdm"]


def test_a_model_file_has_its_word_size(do: Do) -> None:
    """Where the program's depends on parameters, none need be named again."""
    Path("wide.pram").write_text("program wide param n word n + 4 shared s : output s := 1")
    assert do("certify wide.pram").status == MISUSED
    do("compile wide.pram --out wide.safetensors --word-bits 8")
    assert do("certify wide.safetensors").status == FINE
