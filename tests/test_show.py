"""Tests `lockstep show`, its gallery, and the page of a failed check. What a page does is tested in a browser."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from faults.constructions import misread
from kit.commands import FINE, MISUSED, REFUTED, WRONG, Do
from oracles.trace_reader import DecodeReader, Reader
from typer.testing import CliRunner

import lockstep
from lockstep.cli import app
from lockstep.commands.show import command, gallery
from lockstep.common.tracing import page
from lockstep.compiler.names import EVERY, lacking

#: The marks of a page, without what plays it.
TEMPLATE = f'<title>t</title><script id="header">{page.HEADER}</script><script id="columns">{page.COLUMNS}</script>'
CLASH = "program clash\nparam n\nprocs n\nshared A[n] : input, s : output\nparallel for i in 0 .. n - 1 do\n  s := A[0]\nend\n"
MIX = "program mix\nparam n\nprocs n\nshared A[n] : inout in 2 .. 30\nfor j in 1 .. n do A[pid] := A[pid] ^ (n + j) end\n"


@pytest.fixture(autouse=True)
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is only its marks."""
    path = tmp_path / "viewer" / "page.html"
    path.parent.mkdir()
    path.write_text(TEMPLATE)
    monkeypatch.setattr(page, "TEMPLATE", path)


def shown(path: str) -> Reader:
    """The trace in a page."""
    found = re.fullmatch(
        re.escape(TEMPLATE).replace(page.HEADER, "(.*)").replace(page.COLUMNS, "(.*)"), Path(path).read_text(), re.DOTALL
    )
    assert found
    return Reader(json.loads(found[1]), base64.b64decode(found[2]))


def names(reader: Reader) -> list[str]:
    return [process["construction"] for process in reader.header["processes"]]


def test_a_page_has_the_run_and_two_decodes(do: Do) -> None:
    outcome = do("show tree_sum --size 3 --seed 2")
    assert outcome == (FINE, "wrote tree_sum.html\n", "")
    reader = shown("tree_sum.html")
    record = json.loads(do("run tree_sum --size 3 --seed 2 --json").out)
    *_, (memory, _) = reader.machine()
    assert names(reader) == ["mdm", "ap-mdm"] and reader.header["T"] == record["time"]
    assert memory[reader.header["outputs"][0]] == record["outputs"]["total"]
    *_, last = DecodeReader(reader, 1).steps()
    assert DecodeReader(reader, 1).split(last.after[1])[1] == record["outputs"]["total"]
    assert len(reader.header["processes"][0]["heads"]) > 5


