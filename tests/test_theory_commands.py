"""`lockstep theorems` and `lockstep certify`, through the command line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do
from kit.jobs import job_of

from lockstep.compiler.compile import compile_job
from lockstep.proofs_check.certificate import certify

PROGRAM = Path(__file__).parent.parent / "examples" / "programs" / "tree_sum.pram"


#: Theorems about tasks, and the commands that check them.
OF_TASKS = {
    "parity by editing": "task parity",
    "learned parity": "train parity and task parity --model",
    "editing": "task editor",
    "Theorem 5": "task dyck --prove 6 and task dyck --arm 10",
}
#: Theorems about samplers, which another command checks.
OF_SAMPLERS = (
    "samplers", "sampler threshold:P", "sampler top:K", "sampler blocks:B", "sampler factor:F", "sampler entropy:GAMMA", "writing back",
)  # fmt: skip
ELSEWHERE = (*OF_TASKS, *OF_SAMPLERS)


def test_theorems_about_tasks_say_what_is_only_stated(do: Do) -> None:
    """What rests on other proofs or on an assumption stands apart from what is checked, and with its source."""
    records = {r["theorem"]: r for r in json.loads(do("theorems --json").out)}
    for name, commands in OF_TASKS.items():
        assert records[name]["status"] == f"checked by {commands}"
    assert [name for name, record in records.items() if record["stated"]] == ["Theorem 5", "parity by editing", "editing"]
    assert all("Hastad 1986" in stated for stated in records["parity by editing"]["stated"])
    assert "Omega(log n / log log n)" in records["parity by editing"]["stated"][1]
    assert (
        "Theorem 6, second hand" in records["editing"]["stated"][0] and "under an assumption" in records["editing"]["stated"][0]
    )
    assert " ".join(do("theorems").out.split()).count("Not checked here.") == 4


def test_theorems_are_listed(do: Do) -> None:
    records = json.loads(do("theorems --json").out)
    assert [r["theorem"] for r in records] == [
        "agreement", "program claims", "Theorem 1", "Theorem 2", "autoregression", "erasing", "Theorem 3", "Theorem 4", "revision",
        "repair", "Theorem 5", "parity by editing", "learned parity", "editing", *OF_SAMPLERS, "constant depth", "width",
    ]  # fmt: skip
    assert {r["theorem"]: r["forms"] for r in records}["Theorem 4"]["ap-mdm"]["decoding steps"] == "2 T + lg(N - n0) + 4"
    assert {r["status"] for r in records if r["theorem"] not in ELSEWHERE} == {
        "checked by verify on every decode", "checked by verify on every run", "closed forms, checked by verify on every decode",
    }  # fmt: skip
    assert {r["status"] for r in records if r["theorem"] in OF_SAMPLERS} == {"checked by compare --samplers"}
    table = do("theorems").out
    assert "decoding steps = T + lg(F + 1) + 3" in table
    assert "if TC0 is not NC1. Not checked here." in " ".join(table.split())


def test_every_letter_of_a_closed_form_is_explained(do: Do) -> None:
    """In the table itself."""
    forms, legend = do("theorems").out.split("what the letters stand for")
    said = {line.split()[0] for line in legend.splitlines() if line.split()}
    used = {
        letter
        for theorem in json.loads(do("theorems --json").out)
        for named in theorem["forms"].values()
        for form in named.values()
        for letter in re.findall("[A-Za-z][A-Za-z0-9]*", form)
    }
    assert {"A", "b", "c", "f", "F", "i", "j", "n0", "p", "r", "s", "t", "w", "lg", "inp"} <= used <= said | {"min", "max"}
    assert "bits of a program counter" in legend and "legend" not in forms


def test_theorems_are_checked_on_a_program(do: Do) -> None:
    outcome = do(f"theorems {PROGRAM} --sizes 1,2 --json")
    assert outcome.status == FINE
    assert {r["status"] for r in json.loads(outcome.out) if r["theorem"] not in ELSEWHERE} == {
        "checked on 4 runs, n 1..2",
        "closed forms, checked on 4 runs, n 1..2",
    }


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


def test_each_of_a_models_bits_must_cover_the_bounds(do: Do) -> None:
    """Not their sum: what is left of pid bits lays out no step."""
    do(f"compile {PROGRAM} --out m.safetensors --time-bits 6 --pid-bits 2")
    assert do("certify m.safetensors --time 63 --procs 4").status == FINE
    for flags, needs in (("--time 64 --procs 1", "time 7, pid 1"), ("--time 1 --procs 5", "time 1, pid 3")):
        outcome = do(f"certify m.safetensors {flags}")
        assert outcome.status == REFUTED
        assert f"FAILED: this model's bits do not cover that: it has time 6, pid 2; needed are {needs}" in outcome.out
        assert "noise at every gate: 0, since every sum is an exact integer, in runs that this model's bits cover" in outcome.out
        record = json.loads(do(f"certify m.safetensors {flags} --json").out)
        assert (record["holds"], record["fits"]) == (False, False)


def test_bounds_of_a_model_file_are_its_own(do: Do) -> None:
    """What is not asked for is what the model's bits hold."""
    do(f"compile {PROGRAM} --out m.safetensors --time-bits 6 --pid-bits 2")
    outcome = do("certify m.safetensors")
    assert outcome.status == FINE
    assert "runs: T <= 63 (the model's own) and P <= 4 (the model's own), so T * P <= 2^8" in outcome.out
    assert "runs: T <= 20 (asked for) and P <= 4 (the model's own), so T * P <= 2^7" in do("certify m.safetensors --time 20").out
    assert "runs: T <= 1,000 (by default) and P <= 2 (asked for), so T * P <= 2^11" in do(f"certify {PROGRAM} --procs 2").out
    do(f"compile {PROGRAM} --out n.safetensors --process ap-mdm --length-bits 9 --pid-bits 2")
    outcome = do("certify n.safetensors --json")
    assert outcome.status == FINE and json.loads(outcome.out)["limits"] == {"P": 4, "N": 511}
    assert do("certify n.safetensors --space 400 --procs 4").status == FINE
    assert do("certify n.safetensors --space 500 --procs 4").status == REFUTED
    assert do("certify n.safetensors --procs 5").status == REFUTED


