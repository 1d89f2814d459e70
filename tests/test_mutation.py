"""The table of mutants: each is caught by the check that it names, or is equivalent; and the judge cannot be fooled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from mutation import CHECKS, MUTANTS
from mutation.__main__ import FAILED, FINE, MISUSED, app, report
from mutation.planting import Rewrite
from mutation.show import markdown
from mutation.table import Check, Mutant
from mutation.verdicts import BROKEN, CRASHED, EQUIVALENT, KILLED, NOT_EQUIVALENT, SURVIVED, Judge, Score
from typer.testing import CliRunner

from lockstep.pram import access, word
from lockstep.pram.word import wrap

ROOT = Path(__file__).parent.parent
#: One judge, so that each check is run without a mutant once.
JUDGE = Judge(CHECKS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.name for m in MUTANTS])
def test_mutants_are_caught_or_equivalent(mutant: Mutant) -> None:
    verdict = JUDGE.verdict(mutant)
    assert verdict.verdict == (EQUIVALENT if mutant.equivalent else KILLED), verdict.found


def test_the_table() -> None:
    """At least 60 of weights, layouts, samplers, machine and lowering; names are unique, and every check catches something."""
    areas = Counter(m.area for m in MUTANTS)
    for area in ("weights", "layouts and positions", "transitions and samplers", "machine", "lowering"):
        assert areas[area] >= 15, area
    assert len(MUTANTS) >= 400 and sum(bool(m.equivalent) for m in MUTANTS) <= 15
    assert len({m.name for m in MUTANTS}) == len(MUTANTS)
    assert len({(m.plant.where, m.plant.change, m.check) for m in MUTANTS}) == len(MUTANTS)  # some are given to two checks
    killers = {m.check for m in MUTANTS if not m.equivalent}
    assert killers == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_checks_hold_without_a_mutant(check: str) -> None:
    assert JUDGE.by_itself(CHECKS[check]) == ""


NOTHING = Mutant(
    "nothing", "a comment less", Rewrite(wrap, "value & ((1 << bits) - 1)", "((1 << bits) - 1) & value"), "word table"
)
WRAPS_LATE = Rewrite(word.wrap, "(1 << bits) - 1", "(2 << bits) - 1")


def test_a_mutant_that_changes_nothing_survives(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert report([NOTHING], CHECKS, False, None) == FAILED
    shown = capsys.readouterr().out
    assert "SURVIVED (word table)" in shown and "0 of 1 mutants are caught" in shown and "SURVIVED: 1" in shown
    assert report([NOTHING], CHECKS, True, tmp_path / "m.md") == FAILED
    assert json.loads(capsys.readouterr().out)["mutants"][0]["verdict"] == SURVIVED
    assert "SURVIVED" in (tmp_path / "m.md").read_text()


def test_a_wrong_claim_of_equivalence_is_caught() -> None:
    claim = Mutant("words", "wrap late", WRAPS_LATE, "word table", equivalent="they say")
    assert JUDGE.verdict(claim).verdict == NOT_EQUIVALENT
    assert JUDGE.verdict(replace(claim, equivalent="")).verdict == KILLED
    assert JUDGE.verdict(replace(NOTHING, equivalent="& commutes")).verdict == EQUIVALENT


def test_a_crash_and_a_broken_check_catch_nothing() -> None:
    crash = Mutant("words", "no such name", Rewrite(word.wrap, "value &", "valu &"), "word table")
    assert JUDGE.verdict(crash).verdict == CRASHED
    not_there = Mutant("words", "no such text", Rewrite(word.wrap, "no such text", ""), "word table")
    assert "0 times, not once" in JUDGE.verdict(not_there).found
    failing = Check("fails", "nothing", lambda: pytest.fail("always"), (pytest.fail.Exception,))
    verdict = Judge({"fails": failing}).verdict(Mutant("words", "late", WRAPS_LATE, "fails"))
    assert (verdict.verdict, verdict.fine) == (BROKEN, False)


def test_nothing_stays_planted() -> None:
    """Whoever has imported a function runs the mutant inside, and the function as it was after it, errors or not."""
    with pytest.raises(ZeroDivisionError), WRAPS_LATE.planted():
        assert wrap(31, 4) == 31  # type: ignore[arg-type]
        raise ZeroDivisionError
    assert wrap(31, 4) == 15  # type: ignore[arg-type]
    before = dict(access.MODES)
    for mutant in MUTANTS:
        if mutant.plant.where.startswith("lockstep.pram.access.MODES"):
            with mutant.plant.planted():
                assert access.MODES != before
            assert access.MODES == before


def test_the_score_leaves_out_what_is_equivalent() -> None:
    verdicts = [JUDGE.verdict(NOTHING), JUDGE.verdict(replace(NOTHING, equivalent="& commutes"))]
    assert Score.of(verdicts) == Score(killed=0, equivalent=1, total=1)


def test_the_document_lists_the_table() -> None:
    """docs/mutation.md has a row for each mutant, with its killer, and was made from a run without survivors."""
    text = (ROOT / "docs" / "mutation.md").read_text()
    score = f"{sum(not m.equivalent for m in MUTANTS)} of {sum(not m.equivalent for m in MUTANTS)} mutants are caught"
    assert score in text
    for mutant in MUTANTS:
        how = "equivalent, shown by" if mutant.equivalent else "killed by"
        assert f"| {mutant.breaks} | `{mutant.plant.where}` | {how} {mutant.check}" in text, mutant.name
    assert markdown([], [], "x").startswith("# Mutants")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutation", *arguments], cwd=ROOT / "tests", capture_output=True, text=True, check=False
    )


def test_the_command() -> None:
    outcome = command("--only", "word operations: ")
    assert outcome.returncode == FINE, outcome.stderr
    assert "killed by word table" in outcome.stdout and "7 of 7 mutants are caught, 1 more are shown" in outcome.stdout
    misused = CliRunner().invoke(app, ["--only", "no such mutant"])
    assert (misused.exit_code, misused.stdout) == (MISUSED, "")
    assert "no mutant's name holds 'no such mutant'" in misused.stderr
