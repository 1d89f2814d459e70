"""Sweeps: what is checked, computed, failed and stopped; the database, which can be killed at any moment; the report."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from lockstep import cli
from lockstep.report.plots import VARIABLES
from lockstep.report.survey import survey
from lockstep.report.words import sizes_text
from lockstep.sweep import check, plan, pool
from lockstep.sweep.check import OtherVersion, check_task
from lockstep.sweep.plan import Limits, Plan, Subject, Task, subjects
from lockstep.sweep.pool import Here
from lockstep.sweep.result import CHECKED, FAILED, Result
from lockstep.sweep.store import SUBJECT, reading, writing
from lockstep.sweep.sweep import sweep
from pram.errors import PramError
from pram.program import load
from proofs_check.theorems import BOUNDS

TINY = "program tiny\nparam n\nprocs n\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
#: Runs 5 n + 4 steps and longer.
COUNT = "program count\nparam n\nshared s : output\nfor i in 1 .. n do single do s := i end end\n"
GOOD = """
def inputs(size, rng):
    return {"n": size}, {"A": rng.integers(0, 9, size).tolist()}


def oracle(params, arrays):
    return {"A": [x + 1 for x in arrays["A"]]}
"""
#: The oracle notes each case it judges in a file.
NOTING = (
    GOOD
    + """

_oracle = oracle


def oracle(params, arrays):
    with open(__file__ + ".log", "a") as log:
        print(params["n"], arrays["A"], file=log)
    return _oracle(params, arrays)
