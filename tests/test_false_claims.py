"""A claim that is false of a run ends every command that makes one with status 3, and what is printed stays whole."""

import json
from pathlib import Path

import pytest
from kit.commands import FINE, REFUTED, Do

CLAIM = "liar.pram:5:7: error: claim time == 7 is false{}: 8, claimed == 7, at n = {}{}\n  claim time == 7\n        ^\n"
#: Each command on a run of four processors, and whether it prints a list.
COMMANDS = ("run", "profile", "decode", "decode --process ap-mdm", "space", "export", "compare")


def line(command: str, program: str) -> str:
    name, *flags = command.split()
    return " ".join([name, f"{program}.pram", "--sizes 4" if name == "space" else "--input in.json", *flags])


@pytest.mark.parametrize("flag", ["", " --json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_false_claim_is_status_3(command: str, flag: str, do: Do) -> None:
    written = "; tiny.job.safetensors was written all the same" if command == "export" else ""
    outcome = do(line(command, "liar") + flag)
    assert (outcome.status, outcome.err) == (REFUTED, CLAIM.format("", 4, written))
    assert Path("tiny.job.safetensors").exists() == (command == "export")
    good = do(line(command, "tiny") + flag)
    assert (good.status, good.err) == (FINE, "")
    if flag and command != "export":  # what is printed says the same as without the claim
        assert outcome.out.replace("liar", "tiny") == good.out
    if flag:
        assert json.loads(outcome.out)


def test_any_line_of_a_batch(do: Do) -> None:
    Path("late.pram").write_text(
        "program late\nparam n\nprocs n\nshared A[n] : inout\nclaim space <= 2\nclaim procs <= 3\nA[pid] := A[pid] + 1\n"
    )
    inputs = [json.dumps({"params": {"n": n}, "arrays": {"A": [1] * n}}) for n in (1, 3, 2, 4)]
    Path("many.jsonl").write_text("\n".join(inputs) + "\n")
    outcome = do("decode late.pram --input many.jsonl --json")
    assert [json.loads(each)["line"] for each in outcome.out.splitlines()] == [1, 2, 3, 4]
    assert (outcome.status, outcome.err) == (
        REFUTED,
        "late.pram:5:7: error: claim space <= 2 is false of line 2 of many.jsonl: 3, claimed <= 2, at n = 3 (1 more, too)\n"
        "  claim space <= 2\n        ^\n"
        "late.pram:6:7: error: claim procs <= 3 is false of line 4 of many.jsonl: 4, claimed <= 3, at n = 4\n"
        "  claim procs <= 3\n        ^\n",
    )
    Path("few.jsonl").write_text(f"{inputs[0]}\n{inputs[2]}\n")
    assert do("decode late.pram --input few.jsonl").status == FINE


def test_any_row_of_space(do: Do) -> None:
    Path("late.pram").write_text("program late\nparam n\nprocs n\nclaim procs <= 3\nlocal x := 1\n")
    assert do("space late.pram --sizes 1..3 --max-context 0").status == FINE
    outcome = do("space late.pram --sizes 1..5 --max-context 0")
    assert outcome.status == REFUTED and "is false: 4, claimed <= 3, at n = 4 (1 more, too)" in outcome.err


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ("1..2,9..5", "9..5 is an empty range: write the smaller size first"),
        ("1,0..3", "0..3 begins below 1: sizes start at 1"),
        ("-2", "-2 begins below 1: sizes start at 1"),
        ("1..2,", "'1..2,' is not a size, a range 1..64 or a list 1,2,4"),
        ("1..100000,100001", "'1..100000,100001' names more than 100000 sizes"),
        ("1..100001", "1..100001 names more than 100000 sizes"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "space", "modes", "theorems", "sweep"])
def test_sizes_that_say_nothing_are_refused(command: str, sizes: str, message: str, do: Do) -> None:
    outcome = do(f"{command} tiny.pram --sizes={sizes}")
    assert outcome.status == 2 and message in " ".join(outcome.err.replace("│", " ").split())


def test_sizes_that_are_said_twice_run_once(do: Do) -> None:
    rows = json.loads(do("space tiny.pram --sizes 2,1..3,2 --max-context 0 --json").out)
    assert [row["params"]["n"] for row in rows] == [2, 1, 3]
    assert json.loads(do("cost tiny.pram --size 4,4 --exact --json").out) == json.loads(
        do("cost tiny.pram --size 4 --exact --json").out
    )
    assert do("cost tiny.pram --size=, --exact").status == 2
