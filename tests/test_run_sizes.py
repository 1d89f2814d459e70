"""`lockstep run --sizes`: the costs of one run of each size in a table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.commands import FINE, MISUSED, REFUTED, SIDECAR, WRONG, Do, rows

#: Words are not negative: it fails from n = 4 on, if it is not stopped before.
TRAP = "program trap\nparam n\nprocs n\nshared s : output\nsingle do s := 3 - n end\n"


def test_each_row_is_a_run_of_its_size(do: Do) -> None:
    outcome = do("run tree_sum --sizes 1,2,5..6 --seed 3 --json")
    found = json.loads(outcome.out)
    assert (outcome.status, outcome.err) == (FINE, "")
    assert [record.pop("size") for record in found] == [1, 2, 5, 6]
    assert [record.pop("params") for record in found] == [{"n": n} for n in (1, 2, 5, 6)]
    assert found == [json.loads(do(f"run tree_sum --size {n} --seed 3 --json").out) for n in (1, 2, 5, 6)]


def test_the_table_has_what_claims_are_about(do: Do) -> None:
    table = rows(do("run dyck --sizes 1..4").out)
    assert table[0] == ["dyck: one run of each size"]
    assert table[1] == ["size", "parameters", "T", "P", "work", "space", "outputs"]
    assert [row[:4] for row in table[3:7]] == [
        ["1", "k 0, n 1", "81", "1"],
        ["2", "k 1, n 2", "144", "2"],
        ["3", "k 1, n 2", "144", "2"],
        ["4", "k 2, n 4", "233", "4"],
    ]
    assert {row[6] for row in table[3:7]} == {"right"} and [row[5] for row in table[3:7]] == ["5", "9", "9", "17"]
    assert [row[-1] for row in rows(do("run tiny.pram --sizes 1..2").out)[3:5]] == ["not judged"] * 2


def test_a_size_that_fails_has_its_row(do: Do) -> None:
    Path("trap.pram").write_text(TRAP)
    outcome = do("run trap.pram --sizes 3..5")
    table = rows(outcome.out)
    assert outcome.status == WRONG
    assert [(row[0], row[-1]) for row in table[3:6]] == [("3", "not judged"), ("4", "FAILED"), ("5", "FAILED")]
    assert table[-2:] == [
        ["size 4: step 3: the number -1 used here is negative; `word 8 signed` has negative words"],
        ["size 5: step 3: the number -2 used here is negative; `word 8 signed` has negative words"],
    ]
    assert outcome.err.startswith("FAILED at size 4, and at 1 more size:\ntrap.pram:5:11: error: step 3: the number -1")
    (good, bad) = json.loads(do("run trap.pram --sizes 3,4 --json").out)
    assert good["outputs"] == {"s": 0}
    assert bad == {
        "size": 4,
        "params": {"n": 4},
        "error": "step 3: the number -1 used here is negative; `word 8 signed` has negative words",
    }
    outcome = do("run tiny.pram --sizes 1,2 --max-steps 3")
    assert outcome.status == WRONG and [row[-1] for row in rows(outcome.out)[3:5]] == ["FAILED"] * 2


def test_a_failure_counts_more_than_a_false_claim(do: Do) -> None:
    outcome = do("run liar.pram --sizes 1..3")
    assert (
        outcome.status == REFUTED and "claim time == 7 is false at size 1: 8, claimed == 7, at n = 1 (2 more, too)" in outcome.err
    )
    Path("trap.pram").write_text(TRAP.replace("single", "claim time == 1\nsingle"))
    outcome = do("run trap.pram --sizes 3,4")
    assert outcome.status == WRONG and "claim time == 1 is false at size 3" in outcome.err


def test_wrong_outputs_are_told_with_their_size(do: Do) -> None:
    Path("tiny.py").write_text(
        SIDECAR.format(inputs='{"n": size}, {"A": [1] * size}', oracle='{"A": [2, 2][: len(arrays["A"])]}')
    )
    outcome = do("run tiny.pram --sizes 1..3")
    assert outcome.status == WRONG and "must be 3 values" in outcome.err  # an array of another shape is no expected output
    Path("tiny.py").write_text(
        SIDECAR.format(inputs='{"n": size}, {"A": [1] * size}', oracle='{"A": [2 + (len(arrays["A"]) == 2)] * len(arrays["A"])}')
    )
    outcome = do("run tiny.pram --sizes 1..3")
    assert outcome.status == REFUTED and "FAILED: outputs are wrong: at size 2: " in outcome.err
    assert [row[-1] for row in rows(outcome.out)[3:6]] == ["right", "wrong", "right"]
    assert do("run tiny.pram --sizes 1..3 --no-sidecar").status == FINE


def test_a_place_warns_once(do: Do) -> None:
    Path("bare.pram").write_text("program bare\nparam n\nshared s : output, A[n]\nsingle do s := A[0] end\n")
    outcome = do("run bare.pram --sizes 1..3")
    assert outcome.status == FINE and outcome.err.count("which nothing has written") == 1
    assert do("run bare.pram --sizes 1..3 --strict").status == WRONG


@pytest.mark.parametrize("line", ["--sizes 1..3 --size 2", "--sizes 1..3 --input in.json", "--sizes 3..1", "--sizes many"])
def test_misuse(line: str, do: Do) -> None:
    assert do(f"run tiny.pram {line}").status == MISUSED
