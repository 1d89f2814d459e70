"""The deep tier, on little: what its parts find, that one which fails fails the whole, and the document of the last run."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import deep
import pytest
from kit.program_mutants import Found
from kit.sampler_runs import Piece, Tally
from typer.testing import CliRunner

LAST = Path(__file__).parent.parent / "docs" / "deep.md"
PROOF = {"construction": "mdm", "word_bits": 16, "holds": True, "seconds": 2.0, "obligations": [{}] * 9}
CAMPAIGN = {
    "held": 2, "undecoded": 1, "programs": 4, "steps": 50, "decoding_steps": 60, "decodes": {"mdm": 2},
    "refused": {"overflow": 1}, "seconds": 1.0,
    "coverage": {"statements": {"If": 7}}, "failing": None,
}  # fmt: skip


def ticks() -> None:
    pass


def failing(piece: Piece) -> tuple[Tally, str]:
    return Tally(), "step 2"


def overlooked(path: Path) -> Found:
    return Found(path.stem, Counter(missed=1), ("line 1",), ())


def unrepaired(*arguments: Any) -> None:
    raise AssertionError("state 3 stays wrong")


def answers(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Commands answer at once, and well, but for what is changed."""

    def answer(*command: str, bar: bool = False) -> tuple[int, Any]:
        if "mutation" in command:
            return changed.get("mutation", 0), {"mutants": [{"verdict": "killed", "area": "machine"}]}
        if "sudoku" in command:
            return changed.get("sudoku", 0), {"puzzles": [{"holds": "sudoku" not in changed, "decoding_steps": 7}]}
        return (3, CAMPAIGN | {"failing": {"command": "lockstep verify this"}}) if "fuzz" in changed else (0, CAMPAIGN)

    monkeypatch.setattr(deep, "answer", answer)
    monkeypatch.setattr(deep, "prove", lambda path: [PROOF | changed.get("proof", {})] * 3)


def test_a_real_proof_real_mutants_and_a_real_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "PROGRAMS", [path for path in deep.PROGRAMS if path.stem == "counter"])
    proved = deep.proofs(1, ticks)
    assert proved.holds and "of 1 programs in 6 constructions" in proved.found
    (((_, _, *constructions), ((program, bits, *cells),)),) = proved.tables
    assert constructions == ["mdm", "ap-mdm", "ap-mdm one-step", "arm", "arm erasing", "revision"] and program == "counter"
    assert int(bits) <= 16 and len(cells) == 6
    real = deep.answer
    few = ("--only", "word operations")
    monkeypatch.setattr(deep, "answer", lambda *command, **bar: real(*command, *(few if "mutation" in command else ()), **bar))
    assert "killed" in deep.mutants(1, ticks).found
    checked = deep.random_programs(4, 7, 1)
    assert checked.holds and " of 4 programs of seed 7" in checked.found


CHANGES: list[dict[str, Any]] = [
    {}, {"proof": {"holds": False}}, {"proof": {"seconds": 61.0}}, {"mutation": 3}, {"fuzz": 3}, {"samplers": 3}, {"repair": 3},
    {"sudoku": 3}, {"contracts": 3},
]  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES, ids=json.dumps)
def test_whatever_fails_fails_the_tier(changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, **changed)
    monkeypatch.setattr(deep, "SAMPLED", [(1, 1, 0)])
    if "samplers" in changed:
        monkeypatch.setattr(deep, "decoded", failing)
    monkeypatch.setattr(deep, "PROMISING", [path for path in deep.PROMISING if path.stem == "permutation"])
    if "contracts" in changed:
        monkeypatch.setattr(deep, "judged_file", overlooked)
    if "repair" in changed:
        monkeypatch.setattr(deep, "hits_repaired", unrepaired)
    monkeypatch.setattr(deep, "every_change_repaired", lambda states: 5)
    monkeypatch.setattr(deep, "PROGRAMS", [path for path in deep.PROGRAMS if path.stem == "or_constant"])
    app = deep.typer.Typer()
    app.command()(deep.main)
    outcome = CliRunner().invoke(app, ["--programs", "4", "--markdown", str(tmp_path / "deep.md")])
    assert outcome.exit_code == (3 if changed else 0)
    text = (tmp_path / "deep.md").read_text()
    assert "checked on 2 of 4 programs of seed 1, 1 left undecoded, 50 steps" in text
    assert ("FAILED: lockstep verify this" in text) == ("fuzz" in changed)
    assert ("0 of 1 puzzles of sudoku_hard are right" in text) == ("sudoku" in changed)
    assert ("FAILED: step 2" in text) == ("samplers" in changed)
    assert ("state 3 stays wrong" in text) == ("repair" in changed)
    assert ("FAILED: permutation line 1" in text) == ("contracts" in changed)
    assert text.count("| FAILED |") == bool(changed) and text.count("| held |") == 7 - bool(changed)


def test_a_command_that_crashes_is_no_answer() -> None:
    with pytest.raises(RuntimeError, match="exit status 1.*no such file"):
        deep.answer("lockstep.cli", "prove", "nowhere.pram", "--json")


def test_the_last_run_is_of_the_whole_corpus_and_held() -> None:
    """Every program that was checked was decoded, in one construction."""
    text = LAST.read_text()
    assert "FAILED" not in text and text.count("| held |") == len(json.loads(LAST.with_suffix(".json").read_text())) >= 3
    checked = re.search(r"checked on ([0-9,]+) of 100,000 programs", text)
    decoded = re.search(r"; decoded: (.*?);", text)
    assert checked and decoded
    counts = [int(n.replace(",", "")) for n in re.findall(r" ([0-9]{1,3}(?:,[0-9]{3})*)(?:,|$)", f" {decoded[1]}")]
    assert len(counts) == 3 and sum(counts) == int(checked[1].replace(",", ""))
    later = re.search(r"^Programs that came after this run, so that it did not prove them: (.*)\.$", text, re.MULTILINE)
    missing = [path.stem for path in deep.PROGRAMS if f"| {path.stem} | " not in text]
    assert missing == (later[1].split(", ") if later else [])
