"""Sweeps: what is checked, computed, failed and stopped, and what the report says of it."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from kit.commands import Do
from kit.sweeps import GOOD, TINY, Told, failed, files, made, swept, table

from lockstep import __version__
from lockstep.commands.report.looks import LOOKS
from lockstep.commands.report.page import page
from lockstep.commands.report.plots import VARIABLES
from lockstep.commands.report.survey import survey
from lockstep.commands.report.values import Extent
from lockstep.common.tables import LEGEND
from lockstep.compiler.compile import CONSTRUCTIONS
from lockstep.compiler.names import DERIVED
from lockstep.pram.program import load
from lockstep.proofs_check.constructions import FACTS
from lockstep.proofs_check.sweeps import check
from lockstep.proofs_check.sweeps.plan import Limits, Subject, Task
from lockstep.proofs_check.sweeps.pool import InProcess
from lockstep.proofs_check.sweeps.result import CHECKED, FAILED, STOPPED, Result
from lockstep.proofs_check.sweeps.store import SUBJECT, writing
from lockstep.proofs_check.sweeps.sweep import sweep
from lockstep.proofs_check.theorems import BOUNDS

DOCS = Path(__file__).parent.parent / "docs" / "sweep.md"
#: Runs 5 n + 4 steps and longer.
COUNT = "program count\nparam n\nclaim time <= 9 * n + 9\nshared s : output\nfor i in 1 .. n do single do s := i end end\n"


# -- what is found -----------------------------------------------------------------------------


def test_checked_and_computed_are_told_apart(alone: Do) -> None:
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    outcome = alone("sweep . --sizes 1..3 --random 2 --process all --max-context 60 --workers 0 --json")
    assert outcome.status == 0, outcome.err
    (program,) = json.loads(outcome.out)["programs"]
    job = load("tiny.pram").instantiate({"n": 2}, {"A": [0, 0]})
    assert (
        BOUNDS["mdm"].peak_context(job, 8)
        <= 60
        < BOUNDS["mdm"].peak_context(load("tiny.pram").instantiate({"n": 3}, {"A": [0] * 3}), 8)
    )
    assert (program["checked"], program["computed"], program["failed"], program["stopped"]) == (4, 2, 0, 0)
    for what, most in {
        "machine": 3,
        "mdm": 2,
        "ap-mdm": 3,
        "ap-mdm one-step": 3,
        "arm": 2,
        "arm erasing": 3,
        "revision": 3,
    }.items():
        assert program["checked_for"].pop(what) == {"sizes": [[1, most]], "params": {"n": [1, most]}}
    assert not program["checked_for"]
    found = table(Path("sweep.sqlite"))
    assert {(row["size"], row["status"]) for row in found["cases"]} == {(1, CHECKED), (2, CHECKED), (3, "computed")}
    for row in found["decodes"]:
        size, bound, context, steps = row["size"], BOUNDS[row["construction"]], row["context"], row["steps"]
        job = load("tiny.pram").instantiate({"n": size}, {"A": [0] * size})
        assert (context, steps) == (bound.peak_context(job, 8), bound.steps(job, 8))
        decoded = row["construction"] not in ("mdm", "arm") or size < 3
        measured = row["status"], row["measured_context"], row["measured_steps"]
        assert measured == ((CHECKED, context, steps) if decoded else ("computed", None, None))
    assert {row["size"] for row in found["checks"] if row["construction"] == "mdm"} == {1, 2}


@pytest.mark.parametrize("limit", ["--max-context 10", "--max-decoding-steps 8"])
def test_what_is_too_long_is_not_decoded(limit: str, alone: Do) -> None:
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    outcome = alone(f"sweep tiny.pram --sizes 1..2 --process mdm --workers 0 --json {limit}")
    (program,) = json.loads(outcome.out)["programs"]
    assert outcome.status == 3 and program["checked"] == 0 < program["computed"]
    assert program["checked_for"] == {"machine": {"sizes": [[1, 2]], "params": {"n": [1, 2]}}, "mdm": {"sizes": [], "params": {}}}


BAD = TINY.replace("tiny", "bad")
WRONG = {
    "oracle": (BAD, GOOD.replace("x + 1", "x + (2 if params['n'] == 2 else 1)"), "n 2: oracle says "),
    "sidecar": (BAD, GOOD.replace("rng.integers", "(size != 2 or 1 / 0) and rng.integers"), "bad.py:3:"),
    "claim": (BAD.replace("param n", "param n\nclaim time <= 8 - n / 2 % 2"), GOOD, "claim time: 8, claimed <= 7, at n = 2"),
    "trap": (BAD.replace("+ 1 end", "+ 1 - 20 * (n / 2 % 2) end"), GOOD, "bad.pram:5:"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_fails_is_recorded_and_stops_nothing(what: str, tmp_path: Path) -> None:
    program, sidecar, trouble = WRONG[what]
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD, bad_pram=program, bad_py=sidecar)
    swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1, 2, 4])
    bad, tiny = survey(tmp_path / "sweep.sqlite").programs
    assert (tiny.counts[FAILED], str(tiny.runs)) == (0, "sizes 1..2, 4, n 1..4")
    assert {case.size for case in bad.troubles} == {2} and str(bad.runs) == "sizes 1, 4, n 1..4"
    assert all(trouble in case.trouble and case.status == FAILED for case in bad.troubles)


def test_a_model_that_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    get = check.Models.get

    def damaged(self: check.Models, *arguments: Any) -> Any:
        compiled = get(self, *arguments)
        compiled.model.layers[2].w_out[:] = 0
        return compiled

    monkeypatch.setattr(check.Models, "get", damaged)
    monkeypatch.setattr(check, "_models", lambda sha256, dtype: check.Models(dtype))
    swept(tmp_path, tmp_path / "sweep.sqlite", limits=Limits(("ap-mdm",), "float64", 100, 100, 100), sizes=[2])
    found = survey(tmp_path / "sweep.sqlite")
    assert found.counts[FAILED] == found.counts.total() > 0 and str(found.programs[0].checked("ap-mdm")) == "nothing"
    assert "n 2: ap-mdm: decoding step 7" in found.programs[0].troubles[0].trouble
    assert {d.status for d in found.programs[0].decodes} == {FAILED}


def test_runs_that_do_not_end_get_no_verdict(alone: Do) -> None:
    files(Path(), count_pram=COUNT)
    options = "--process mdm --workers 0 --max-context 0 --random 1 --json"
    some = alone(f"sweep count.pram --sizes 1,2,40 --max-steps 100 {options}")
    (program,) = json.loads(some.out)["programs"]
    assert some.status == 0 and (program["computed"], program["stopped"]) == (2, 1)
    assert program["checked_for"]["machine"] == {"sizes": [[1, 2]], "params": {"n": [1, 2]}}
    none = alone(f"sweep count.pram --sizes 40,41 --max-steps 100 --out none.sqlite {options}")
    assert none.status == 3 and "count: no run came to an end within --max-steps 100: " in none.err
    files(Path(), count_pram=COUNT.replace("<= 9 * n + 9", "<= 90"))
    claimed = alone(f"sweep count.pram --sizes 1,2,40 --max-steps 100 {options}")
    program = json.loads(claimed.out)["programs"][0]
    assert claimed.status == 3 and "claims to take at most 90 steps" in program["failures"][0]["trouble"]


ENDLESS = """program endless
param n
shared t : output
claim time <= 200 / (n - 1)
local x := 1
while x > 0 do x := 1 end
t := x
"""


def test_a_claim_without_a_value_fails_a_run_that_does_not_end_and_stops_nothing(tmp_path: Path) -> None:
    files(tmp_path, endless_pram=ENDLESS, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", limits=Limits(("mdm",), "float64", 0, 0, 50), sizes=[1, 2, 3])
    endless, tiny = survey(tmp_path / "sweep.sqlite").programs
    assert str(tiny.runs) == "sizes 1..3, n 1..3"
    assert (endless.counts[FAILED], endless.counts[STOPPED]) == (1, 2)
    (case,) = (case for case in endless.troubles if case.status == FAILED)
    assert case.size == 1 and "endless.pram:4:19: error: division by zero" in case.trouble


def test_the_page_lists_the_options(alone: Do) -> None:
    sweeps, verifies = (
        set(re.findall(r"^  (--[a-z-]+)", alone(f"{c} --help").out, re.M)) - {"--help"} for c in ("sweep", "verify")
    )
    page = DOCS.read_text()
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.M)) == sweeps
    (missing,) = re.findall(r"Of the options of `verify` these are missing: ([^.]*)\.", page)
    assert set(re.findall(r"`(--[a-z-]+)`", missing)) == verifies - sweeps


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("sweep nothing.pram", 1, "nothing.pram: error: no such file"),
        ("sweep empty", 1, "empty: error: no programs (*.pram) in this folder"),
        ("sweep wrong.pram", 1, "wrong.pram:1:"),
        ("sweep tiny.pram --sizes 0", 2, "sizes start at 1"),
        ("sweep tiny.pram --process random", 2, "'random' is not one of 'mdm', 'ap-mdm', 'arm', 'revision', 'all'"),
        ("sweep tiny.pram --out no/where.sqlite", 2, "there is no directory no"),
        ("sweep tiny.pram --workers 1 --scheduler tcp://127.0.0.1:1", 2, "exclude each other"),
        ("sweep tiny.pram --out sweep.md", 2, "sweep.md is the database: a report would be written over it"),
        ("sweep tiny.pram --out sweep.html", 2, "sweep.html is the database: a report would be written over it"),
        ("report foo.md", 2, "foo.md is the database: a report would be written over it"),
        ("report kept.sqlite --out linked.html", 2, "linked.html is the database: a report would be written over it"),
        ("report empty.json", 1, "empty.json: error: this is no database of `lockstep sweep`: it is empty"),
        ("report nothing.sqlite", 1, "nothing.sqlite: error: no such file"),
        ("report tiny.pram", 1, "tiny.pram: error: this is no database of `lockstep sweep`"),
        ("report sweep.sqlite --out report.pdf", 2, "neither .md nor .html"),
    ],
)
def test_what_is_refused(line: str, status: int, message: str, alone: Do) -> None:
    files(Path(), tiny_pram=TINY, wrong_pram="program\n")
    Path("empty").mkdir()
    files(Path(), empty_json="", foo_md="kept", kept_sqlite="kept")
    Path("linked.html").symlink_to("kept.sqlite")
    outcome = alone(line)
    assert Path("foo.md").read_text() == Path("kept.sqlite").read_text() == "kept"
    assert (
        outcome.status == status and message in " ".join(outcome.err.replace("│", " ").split()) and "Traceback" not in outcome.err
    )
    assert not list(Path().glob("sweep.*"))


# -- what is said ------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags that are open, and everything that would be loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        sources = [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        self.loads += [source for source in sources if not source.startswith("#")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.open.remove(tag) if tag in self.open else None

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


def test_the_page_stands_alone(alone: Do) -> None:
    hostile = TINY.replace("procs n", "procs n      # <script>alert(1)</script>")
    files(Path(), tiny_pram=hostile, tiny_py=GOOD.replace("x + 1", "x + len(arrays['A']) // 3 + 1"))
    assert alone("sweep . --sizes 1..3 --random 2 --process all --max-context 40 --workers 0").status == 3
    text = Path("sweep.html").read_text()
    page = Page(text)
    assert not page.open and not page.loads and "<script" not in text and "@import" not in text and "url(http" not in text
    assert text.count("<svg") == 4 and not [colour for colour in VARIABLES if colour in text]
    assert all(f"{variable}:" in text for variable in VARIABLES.values())
    assert "2 checked, 2 computed, 2 failed" in text
    assert "<b>On the machine</b> checked for sizes 1–2, n 1–2<" in text and "<b>MDM</b> checked for size 1, n 1<" in text
    markdown = Path("sweep.md").read_text()
    assert "6 cases of 1 program: 2 checked, 2 computed, 2 failed." in markdown and "is unfinished" not in markdown + text
    today, legend = date.today().isoformat(), " ".join(LEGEND.split()).split("; space")[0]
    for report in (markdown, text):
        assert (
            f"Swept on {today} by Lockstep {__version__}: sizes 1..3, " in report
            and "2 random inputs of each size, seed 0." in report
        )
        assert legend in report and "the longest run of each" in report and "with seed 0." in report
    of_mdm = [row for row in table(Path("sweep.sqlite"))["checks"] if row["construction"] == "mdm"]
    (extent,) = {row["on"] for row in of_mdm if row["verdict"] == "certified"}
    assert (
        re.fullmatch(r"T \* P <= 2\^\d+", extent) and f"certified for {extent}".replace("<", "&lt;").replace(">", "&gt;") in text
    )
    labels = re.findall(r"[^>]*(?:decoding steps|context, tokens|PRAM steps T|, words)(?: \(logarithmic\))?</text>", text)
    assert (
        len(labels) == 7
        and all("(logarithmic)" in label for label in labels)
        and ">size</text>" in text
        and ">n</text>" not in text
    )
    assert "| tiny | 6 | 2 | 2 | 2 | 0 | sizes 1..2, n 1..2 | size 1, n 1 |" in markdown
    assert alone("report sweep.sqlite --out again.html").status == 3
    assert Path("again.html").read_text() == text and not Path("again.md").exists()


def test_names_are_escaped_on_the_page(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(failed))
    found = survey(tmp_path / "sweep.sqlite")
    cases = tuple(replace(case, trouble="<script>") for case in found.programs[0].cases)
    program = replace(found.programs[0], name="<script>", file="<script>", sha256='"<script>', cases=cases, namesake=True)
    text = page(replace(found, name="<script>", programs=(program,)))
    assert "&lt;script&gt;" in text and "<script" not in text and not Page(text).open


def test_every_construction_has_its_row() -> None:
    assert LOOKS.keys() == CONSTRUCTIONS.keys() == FACTS.keys() - DERIVED.keys()
    assert len({look.title for look in LOOKS.values()}) == len({look.light for look in LOOKS.values()}) == len(LOOKS)


class Stopped(InProcess):
    """Stops after four cases."""

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        yield from islice(super().results(tasks), 4)
        raise KeyboardInterrupt


def test_an_unfinished_sweep_is_said_to_be_one(alone: Do, tmp_path: Path) -> None:
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    with pytest.raises(KeyboardInterrupt), writing(Path("sweep.sqlite")) as store:
        sweep(made(tmp_path), store, lambda: nullcontext(Stopped()))
    outcome = alone("report sweep.sqlite")
    assert outcome.status == 0 and "sweep.sqlite: 4 of 6 cases of 1 program, unfinished" in outcome.out
    words = "4 of 6 cases of 1 program: 4 computed. The sweep is unfinished: the same command goes on from here."
    assert words in Path("sweep.md").read_text() and words in Path("sweep.html").read_text()
    assert "| tiny | 4 of 6 | 0 | 4 |" in Path("sweep.md").read_text()
    record = json.loads(alone("report sweep.sqlite --json").out)
    assert (record["cases"], record["missing"], record["programs"][0]["missing"]) == (4, 2, 2)
    swept(tmp_path, Path("sweep.sqlite"))
    record = json.loads(alone("report sweep.sqlite --json").out)
    told = {"date": date.today().isoformat(), "lockstep": __version__, "seed": 0, "random": 2, "sizes": [1, 2, 3]}
    assert (record["cases"], record["missing"], record["sweeps"]) == (6, 0, [told])
    assert "is unfinished" not in Path("sweep.md").read_text()
    swept(tmp_path, Path("sweep.sqlite"), seed=3)
    alone("report sweep.sqlite")
    text = Path("sweep.md").read_text()
    assert "12 cases of 1 program" in text and "with seeds 0, 3." in text and "seed 3." in text


def test_the_largest_extent_is_the_one_that_is_certified(alone: Do) -> None:
    """2^10 is more than 2^9, whatever their order as texts."""
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    assert alone("sweep . --sizes 1,2 --random 1 --process mdm --workers 0").status == 0
    with sqlite3.connect("sweep.sqlite") as connection:
        connection.execute("UPDATE checks SET \"on\" = 'T * P <= 2^9' WHERE verdict = 'certified' AND case_id = 1")
        connection.execute("UPDATE checks SET \"on\" = 'T * P <= 2^10' WHERE verdict = 'certified' AND case_id = 2")
    connection.close()
    alone("report sweep.sqlite")
    assert "certified for T \\* P \\<= 2^10 |" in Path("sweep.md").read_text()


def test_what_was_run_is_said_exactly() -> None:
    def said(*inputs: tuple[int, dict[str, int]]) -> str:
        return str(Extent.of(inputs))

    assert said(*((size, {"n": min(2, size)}) for size in range(1, 41))) == "sizes 1..40, n 1..2"
    assert said((5, {"n": 3, "k": 7}), (5, {"n": 1, "k": 7})) == "size 5, n 1..3, k 7"
    assert said(*((size, {}) for size in (17, 2, 1, 16, 4, 2))) == "sizes 1..2, 4, 16..17"
    assert said() == "nothing"


def test_the_key_has_everything_that_results_depend_on() -> None:
    kept = set(SUBJECT) - {"file", "program_sha256", "sidecar_file", "sidecar_sha256", "version", "libraries"}
    assert kept == set(Limits.__dataclass_fields__) and set(Task.__dataclass_fields__) == {
        "seed",
        "size",
        "number",
        "drawn",
        "subject",
    }
    assert set(Subject.__dataclass_fields__) == {"file", "program", "sidecar", "limits", "version", "libraries"}


def test_other_commands_do_not_pay_for_it() -> None:
    code = "import sys, lockstep.cli; print([m for m in ('dask', 'distributed', 'matplotlib', 'torch', 'sqlite3') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