@pytest.mark.parametrize(
    "first, second", [("arm", "arm erasing"), ("ap-mdm two-step", "ap-mdm one-step"), ("ao-mdm", "masked-arm")]
)
def test_any_two_rows_of_compare_stand_side_by_side(
    first: str, second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["show", "tree_sum", "--size", "2", "--process", first, "--process", second, "--no-heads", "-o", "two.html"]
    assert CliRunner().invoke(app, arguments).exit_code == FINE
    reader = shown("two.html")
    assert names(reader) == [first.removesuffix(" two-step"), second]
    assert all(not process["heads"] for process in reader.header["processes"])
    assert not any(".head." in name for name in reader.header["columns"])


def test_all_takes_every_row_that_has_the_program(do: Do) -> None:
    Path("adds.pram").write_text(
        "program adds\nmode CRCW sum\nparam n\nprocs n\nword 4\nshared s : output\nparallel for i in 0 .. n - 1 do s := 1 end\n"
    )
    assert do("show adds.pram --size 2 --process all").status == FINE
    assert names(shown("adds.html")) == [name for name in EVERY if not lacking(name, ["sum"])]
    refused = do("show adds.pram --size 2 --process mdm --process all --gallery .")
    assert refused.status == MISUSED


def test_an_order_goes_to_the_processes_that_take_it(do: Do) -> None:
    assert do("show tree_sum --size 2 --order right-to-left").status == FINE
    assert [process["order"] for process in shown("tree_sum.html").header["processes"]] == ["right-to-left", "parallel"]


def test_a_run_that_fails_has_a_page_and_the_message_of_run(do: Do) -> None:
    Path("clash.pram").write_text(CLASH)
    outcome, plain = do("show clash.pram --size 3"), do("run clash.pram --size 3")
    assert (outcome.status, outcome.err) == (WRONG, plain.err) and outcome.out == "wrote clash.html\n"
    header = shown("clash.html").header
    assert header["processes"] == [] and header["error"]["message"] in plain.err and header["error"]["kind"] == "read"


def test_a_model_that_is_wrong_has_a_page_that_says_so(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mix.pram").write_text(MIX)
    misread(monkeypatch, "mdm", "xor", "or")
    outcome = do("show mix.pram --size 3 --process mdm")
    wrong = shown("mix.html").header["processes"][0]["wrong"]
    assert outcome.status == REFUTED and outcome.err.startswith("FAILED: decoding step") and wrong["message"] in outcome.err


def test_the_page_opens_in_a_browser(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    assert do("show tree_sum --size 1 --open").status == FINE
    assert opened == [Path("tree_sum.html").resolve().as_uri()]


@pytest.mark.parametrize(
    "flags, message",
    [
        ("", "give a program, or --gallery FOLDER for all examples"),
        ("tree_sum", "an input is missing"),
        ("tree_sum --size 2 --process nope", "'nope' is none of all, mdm, ap-mdm"),
        ("tree_sum --size 2 --process ap-mdm --order random", "its only order is parallel"),
        ("tree_sum --size 2 --every 3", "this is for --process arm --schedule erasing"),
        ("tree_sum --size 2 -o nowhere/t.html", "there is no directory nowhere"),
        ("tree_sum --gallery .", "--gallery shows all examples: leave FILE out"),
        ("--gallery nowhere", "there is no directory nowhere"),
    ],
)
def test_what_cannot_be_shown(do: Do, flags: str, message: str) -> None:
    outcome = do(f"show {flags}")
    assert outcome.status == MISUSED and message in " ".join(outcome.err.split())
    assert not list(Path().glob("*.html"))


def test_every_construction_has_a_name() -> None:
    assert set(command.NAMES.values()) == set(EVERY)


# -- the gallery ---------------------------------------------------------------------------------


def test_a_gallery_has_a_page_of_each_example(do: Do, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    for name in ("tree_sum", "dyck"):
        for suffix in ("pram", "py"):
            (tmp_path / "examples" / f"{name}.{suffix}").write_bytes((gallery.EXAMPLES / f"{name}.{suffix}").read_bytes())
    monkeypatch.setattr(gallery, "EXAMPLES", tmp_path / "examples")
    Path("pages").mkdir()
    outcome = do("show --gallery pages --process mdm")
    assert outcome == (FINE, "wrote pages/index.html\n", "")
    index = Path("pages/index.html").read_text()
    assert re.findall('href="(.*?)"', index) == ["dyck.html", "tree_sum.html"]
    assert "the sum of n numbers" in index
    for name in ("dyck", "tree_sum"):
        reader = shown(f"pages/{name}.html")
        assert names(reader) == ["mdm"] and f'<td class="number">{reader.header["T"]:,}</td>' in index


# -- a failed check ------------------------------------------------------------------------------


def test_a_failed_check_leaves_a_page(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mix.pram").write_text(MIX)
    misread(monkeypatch, "ap-mdm", "xor", "or")
    outcome = do("verify mix.pram --sizes 3 --random 1 --process ap-mdm --shrink 1")
    assert outcome.status == REFUTED and "; mix-failing.html shows it; to repeat it:" in outcome.out
    reader = shown("mix-failing.html")
    given = json.loads(Path("mix-failing.json").read_text())
    assert (
        reader.header["params"] == given["params"]
        and reader.column("machine.start")[: len(given["arrays"]["A"])] == given["arrays"]["A"]
    )
    (process,) = reader.header["processes"]
    assert process["construction"] == "ap-mdm" and process["wrong"] is not None
    record: dict[str, Any] = json.loads(do("verify mix.pram --sizes 3 --random 1 --process ap-mdm --shrink 1 --json").out)
    assert record["failing"]["page"] == "mix-failing.html"


def test_a_check_that_holds_leaves_no_page(do: Do) -> None:
    Path("mix.pram").write_text(MIX)
    assert do("verify mix.pram --sizes 2 --random 1").status == FINE
    assert not Path("mix-failing.html").exists()


def test_a_page_that_cannot_be_written_hides_nothing(do: Do, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path("mix.pram").write_text(MIX)
    misread(monkeypatch, "mdm", "xor", "or")
    monkeypatch.setattr(page, "TEMPLATE", tmp_path / "no such file")
    outcome = do("verify mix.pram --sizes 2 --random 1 --shrink 0")
    assert outcome.status == REFUTED and "mix-failing.json" in outcome.out and "shows it" not in outcome.out
    assert "error: the failing input cannot be shown: FileNotFoundError" in outcome.err


# -- from Python ---------------------------------------------------------------------------------


def test_lockstep_trace() -> None:
    program = lockstep.load("tree_sum")
    trace = lockstep.trace(program, {"n": 4}, {"A": [3, 1, 4, 1]}, processes=["mdm", "arm erasing"], every=2)
    assert repr(trace).startswith("<Trace: tree_sum, 43 steps, mdm, arm erasing, ")
    reader = Reader(json.loads(trace.json()), trace.packed)
    assert reader.header["processes"][1]["letters"]["L"] == 2 and reader.column("machine.start")[:4] == [3, 1, 4, 1]
    drawn = lockstep.trace(program, size=3, processes=[], seed=1)
    assert drawn.header["params"] == {"n": 3} and drawn.header["processes"] == [] and not drawn.failed


def test_lockstep_trace_of_a_winner() -> None:
    program = lockstep.parse_program(
        "program w mode CRCW arbitrary param n procs n shared s : output parallel for i in 0 .. n - 1 do s := i end"
    )
    for winner, wins in (("lowest", 0), ("highest", 3)):
        trace = lockstep.trace(program, {"n": 4}, winner=winner, processes=["mdm"])
        *_, (memory, _) = Reader(json.loads(trace.json()), trace.packed).machine()
        assert (trace.header["winner"], memory) == (winner, [wins])


def test_lockstep_trace_takes_one_input() -> None:
    program = lockstep.load("tree_sum")
    with pytest.raises(ValueError, match="give params and arrays, or a size"):
        lockstep.trace(program)
    with pytest.raises(ValueError, match="give params and arrays, or a size"):
        lockstep.trace(program, {"n": 1}, {"A": [1]}, size=3)