"""
)
MACHINE_ONLY = Limits(("mdm",), "float64", 0, 0, 10_000)


class Outcome(NamedTuple):
    """What a command left."""

    status: int
    out: str
    err: str


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Outcome]:
    """Runs a command line in a directory of its own."""
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["lockstep", *line.split()])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return Outcome(int(caught.value.code or 0), *capsys.readouterr())

    return run


def files(folder: Path, **texts: str) -> None:
    """NAME_pram and NAME_py as files."""
    for name, text in texts.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text)


def table(database: Path) -> dict[str, list[Any]]:
    """Everything that was recorded of cases, in an order that does not depend on when they were run."""
    key = "name, program_sha256, sidecar_sha256, seed, size, number"
    with reading(database) as connection:
        return {
            "cases": connection.execute(
                f"SELECT {key}, status, params, time, work, processors, space, outputs_right, trouble"
                f" FROM cases JOIN subjects ON subject = subjects.id ORDER BY {key}"
            ).fetchall(),
            **{
                rows: connection.execute(
                    f"SELECT {key}, {rows}.* FROM {rows} JOIN cases ON case_id = cases.id JOIN subjects ON subject = subjects.id"
                    f" ORDER BY {key}, construction, {rows}.rowid"
                ).fetchall()
                for rows in ("decodes", "checks")
            },
        }


def facts(database: Path) -> dict[str, list[Any]]:
    """The same without the numbers of rows, which depend on when cases were run."""
    found = table(database)
    return found | {rows: [(*row[:6], *row[7:]) for row in found[rows]] for rows in ("decodes", "checks")}


def made(folder: Path, limits: Limits = MACHINE_ONLY, sizes: Iterable[int] = range(1, 4), seed: int = 0) -> Plan:
    return Plan(subjects([folder], limits), list(sizes), 2, seed)


def swept(folder: Path, database: Path, **options: Any) -> dict[str, list[Any]]:
    """What an undisturbed sweep records."""
    with writing(database) as store:
        sweep(made(folder, **options), store, lambda: nullcontext(Here()))
    return facts(database)


# -- what is found -----------------------------------------------------------------------------


def test_checked_and_computed_are_told_apart(do: Callable[[str], Outcome]) -> None:
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    outcome = do("sweep . --sizes 1..3 --random 2 --process all --max-context 60 --workers 0 --json")
    assert outcome.status == 0, outcome.err
    (program,) = json.loads(outcome.out)["programs"]
    job = load("tiny.pram").instantiate({"n": 2}, {"A": [0, 0]})
    assert (
        BOUNDS["mdm"].peak_context(job, 8)
        <= 60
        < BOUNDS["mdm"].peak_context(load("tiny.pram").instantiate({"n": 3}, {"A": [0] * 3}), 8)
    )
    assert (program["checked"], program["computed"], program["failed"], program["stopped"]) == (4, 2, 0, 0)
    assert program["checked_for"] == {"machine": "n <= 3", "mdm": "n <= 2", "ap-mdm": "n <= 3", "ap-mdm one-step": "n <= 3"}
    found = table(Path("sweep.sqlite"))
    assert {(row[4], row[6]) for row in found["cases"]} == {(1, CHECKED), (2, CHECKED), (3, "computed")}
    for *_, size, _, _, construction, status, context, steps, measured_context, measured_steps in found["decodes"]:
        job = load("tiny.pram").instantiate({"n": size}, {"A": [0] * size})
        assert (context, steps) == (BOUNDS[construction].peak_context(job, 8), BOUNDS[construction].steps(job, 8))
        decoded = construction != "mdm" or size < 3
        assert (status, measured_context, measured_steps) == ((CHECKED, context, steps) if decoded else ("computed", None, None))
    assert {row[8] for row in found["checks"] if row[4] == 3 and row[7] == "mdm"} == set()


@pytest.mark.parametrize("limit", ["--max-context 10", "--max-decoding-steps 8"])
def test_what_is_too_long_is_not_decoded(limit: str, do: Callable[[str], Outcome]) -> None:
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    (program,) = json.loads(do(f"sweep tiny.pram --sizes 1..2 --process mdm --workers 0 --json {limit}").out)["programs"]
    assert program["checked"] == 0 < program["computed"] and program["checked_for"] == {"machine": "n <= 2", "mdm": "no n"}


BAD = TINY.replace("tiny", "bad")
WRONG = {
    "oracle": (BAD, GOOD.replace("x + 1", "x + (2 if params['n'] == 2 else 1)"), "machine outputs: 0 of 1, bound oracle in bad.py"),
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
    assert (tiny.counts[FAILED], tiny.runs) == (0, "n = 1..2, 4")
    assert {case.size for case in bad.troubles} == {2} and bad.runs == "n = 1, 4"
    assert all(trouble in case.trouble and case.status == FAILED for case in bad.troubles)


def test_a_model_that_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    get = check.Models.get

    def damaged(self: check.Models, *arguments: Any) -> Any:
        compiled = get(self, *arguments)
        compiled.model.layers[2].w_out.zero_()
        return compiled

    monkeypatch.setattr(check.Models, "get", damaged)
    monkeypatch.setattr(check, "_models", lambda sha256, dtype: check.Models(dtype))
    swept(tmp_path, tmp_path / "sweep.sqlite", limits=Limits(("ap-mdm",), "float64", 100, 100, 100), sizes=[2])
    found = survey(tmp_path / "sweep.sqlite")
    assert found.failed == found.counts.total() > 0 and found.programs[0].checked("ap-mdm") == "no n"
    assert "ap-mdm every token: 0 of 1" in found.programs[0].troubles[0].trouble
    assert "decoding step" in found.programs[0].troubles[0].trouble
    assert {d.status for d in found.programs[0].decodes} == {FAILED}


def test_runs_that_do_not_end_get_no_verdict(do: Callable[[str], Outcome]) -> None:
    files(Path(), count_pram=COUNT)
    options = "--process mdm --workers 0 --max-context 0 --random 1 --json"
    some = do(f"sweep count.pram --sizes 1,2,40 --max-steps 100 {options}")
    (program,) = json.loads(some.out)["programs"]
    assert (
        some.status == 0 and (program["computed"], program["stopped"]) == (2, 1) and program["checked_for"]["machine"] == "n <= 2"
    )
    none = do(f"sweep count.pram --sizes 40,41 --max-steps 100 {options}")
    assert none.status == 3 and "count: no run came to an end within --max-steps" in none.err
    files(Path(), count_pram=COUNT.replace("param n", "param n\nclaim time <= 90"))
    claimed = do(f"sweep count.pram --sizes 1,2,40 --max-steps 100 {options}")
    (program,) = json.loads(claimed.out)["programs"]
    assert claimed.status == 3 and "claims to take at most 90 steps" in program["failures"][0]["trouble"]


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("sweep nothing.pram", 1, "nothing.pram: error: no such file"),
        ("sweep empty", 1, "empty: error: no programs (*.pram) in this folder"),
        ("sweep wrong.pram", 1, "wrong.pram:1:"),
        ("sweep tiny.pram --sizes 0", 2, "no sizes from 1"),
        ("sweep tiny.pram --process arm", 2, "not one of mdm, ap-mdm, all"),
        ("sweep tiny.pram --out no/where.sqlite", 2, "there is no directory no"),
        ("sweep tiny.pram --workers 1 --scheduler tcp://127.0.0.1:1", 2, "exclude each other"),
        ("report nothing.sqlite", 1, "nothing.sqlite: error: no such file"),
        ("report tiny.pram", 1, "tiny.pram: error: this is no database of `lockstep sweep`"),
        ("report sweep.sqlite --out report.pdf", 2, "neither .md nor .html"),
    ],
)
def test_what_is_refused(line: str, status: int, message: str, do: Callable[[str], Outcome]) -> None:
    files(Path(), tiny_pram=TINY, wrong_pram="program\n")
    Path("empty").mkdir()
    outcome = do(line)
    assert outcome.status == status and message in " ".join(outcome.err.split()) and "Traceback" not in outcome.err
    assert not list(Path().glob("sweep.*"))


# -- what is kept ------------------------------------------------------------------------------


def test_finished_cases_are_not_run_again(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=NOTING)
    swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1, 2])
    noted = (tmp_path / "tiny.py.log").read_text().splitlines()
    assert len(noted) == len(set(noted)) == 4
    with writing(tmp_path / "sweep.sqlite") as store:
        outcome = sweep(made(tmp_path, sizes=[1, 2]), store, lambda: pytest.fail("there is nothing to run"))
        assert (outcome.found, outcome.cases, outcome.holds) == (4, 4, True)
    more = swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1, 2, 3])
    noted = (tmp_path / "tiny.py.log").read_text().splitlines()
    assert len(noted) == len(set(noted)) == len(more["cases"]) == 6


def changed_program(folder: Path) -> dict[str, Any]:
    files(folder, tiny_pram=TINY + "# another text\n")
    return {}


def changed_sidecar(folder: Path) -> dict[str, Any]:
    files(folder, tiny_py=GOOD + "# another text\n")
    return {}


def changed_limits(folder: Path) -> dict[str, Any]:
    return {"limits": Limits(("mdm",), "float64", 1, 0, 10_000)}


@pytest.mark.parametrize("change", [changed_program, changed_sidecar, changed_limits])
def test_results_of_another_text_or_limit_are_not_mixed_in(change: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    before = swept(tmp_path, database, sizes=[1, 2])["cases"]
    after = swept(tmp_path, database, sizes=[1], **change(tmp_path))["cases"]
    found = survey(database)
    assert (len(before), len(after)) == (4, 6)
    assert (found.counts.total(), found.earlier, found.programs[0].runs) == (2, 4, "n = 1")


def test_another_seed_adds_to_the_same_program(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite")
    swept(tmp_path, tmp_path / "sweep.sqlite", seed=1)
    found = survey(tmp_path / "sweep.sqlite")
    assert (found.counts.total(), found.earlier) == (12, 0)


def test_code_of_another_version_is_another_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1])
    task = made(tmp_path).tasks()[0]
    monkeypatch.setattr(plan, "version", lambda: "another")
    monkeypatch.setattr(check, "version", lambda: "another")
    with pytest.raises(OtherVersion, match="another version of Lockstep"):
        check_task(task)
    assert len(swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1])["cases"]) == 4


def damaged(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 8192) + data[-4096:])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cases (id)")
    connection.close()


def text(path: Path) -> None:
    path.write_text("n,steps\n" * 200)


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, "damaged: "),
        (cut, "damaged: "),
        (foreign, "a database, but not one of `lockstep sweep`"),
        (text, "no database of `lockstep sweep`"),
        (newer, "made by another version of Lockstep: its tables are version 99"),
    ],
)
def test_a_database_that_is_not_ours_or_damaged_is_refused(spoil: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database)
    spoil(database)
    data = database.read_bytes()
    for opened in (writing, reading):
        with pytest.raises(PramError, match=message), opened(database):
            pytest.fail("opened")
    assert database.read_bytes() == data


def test_one_sweep_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "sweep.sqlite"
    with writing(database):
        other = "from lockstep.sweep.store import *; import sys, pathlib\nwith {}(pathlib.Path(sys.argv[1])): pass"
        for opened in ("writing", "reading"):
            ran = subprocess.run([sys.executable, "-c", other.format(opened), str(database)], capture_output=True, text=True)
            assert ran.returncode == 1 and "a sweep is writing to this database now" in ran.stderr
    with writing(database), pytest.raises(PramError):
        raise PramError([])


# -- killed ------------------------------------------------------------------------------------


def test_killed_before_any_statement_of_the_database_nothing_is_lost_or_repeated(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    undisturbed = swept(tmp_path, tmp_path / "undisturbed.sqlite")
    database, finished, kills = tmp_path / "sweep.sqlite", 0, 0
    while not _killed_at(kills + 1, tmp_path, database):
        kills += 1
        if database.read_bytes():  # the tables are made
            now = len(table(database)["cases"])
            assert now >= finished
            finished = now
    assert kills > 20
    assert facts(database) == undisturbed


def _killed_at(statement: int, folder: Path, database: Path) -> bool:
    """Go on with a sweep in a process that is killed before its n-th statement; whether it came to its end before that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks of processes with threads
        child = os.fork()
    if child == 0:
        _sweep_until(statement, folder, database)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def _sweep_until(statement: int, folder: Path, database: Path) -> None:
    left = [statement]

    def count(sql: str) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    code = 1
    try:
        sqlite3.connect = traced  # type: ignore[assignment]
        with writing(database) as store:
            sweep(made(folder), store, lambda: nullcontext(Here()))
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_while_it_runs_a_sweep_goes_on(workers: int, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=NOTING)
    (tmp_path / "tmp").mkdir()
    limits = Limits(("mdm", "ap-mdm"), "float64", 60, 2000, 1_000_000)
    undisturbed = swept(tmp_path, tmp_path / "undisturbed.sqlite", limits=limits, sizes=range(1, 7))
    log, database = tmp_path / "tiny.py.log", tmp_path / "sweep.sqlite"
    log.unlink()
    kills = 0
    for moment in (3, 6) if workers == 0 else (4,):
        left = _kill_when_noted(moment, log, tmp_path, workers)
        assert not psutil.wait_procs(left, timeout=10)[1], "processes are left over"
        kills += 1
        ran_twice = len(log.read_text().splitlines()) - len(table(database)["cases"])
        assert 0 < ran_twice <= max(1, workers) * kills  # at most what was running
    before = {(row[4], row[5]) for row in table(database)["cases"]}
    assert 0 < len(before) < len(undisturbed["cases"])
    log.unlink()
    ran = subprocess.run(_command(tmp_path, workers), env=_environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, f"wrote {database.with_suffix('.md')} and {database.with_suffix('.html')}\n"
            f"{len(before)} of {len(undisturbed['cases'])} cases were in {database} already\n")  # fmt: skip
    assert facts(database) == undisturbed
    assert len(log.read_text().splitlines()) == len(undisturbed["cases"]) - len(before)
    assert not list((tmp_path / "tmp").iterdir())


