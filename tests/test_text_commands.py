"""new, check, fmt, profile and modes at the command line: what they print, write and return."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from kit.commands import FINE, MISUSED, REFUTED, TINY, WRONG, Do, rows
from rich.console import Console

from lockstep.commands import fmt
from lockstep.commands.profile import profile_table
from lockstep.pram.format import format_text
from lockstep.pram.profile import profile
from lockstep.pram.program import load

EXAMPLES = Path(__file__).parent.parent / "examples" / "programs"
NEAT = "program tiny\nparam  n\nprocs  n\nshared A[n] : inout\nclaim  time == 8\n\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"


# -- new ---------------------------------------------------------------------------------------------


def test_a_new_program_runs_and_verifies(do: Do) -> None:
    made = do("new first")
    assert (made.status, made.err) == (FINE, "")
    assert made.out.startswith("first.pram is a program. first.py draws its inputs and has its oracle.")
    for line in made.out.splitlines():
        if line.startswith("  lockstep") and "verify" not in line:
            assert do(line.split("  ")[1].removeprefix("lockstep ")).status == FINE, line
    report = json.loads(do("verify first.pram --sizes 1..6 --max-context 100 --json").out)
    verdicts = {(check["what"], check["verdict"]) for check in report["checks"]}
    assert {("machine outputs", "checked"), ("claim time", "checked"), ("every token", "checked")} <= verdicts
    assert do("fmt first.pram --check").status == FINE
    assert json.loads(do("modes first.pram --json").out)["weakest"] == ["EREW", "CROW"]


def test_a_new_program_that_errs_is_found(do: Do) -> None:
    """The oracle beside it judges."""
    do("new first")
    path = Path("first.pram")
    path.write_text(path.read_text().replace("other > A[i]", "other < A[i]"))
    assert do("verify first.pram --max-context 0").status == REFUTED


@pytest.mark.parametrize("there", ["first.pram", "first.py"])
def test_new_overwrites_nothing(there: str, do: Do) -> None:
    Path(there).write_text("mine")
    assert do("new first") == (WRONG, "", f"{there}: error: this file exists; nothing was written\n")
    assert [p.name for p in Path().iterdir() if p.stem == "first"] == [there]
    assert Path(there).read_text() == "mine"


def test_new_writes_both_or_none(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def refuse(path: Path, text: str, **options: str) -> int:
        if path.suffix == ".py":
            raise OSError(28, "No space left on device")
        return write(path, text, **options)

    before = set(Path().iterdir())
    monkeypatch.setattr(Path, "write_text", refuse)
    assert do("new first") == (WRONG, "", "error: [Errno 28] No space left on device\n")
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("3x", "'3x' is no name: names are made of ASCII letters, digits and `_`, and start with no digit"),
        ("a/b", "'a/b' is no name"),
        ("größe", "'größe' is no name"),
        ("while", "'while' is a reserved word of the language"),
        ("pid", "'pid' is a reserved word of the language"),
        ("first.pram", "give the name without `.pram`: first"),
    ],
)
def test_what_is_no_name(name: str, why: str, do: Do) -> None:
    before = set(Path().iterdir())
    outcome = do(f"new {name}")
    assert outcome.status == MISUSED and why in outcome.err
    assert set(Path().iterdir()) == before


# -- check -------------------------------------------------------------------------------------------


def test_check_says_what_a_program_is(do: Do) -> None:
    assert do(f"check tiny.pram plain.pram {EXAMPLES / 'turing.pram'}") == (
        FINE,
        "tiny.pram: fine: program tiny, EREW, parameter n, 12 instructions, 3 registers\n"
        "plain.pram: fine: program plain, EREW, no parameters, 7 instructions, 1 register\n"
        f"{EXAMPLES / 'turing.pram'}: fine: program turing, EREW, parameters q, cells, 33 instructions, 7 registers\n",
        "",
    )


def test_check_looks_at_all_files(do: Do) -> None:
    Path("bad.pram").write_text("program bad\nlocal x := y\nz := 1\n")
    outcome = do("check no.pram bad.pram plain.pram")
    assert outcome.status == WRONG
    assert outcome.out == "plain.pram: fine: program plain, EREW, no parameters, 7 instructions, 1 register\n"
    assert [line for line in outcome.err.splitlines() if "error:" in line] == [
        "no.pram: error: no such file",
        "bad.pram:2:12: error: undeclared name `y`",
        "bad.pram:3:1: error: undeclared name `z`; to make a new local, write `local z := ...`",
    ]
    bad, plain = json.loads(do("check bad.pram plain.pram --json").out)
    assert bad["errors"][0] == {"message": "undeclared name `y`", "line": 2, "column": 12}
    assert plain == {
        "file": "plain.pram", "program": "plain", "mode": "EREW", "parameters": [], "instructions": 7, "registers": 1,
    }  # fmt: skip


# -- fmt ---------------------------------------------------------------------------------------------


def test_fmt_writes_what_changes_and_only_that(do: Do) -> None:
    Path("neat.pram").write_text(NEAT)
    os.utime("neat.pram", (1, 1))
    os.chmod("tiny.pram", 0o640)
    assert do("fmt tiny.pram neat.pram") == (FINE, "tiny.pram formatted\n", "")
    assert Path("tiny.pram").read_text() == NEAT == format_text(TINY)
    assert Path("tiny.pram").stat().st_mode & 0o777 == 0o640
    assert Path("neat.pram").stat().st_mtime == 1
    assert do("fmt tiny.pram neat.pram") == (FINE, "", "")


def test_fmt_check_names_files_and_writes_nothing(do: Do) -> None:
    Path("neat.pram").write_text(NEAT)
    assert do("fmt --check tiny.pram neat.pram liar.pram") == (REFUTED, "tiny.pram would change\nliar.pram would change\n", "")
    assert Path("tiny.pram").read_text() == TINY
    assert do("fmt --check neat.pram") == (FINE, "", "")


def given(data: bytes) -> io.TextIOWrapper:
    """A standard input that holds these bytes."""
    return io.TextIOWrapper(io.BytesIO(data))


def test_fmt_prints(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    assert do("fmt --stdout tiny.pram") == (FINE, NEAT, "")
    assert Path("tiny.pram").read_text() == TINY
    monkeypatch.setattr(sys, "stdin", given(TINY.encode()))
    assert do("fmt -") == (FINE, NEAT, "")
    monkeypatch.setattr(sys, "stdin", given(NEAT.encode()))
    assert do("fmt --check -") == (FINE, "", "")
    assert do("fmt --check --stdout tiny.pram").status == MISUSED
    monkeypatch.setattr(sys, "stdin", given(b"program \xff"))
    assert do("fmt -") == (
        WRONG,
        "",
        "<stdin>:1:9: error: not UTF-8 text: 0xff at byte 9\n  program \N{REPLACEMENT CHARACTER}\n          ^\n",
    )


def test_fmt_of_what_does_not_parse_loses_nothing(do: Do) -> None:
    Path("bad.pram").write_text("program bad\nlocal x : 1\n")
    outcome = do("fmt bad.pram tiny.pram")
    assert (outcome.status, outcome.out) == (WRONG, "tiny.pram formatted\n")
    assert outcome.err.startswith("bad.pram:2:9: error: unexpected `:`; expected `,` or `:=` or `[`")
    assert Path("bad.pram").read_text() == "program bad\nlocal x : 1\n"


def test_fmt_that_cannot_write_loses_nothing(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fmt, "write_atomically", refuse)
    assert do("fmt tiny.pram") == (WRONG, "", "tiny.pram: error: No space left on device\n")
    assert Path("tiny.pram").read_text() == TINY


def test_fmt_follows_links(do: Do) -> None:
    Path("link.pram").symlink_to("tiny.pram")
    assert do("fmt link.pram").status == FINE
    assert Path("link.pram").is_symlink() and Path("tiny.pram").read_text() == NEAT


# -- profile -----------------------------------------------------------------------------------------


def test_profile_shows_the_listing(do: Do) -> None:
    outcome = do("profile tiny.pram --input in.json")
    assert (outcome.status, outcome.err) == (FINE, "")
    assert rows(outcome.out) == [
        ["tiny: where the steps go"],
        ["line", "steps", "share", "work", "accesses", "source"],
        ["─" * len(outcome.out.splitlines()[3].strip())],
        ["1", "program tiny"],
        ["2", "param n"],
        ["3", "procs n"],
        ["4", "shared A[n] : inout"],
        ["5", "claim time == 8"],
        ["6", "7", "87.5%", "28", "8", "parallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end"],
        ["1", "12.5%", "4", "0", "(end of the program)"],
        ["total", "8", "100.0%", "32", "8"],
    ]


def test_a_narrow_terminal_drops_comments_and_wraps_the_source_but_not_the_numbers(do: Do) -> None:
    program = load(EXAMPLES / "dyck.pram")
    found = profile(program.instantiate({"k": 2}, {"X": [0, 1, 2, 3]}))
    wide, narrow = io.StringIO(), io.StringIO()
    for file, width in ((wide, 200), (narrow, 70)):
        Console(file=file, width=width).print(profile_table(program, found, by_steps=False, bars=True))
    lines = narrow.getvalue().splitlines()
    assert max(map(len, lines)) <= 70
    narrowly = " ".join(" ".join(lines).replace("━", "").split())
    for whole in wide.getvalue().splitlines()[4:]:
        assert " ".join(whole.partition("#")[0].replace("━", "").split()) in narrowly
    assert "━" in wide.getvalue() and "━" not in do("profile tiny.pram --size 3").out


def test_profile_hottest_first(do: Do) -> None:
    Path("loop.pram").write_text("program loop\nlocal x := 0\nfor i in 1 .. 3 do\n  x := i\nend\n")
    assert [row[0:2] for row in rows(do("profile loop.pram --sort").out)[3:-1]] == [
        ["3", "15"],
        ["4", "3"],
        ["2", "1"],
        ["1", "5.0%"],
    ]
    record = json.loads(do("profile loop.pram --sort --json").out)
    assert record == {
        "program": "loop", "time": 20, "work": 20, "shared_accesses": 0,
        "lines": [
            {"line": 3, "steps": 15, "share": 0.75, "work": 15, "shared_accesses": 0},
            {"line": 4, "steps": 3, "share": 0.15, "work": 3, "shared_accesses": 0},
            {"line": 2, "steps": 1, "share": 0.05, "work": 1, "shared_accesses": 0},
            {"line": None, "steps": 1, "share": 0.05, "work": 1, "shared_accesses": 0},
        ],
    }  # fmt: skip


def test_profile_of_what_is_wrong(do: Do) -> None:
    assert do("profile tiny.pram").status == MISUSED
    stuck = do("profile stuck.pram --max-steps 10")
    assert (stuck.status, stuck.out) == (WRONG, "")
    assert stuck.err.startswith("stuck.pram:2:1: error: step 10: no halt within 10 steps")


# -- modes -------------------------------------------------------------------------------------------


def test_modes_in_one_table(do: Do) -> None:
    Path("any.pram").write_text("program any\nmode CRCW priority\nparam n\nprocs n\nshared s : output\ns := 1\n")
    outcome = do("modes any.pram --sizes 1..3")
    assert (outcome.status, outcome.err) == (FINE, "")
    shown = rows(outcome.out)
    assert shown[0] == ["any: access modes on 3 runs, n 1..3"]
    assert shown[3][:2] == ["EREW", "1 of 3"]
    assert "6:1: step 1: processors 0 and 1 write s (mode EREW)" in outcome.out and "(with n = 2)" in outcome.out
    assert ["ERCW common", "3 of 3", "weakest"] in shown and ["CRCW common", "3 of 3"] in [row[:2] for row in shown]
    assert shown[-1] == ["the weakest mode for these inputs is ERCW common; the program declares CRCW priority"]


def test_modes_of_one_input(do: Do) -> None:
    record = json.loads(do("modes tiny.pram --input in.json --json").out)
    assert (record["program"], record["declared"], record["weakest"]) == ("tiny", "EREW", ["EREW", "CROW"])
    assert record["modes"][0] == {
        "mode": "EREW", "ran": 1, "of": 1, "right": True, "winners": None, "trouble": None, "line": None, "params": None,
    }  # fmt: skip
    assert do("modes tiny.pram --size 3").status == FINE


def test_modes_where_none_will_do(do: Do) -> None:
    Path("under.pram").write_text("program under\nlocal x := 0\nx := x - 1\n")
    outcome = do("modes under.pram")
    assert outcome.status == REFUTED
    assert (
        outcome.err
        == "FAILED: the program declares EREW: step 2: processor 0: underflow: 0 - 1 is negative; `word 4 signed` has negative words\n"
    )
    assert ["EREW", "0 of 1"] in rows(outcome.out)
    assert ["EREW: 3:8: step 2: processor 0: underflow: 0 - 1 is negative; `word 4 signed` has negative words"] in rows(
        outcome.out
    )
    assert rows(outcome.out)[-1] == ["every mode has a run that fails or is wrong; the program declares EREW"]
    wrong = do("modes tiny.pram --input negative.json")
    assert (wrong.status, wrong.out) == (WRONG, "")
    assert wrong.err.startswith("negative.json:1:45: error: A[2] = -4 is not a word")
