"""AO-MDM and Masked-ARM at the command line: orders, permutation files, model files, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.commands import Do

TREE_SUM = "tree_sum --size 1"
#: The masked positions of that run.
MASKED = range(6, 34)


@pytest.mark.parametrize("process", ["ao-mdm", "masked-arm"])
def test_a_permutation_comes_from_a_file(alone: Do, process: str) -> None:
    Path("order.txt").write_text("# last to first\n" + "\n".join(map(str, reversed(MASKED))))
    found = json.loads(alone(f"decode {TREE_SUM} --process {process} --permutation order.txt --json").out)
    backwards = json.loads(alone(f"decode {TREE_SUM} --process {process} --order right-to-left --json").out)
    assert (found.pop("order"), backwards.pop("order")) == ("permutation", "right-to-left")
    assert found == backwards and found["decoding_steps"] == len(MASKED)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("6 7\n7 8", "order.txt:2:1: error: position 7 comes a second time: write each masked position once"),
        ("6 5", "order.txt:1:3: error: position 5 is not masked at the start: write each masked position once"),
        ("6 7 9", "order.txt:1:6: error: position 8 is missing: write each of the 28 masked positions, 6 .. 33, once"),
        ("6 seven", "order.txt:1:3: error: `seven` is no position: write numbers from 0"),
        ("", "order.txt:1:1: error: position 6 is missing: write each of the 28 masked positions, 6 .. 33, once"),
    ],
)
def test_what_is_no_permutation_is_refused(alone: Do, text: str, says: str) -> None:
    Path("order.txt").write_text(text)
    outcome = alone(f"decode {TREE_SUM} --process masked-arm --permutation order.txt")
    assert outcome.status == 1 and outcome.err.splitlines()[0] == says


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (f"decode {TREE_SUM} --process ao-mdm --order parallel", "ao-mdm writes one token in a decoding step: its orders are"),
        (f"decode {TREE_SUM} --process masked-arm --order random", "the order of masked-arm is fixed before its first decoding step"),
        (f"decode {TREE_SUM} --process ao-mdm --schedule one-step", "ao-mdm has no one-step schedule"),
        ("prove tree_sum --process masked-arm", "masked-arm has the layers of mdm between its own two: prove --process mdm"),
        ("sweep tree_sum --process masked-arm", "is not one of 'mdm', 'ap-mdm', 'arm', 'revision', 'all'"),
    ],
)  # fmt: skip
def test_what_a_process_does_not_take_is_refused(alone: Do, arguments: str, says: str) -> None:
    outcome = alone(arguments)
    assert outcome.status == 2 and says in " ".join(outcome.err.split())


def test_a_model_file_of_masked_arm(alone: Do) -> None:
    """It takes every order by position; an order by kind has other weights."""
    assert alone("compile tree_sum --process masked-arm --time-bits 4 --pid-bits 2 --word-bits 8 --out m.safetensors").status == 0
    assert alone("certify m.safetensors").status == 0
    for order in ("left-to-right", "right-to-left", "permutation"):
        outcome = alone(f"decode m.safetensors --size 1 --order {order} --json")
        assert outcome.status == 0 and json.loads(outcome.out)["decoding_steps"] == len(MASKED)
    outcome = alone("decode m.safetensors --size 1 --order most-confident")
    assert outcome.status == 1 and "this model orders tokens by their positions alone" in outcome.err


def test_verify_shows_theorem_3(alone: Do) -> None:
    outcome = alone("verify tree_sum --sizes 1 --random 1 --process masked-arm --order most-confident --json")
    assert outcome.status == 0
    checks = {c["what"]: (c["bound"], c["measured"]) for c in json.loads(outcome.out)["checks"] if c["process"] == "masked-arm"}
    assert checks["every token"] == ("right after every step", "1 of 1")
    assert checks["decoding steps"] == ("3 P T + out", "28")
    assert checks["context length"] == ("1 + h + inp + 2 out + 6 P T", "62")
    assert checks["depth"] == ("3 + 2", "5")