def _command(folder: Path, workers: int) -> list[str]:
    options = f"--sizes 1..6 --random 2 --process all --schedule two-step --max-context 60 --workers {workers}"
    return [sys.executable, "-m", "lockstep.cli", "sweep", str(folder), *options.split(), "--out", str(folder / "sweep.sqlite")]


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(folder / "tmp")}


def _kill_when_noted(cases: int, log: Path, folder: Path, workers: int) -> list[psutil.Process]:
    """Start a sweep, kill it when so many cases were judged; the processes that it had started."""
    process = subprocess.Popen(_command(folder, workers), env=_environment(folder), stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) >= cases):
        assert process.poll() is None and time.monotonic() < until, "it ended before it could be killed"
        time.sleep(0.005)
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert len(started) >= workers
    return started


def test_a_case_that_kills_its_processes_is_a_failure() -> None:
    from distributed import KilledWorker

    class Gone:
        def result(self) -> Result:
            raise KilledWorker("case", None, 3)

    result = pool._result(Gone())  # type: ignore[arg-type]
    assert result.status == FAILED and "died" in result.trouble


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


def test_the_page_stands_alone(do: Callable[[str], Outcome]) -> None:
    hostile = TINY.replace("procs n", "procs n      # <script>alert(1)</script>")
    files(Path(), tiny_pram=hostile, tiny_py=GOOD.replace("x + 1", "x + len(arrays['A']) // 3 + 1"))
    assert do("sweep . --sizes 1..3 --random 2 --process all --max-context 40 --workers 0").status == 3
    text = Path("sweep.html").read_text()
    page = Page(text)
    assert not page.open and not page.loads and "<script" not in text and "@import" not in text and "url(http" not in text
    assert text.count("<svg") == 4 and not [colour for colour in VARIABLES if colour in text]
    assert all(f"{variable}:" in text for variable in VARIABLES.values())
    assert "2 checked, 2 computed, 2 failed" in text
    assert "<b>On the machine</b> checked for n ≤ 2<" in text and "<b>MDM</b> checked for n = 1<" in text
    markdown = Path("sweep.md").read_text()
    assert "6 cases of 1 program: 2 checked, 2 computed, 2 failed." in markdown
    assert "| tiny | 6 | 2 | 2 | 2 | 0 | n \\<= 2 | n = 1 |" in markdown
    assert do("report sweep.sqlite --out again.html").status == 3
    assert Path("again.html").read_text() == text and not Path("again.md").exists()


def test_sizes_are_said_exactly() -> None:
    assert sizes_text(range(1, 65)) == "n <= 64"
    assert sizes_text([1]) == "n = 1"
    assert sizes_text([2, 3, 4]) == "n = 2..4"
    assert sizes_text([1, 2, 4, 16, 17]) == "n = 1..2, 4, 16..17"
    assert sizes_text([]) == "no n"


def test_the_key_has_everything_that_results_depend_on() -> None:
    kept = set(SUBJECT) - {"name", "program_sha256", "sidecar_sha256", "version"}
    assert kept == set(Limits.__dataclass_fields__) and {"seed", "size", "number", "subject"} == set(Task.__dataclass_fields__)
    assert set(Subject.__dataclass_fields__) == {"name", "program", "sidecar", "limits", "version"}


def test_other_commands_do_not_pay_for_it() -> None:
    code = "import sys, lockstep.cli; print([m for m in ('dask', 'distributed', 'matplotlib', 'torch', 'sqlite3') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