@pytest.mark.parametrize("flags", ["--time", "--procs", "--space"])
@pytest.mark.parametrize("number", ["0", "9" * 400, "9" * 5000])
def test_bounds_have_bounds(flags: str, number: str, do: Do) -> None:
    outcome = do(f"certify {PROGRAM} {flags} {number}")
    assert (outcome.status, outcome.out) == (MISUSED, "") and f"'{flags}'" in outcome.err


@pytest.mark.parametrize("bits", ["0", "-3", "1", "25", "40"])
def test_words_that_cannot_be_are_not_certified(bits: str, do: Do) -> None:
    for command in ("certify", "compile"):
        outcome = do(f"{command} {PROGRAM} --word-bits {bits}")
        assert (outcome.status, outcome.out) == (MISUSED, "") and "'--word-bits': Input should be " in outcome.err
    if int(bits) >= 0:
        Path("word.pram").write_text(f"program wide\nword {bits}\nshared s : output\nsingle do s := 1 end\n")
        for command in ("certify", "compile", "prove"):
            outcome = do(f"{command} word.pram")
            assert (outcome.status, outcome.out) == (WRONG, "")
            assert outcome.err.startswith(f"word.pram:2:6: error: word size {bits} is not in 2 .. 24\n")


def test_a_failed_certificate_says_only_what_it_shows(do: Do) -> None:
    outcome = do(f"certify {PROGRAM} --time 1000000000000 --procs 1000000")
    assert outcome.status == REFUTED and "FAILED" in outcome.out
    assert "noise" not in outcome.out and "leaks" not in outcome.out
    assert "not certified: float64 may be inexact in these runs" in outcome.out
    fine = do(f"certify {PROGRAM}")
    assert fine.status == FINE and "smallest score gap: 1024, so attention leaks exp(-1024) = 0\n" in fine.out
    assert "noise at every gate: 0, since every sum is an exact integer\n" in fine.out and "nothing is said" not in fine.out


def test_no_horizon_is_said_to_be_none(do: Do) -> None:
    outcome = do(f"certify {PROGRAM} --word-bits 24 --dtype float32")
    assert outcome.status == REFUTED
    says = "horizon: none; float32 is certified for no T * P with words of 24 bits and pids of 6\n"
    assert says in outcome.out
    assert json.loads(do(f"certify {PROGRAM} --word-bits 24 --dtype float32 --json").out)["horizon"] is None


def test_rows_of_a_certificate_say_what_was_found(do: Do) -> None:
    """Each holds where what was found is at most its limit, to the digit."""
    record = json.loads(do(f"certify {PROGRAM} --json").out)
    found = {line["what"]: (line["found"], line["limit"]) for line in record["lines"]}
    assert all(line["holds"] and line["found"] <= line["limit"] for line in record["lines"])
    assert found["weights: tensors unlike the circuit's"] == found["layer 1, head fetch: leak, exp(-1024)"] == (0, 0)
    assert found["layer 2: W_in, b, W_out: distance from integers"] == (0, 0)
    assert found["layer 3, head memory: sums of scores"][1] == 2**53


def test_a_certificate_is_of_one_dtype_and_vocabulary() -> None:
    """Where no file is between: a tensor of another dtype with the same values, a vocabulary of other numbers."""
    compiled = compile_job(job_of("tree_sum", 2), 26)
    model, layer = compiled.model, compiled.model.layers[0]
    mixed = replace(model, layers=(replace(layer, w_in=layer.w_in.astype(np.float32)), *model.layers[1:]))
    longer = replace(model, vocabulary=replace(model.vocabulary, kinds=(*model.vocabulary.kinds, ("MORE", 0))))
    assert certify(model, compiled.circuit).holds
    for other in (mixed, longer):
        found = certify(other, compiled.circuit)
        assert not found.holds and (found.worst.what, found.worst.found) == ("weights: tensors unlike the circuit's", 1)


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
