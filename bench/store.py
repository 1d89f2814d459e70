"""`python -m bench.store`: a sweep's database with many results: how fast it takes them, finds them again and reports them.

The results are real ones of a few cases, stored again and again under other numbers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from kit.jobs import DIRECTORY
from rich import box, print
from rich.table import Table

from lockstep.commands.report import write
from lockstep.commands.report.survey import survey
from lockstep.proofs_check.sweeps.check import check_task
from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, Task, subjects
from lockstep.proofs_check.sweeps.result import Result
from lockstep.proofs_check.sweeps.store import writing

#: Programs and sizes of the real results. The time of `counter` and `list_rank` depends on the input.
NAMES, SIZES = ("tree_sum", "hillis_steele", "list_rank", "counter"), (1, 2, 3, 4)
LIMITS = Limits(("mdm", "ap-mdm", "ap-mdm one-step"), "float64", 400, 2000, 10_000)


def plan_of(cases: int) -> SweepPlan:
    each = cases // (len(NAMES) * len(SIZES))
    return SweepPlan(subjects([DIRECTORY / f"{name}.pram" for name in NAMES], LIMITS), SIZES, each, 0)


def tasks_of(plan: SweepPlan) -> list[Task]:
    """The cases of a plan with made-up inputs: to draw a million takes longer than to store them."""
    return [
        Task(subject, plan.seed, size, number, sha256(f"{subject.file}{size}:{number}".encode()).hexdigest())
        for number in range(plan.random)
        for size in plan.sizes
        for subject in plan.subjects
    ]


def fill(database: Path, cases: int, at_once: int) -> dict[str, float]:
    """Store the cases, so many in each transaction."""
    plan = plan_of(cases)
    tasks = tasks_of(plan)
    drawn, _ = SweepPlan(plan.subjects, SIZES, 1, 0).tasks()
    results = {(task.subject.file, task.size): check_task(task) for task in drawn}
    found: Iterator[tuple[Task, Result]] = ((task, results[task.subject.file, task.size]) for task in tasks)
    with writing(database) as store:
        begin = time.perf_counter(), time.process_time()
        store.begin_sweep(plan, tasks)
        planned = time.perf_counter() - begin[0]
        begin = time.perf_counter(), time.process_time()
        while batch := list(islice(found, at_once)):
            store.add(batch)
        wall, busy = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return {"plan s": planned, "cases/s": len(tasks) / wall, "cases/s of processor time": len(tasks) / busy}


def resume(database: Path, cases: int, at_once: int) -> dict[str, float]:
    """Open the database again and find out that nothing is missing."""
    plan = plan_of(cases)
    tasks = tasks_of(plan)
    begin = time.perf_counter(), time.process_time()
    with writing(database) as store:
        opened = time.perf_counter() - begin[0]
        store.begin_sweep(plan, tasks)
        finished = {subject: store.finished(subject) for subject in plan.subjects}
        assert all(task.key in finished[task.subject] for task in tasks)
    return {"open s": opened, "resume s": time.perf_counter() - begin[0], "resume busy s": time.process_time() - begin[1]}


def report(database: Path, cases: int, at_once: int) -> dict[str, float]:
    """Survey the database and write both reports."""
    begin = time.perf_counter(), time.process_time()
    found = survey(database)
    assert found.counts.total() == len(tasks_of(plan_of(cases)))
    read = time.perf_counter() - begin[0]
    for suffix in (".md", ".html"):
        write(found, database.with_suffix(suffix))
    return {"survey s": read, "report s": time.perf_counter() - begin[0], "report busy s": time.process_time() - begin[1]}


STAGES: dict[str, Callable[[Path, int, int], dict[str, float]]] = {f.__name__: f for f in (fill, resume, report)}


def peak_memory() -> float:
    """Of this process, in MiB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def main(
    cases: Annotated[int, typer.Option(help="How many results.")] = 100_000,
    at_once: Annotated[int, typer.Option(help="How many in each transaction.")] = 100,
) -> None:
    """Store results, find them again and report them, each in a process of its own."""
    table = Table("stage", "what", "measured", box=box.SIMPLE_HEAD, title=f"{cases:,} results, {at_once} in each transaction")
    with TemporaryDirectory() as folder:
        database = Path(folder) / "sweep.sqlite"
        for stage in STAGES:
            for what, value in _apart(stage, database, cases, at_once).items():
                table.add_row(stage, what, f"{value:,.1f}")
        table.add_row("", "bytes for each result", f"{database.stat().st_size / cases:,.0f}")
    print(table)


def _apart(stage: str, database: Path, cases: int, at_once: int) -> dict[str, float]:
    code = (
        "import json, sys; from pathlib import Path; from bench import store\n"
        "stage, database, cases, at_once = sys.argv[1:]\n"
        "found = store.STAGES[stage](Path(database), int(cases), int(at_once))\n"
        "print(json.dumps(found | {'peak memory, MiB': store.peak_memory()}))"
    )
    arguments: Sequence[str] = (stage, str(database), str(cases), str(at_once))
    done = subprocess.run([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    typer.run(main)
