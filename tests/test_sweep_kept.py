"""The database of a sweep: what it keeps, and that it can be killed at any moment."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from kit.imports import reached
from kit.sweeps import GOOD, NOTING, TINY, facts, files, made, swept, table

from lockstep.commands.report.survey import survey
from lockstep.commands.report.verdict import reasons
from lockstep.pram.errors import PramError
from lockstep.proofs_check.sweeps import check, plan
from lockstep.proofs_check.sweeps.check import check_task
from lockstep.proofs_check.sweeps.plan import Limits, OtherVersion
from lockstep.proofs_check.sweeps.pool import InProcess
from lockstep.proofs_check.sweeps.store import reading, writing
from lockstep.proofs_check.sweeps.sweep import sweep


def test_finished_cases_are_not_run_again(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=NOTING)
    swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1, 2])
    noted = (tmp_path / "tiny.py.log").read_text().splitlines()
    assert len(noted) == len(set(noted)) == 4
    with writing(tmp_path / "sweep.sqlite") as store:
        outcome = sweep(made(tmp_path, sizes=[1, 2]), store, lambda: pytest.fail("there is nothing to run"))
        assert (outcome.found, outcome.cases) == (4, 4)
    assert not reasons(survey(tmp_path / "sweep.sqlite"))
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
    assert (found.counts.total(), found.hidden, str(found.programs[0].runs)) == (2, 4, "size 1, n 1")


def test_another_seed_adds_to_the_same_program(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite")
    swept(tmp_path, tmp_path / "sweep.sqlite", seed=1)
    found = survey(tmp_path / "sweep.sqlite")
    assert (found.counts.total(), found.hidden) == (12, 0)


def test_code_of_another_version_is_another_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1])
    task = made(tmp_path).tasks()[0][0]
    monkeypatch.setattr(plan, "version", lambda: "another")
    with pytest.raises(OtherVersion, match="another version of Lockstep"):
        check_task(task)
    assert len(swept(tmp_path, tmp_path / "sweep.sqlite", sizes=[1])["cases"]) == 4


def test_the_version_covers_all_code_that_verdicts_depend_on() -> None:
    needed = reached(check.__name__)
    assert {
        "lockstep.proofs_check.verification",
        "lockstep.proofs_check.decoding",
        "lockstep.proofs_check.sweeps.plan",
        "lockstep.pram.machine",
        "lockstep.models.decode",
    } <= needed
    covered = {file.resolve() for judge in plan.JUDGES for file in plan._sources(judge)}
    specs = {name: find_spec(name) for name in needed}
    uncovered = {name for name, spec in specs.items() if spec and spec.origin and Path(spec.origin).resolve() not in covered}
    assert not uncovered, f"sweeps/plan.py: JUDGES lacks {sorted(uncovered)}"
    unneeded = {judge for judge in plan.JUDGES if judge not in needed and not any(n.startswith(judge + ".") for n in needed)}
    assert not unneeded, f"sweeps/plan.py: no verdict depends on {sorted(unneeded)}"


@pytest.mark.parametrize("judge", ["lockstep.proofs_check", "lockstep.models", "lockstep.pram"])
def test_a_change_of_a_judge_is_another_version(judge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources, changed = plan._sources, tmp_path / "changed.py"
    changed.write_text("# another text\n")
    before = plan.version.__wrapped__()
    monkeypatch.setattr(plan, "_sources", lambda name: [changed] if name == judge else sources(name))
    assert plan.version.__wrapped__() != before


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
        other = "from lockstep.proofs_check.sweeps.store import *; import sys, pathlib\nwith {}(pathlib.Path(sys.argv[1])): pass"
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
            sweep(made(folder), store, lambda: nullcontext(InProcess()))
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_while_it_runs_a_sweep_goes_on(workers: int, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=NOTING)
    (tmp_path / "tmp").mkdir()
    limits = Limits(("mdm", "ap-mdm", "arm", "revision"), "float64", 60, 2000, 1_000_000)
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
    before = {(row["size"], row["number"]) for row in table(database)["cases"]}
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
