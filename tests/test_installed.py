"""What comes with an installation: example programs, found by name; a doctor; `python -m lockstep`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do

import lockstep
from lockstep.commands import doctor
from lockstep.common.finding import EXAMPLES, TASKS, find_program
from lockstep.models.engines import ENGINES

NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "examples").glob("*/*.pram"))


def test_examples_are_listed_printed_and_copied(do: Do) -> None:
    listed = json.loads(do("examples --json").out)
    assert [row["program"] for row in listed] == NAMES and all(row["about"] for row in listed)
    table = do("examples").out
    assert all(name in table for name in NAMES)
    text = (EXAMPLES / "tree_sum.pram").read_text()
    assert do("examples tree_sum").out == text
    assert json.loads(do("examples tree_sum --json").out)["text"] == text
    copied = do("examples tree_sum --copy .")
    assert copied.out == "wrote tree_sum.pram\nwrote tree_sum.py\n" and Path("tree_sum.pram").read_text() == text
    again = do("examples tree_sum --copy .")
    assert again.status == WRONG and "this file exists" in again.err
    assert do("run tree_sum.pram --size 3").status == FINE


def test_a_copy_writes_both_files_or_none(do: Do) -> None:
    Path("tree_sum.py").write_text("mine")
    assert do("examples tree_sum --copy .").status == WRONG
    assert not Path("tree_sum.pram").exists() and Path("tree_sum.py").read_text() == "mine"


@pytest.mark.parametrize(
    "line", ["examples nothing", "examples ../programs/tree_sum", "examples --copy .", "examples tree_sum --copy no"]
)
def test_wrong_uses_of_examples(line: str, do: Do) -> None:
    assert do(line).status == MISUSED and not Path("tree_sum.pram").exists()


def test_programs_are_found_by_name(do: Do, tmp_path: Path) -> None:
    found = do("run tree_sum --size 3 --json")
    assert found.status == FINE and json.loads(found.out)["right"] is True
    Path("tree_sum.pram").write_text("program tree_sum\nshared mine : output\nsingle do\n  mine := 7\nend\n")
    assert json.loads(do("run tree_sum --json").out)["outputs"] == {"mine": 7}  # the one here comes first
    assert do("run tree_som --size 3").status == WRONG


def test_check_fmt_and_load_find_programs_by_name(do: Do) -> None:
    assert do("check tiny tree_sum").out.startswith("tiny.pram: fine: ")
    assert lockstep.load("tree_sum").name == "tree_sum" and lockstep.load("tiny").name == "tiny"
    before = (EXAMPLES / "tree_sum.pram").read_bytes()
    assert do("fmt tiny").status == FINE and do("fmt --check tiny").status == FINE
    written = do("fmt tree_sum")  # what is installed is not written to
    assert written.status == WRONG and "no such file" in written.err and (EXAMPLES / "tree_sum.pram").read_bytes() == before


def test_the_doctors_last_line(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    assert do("doctor").out.rstrip().endswith("all is well")
    monkeypatch.setattr(doctor, "LIBRARIES", ("no-such-library",))
    ill = do("doctor")
    assert ill.status == REFUTED and "FAILED: 1 of " in ill.out.rstrip().splitlines()[-1]


def test_what_is_found_for_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_program(Path("tree_sum")) == EXAMPLES / "tree_sum.pram"
    assert find_program(Path("min_cut")) == TASKS / "min_cut.pram"
    for path in ("tree_sum.pram", "folder/tree_sum", "nothing"):
        assert find_program(Path(path)) == Path(path)
    Path("tree_sum").mkdir()  # what is here is never passed over
    assert find_program(Path("tree_sum")) == Path("tree_sum")
    Path("tree_sum.pram").touch()
    assert find_program(Path("tree_sum")) == Path("tree_sum.pram")


def test_the_doctor_finds_nothing_wrong(do: Do) -> None:
    seen = do("doctor --json")
    record = json.loads(seen.out)
    assert seen.status == FINE and record["holds"] and all(row["holds"] for row in record["findings"])
    assert {"engine dense", "engine active", "engine indexed", "torch"} <= {row["what"] for row in record["findings"]}


def test_the_doctor_finds_what_is_missing_and_what_is_wrong(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", ("numpy", "no-such-library"))
    monkeypatch.setattr("lockstep.decode", lambda *given, engine: (_ for _ in ()).throw(RuntimeError(f"no {engine}")))
    seen = do("doctor --json")
    wrong = {row["what"]: row["found"] for row in json.loads(seen.out)["findings"] if not row["holds"]}
    assert seen.status == REFUTED and wrong["engine dense"] == "RuntimeError: no dense"
    assert set(wrong) == {"no-such-library", *(f"engine {engine}" for engine in ENGINES)}


def test_lockstep_is_a_module() -> None:
    ran = subprocess.run([sys.executable, "-m", "lockstep", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == "0.1.0\n"
