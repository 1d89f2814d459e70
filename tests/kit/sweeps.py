"""Programs, sidecars and plans of the tests of sweeps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lockstep.pram.sidecar.files import fingerprint
from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, Task, subjects
from lockstep.proofs_check.sweeps.pool import InProcess, Pool
from lockstep.proofs_check.sweeps.result import CHECKED, COMPUTED, FAILED, Result, SweepDecode
from lockstep.proofs_check.sweeps.store import reading, writing
from lockstep.proofs_check.sweeps.sweep import sweep

TINY = "program tiny\nparam n\nprocs n\nshared A[n] : inout\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
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


def files(folder: Path, **texts: str) -> None:
    """NAME_pram and NAME_py as files."""
    for name, text in texts.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text)


def table(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Everything that was recorded of cases, in an order that does not depend on when they were run."""
    key = "file, program_sha256, sidecar_file, sidecar_sha256, seed, size, number"
    of_cases = f"SELECT {key}, status, params, time, work, processors, space, outputs_right, trouble FROM cases"
    asked = {"cases": f"{of_cases} JOIN subjects ON subject = subjects.id ORDER BY {key}"}
    for rows in ("decodes", "checks"):
        joined = f"{rows} JOIN cases ON case_id = cases.id JOIN subjects ON subject = subjects.id"
        asked[rows] = f"SELECT {key}, {rows}.* FROM {joined} ORDER BY {key}, construction, {rows}.rowid"
    with reading(database) as connection:
        return {rows: [dict(row) for row in connection.execute(question)] for rows, question in asked.items()}


def facts(database: Path) -> dict[str, list[dict[str, Any]]]:
    """What `table` finds, without the numbers of rows, which depend on when cases were run."""
    return {
        name: [{column: value for column, value in row.items() if column != "case_id"} for row in rows]
        for name, rows in table(database).items()
    }


def made(
    folder: Path, limits: Limits = MACHINE_ONLY, sizes: Iterable[int] = range(1, 4), seed: int = 0, sidecars: bool = True
) -> SweepPlan:
    return SweepPlan(subjects([folder], limits, sidecars), list(sizes), 2, seed)


def swept(folder: Path, database: Path, pool: Pool | None = None, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """What an undisturbed sweep records."""
    with writing(database) as store:
        sweep(made(folder, **options), store, lambda: nullcontext(pool or InProcess()))
    return facts(database)


@dataclass
class Told:
    """A pool that runs nothing: it is told what each case came to. ran: the cases that were asked for."""

    tell: Callable[[Task], Result]
    ran: int = 0

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        for task in tasks:
            self.ran += 1
            yield [(task, self.tell(task))]


@dataclass
class Reading(InProcess):
    """Runs cases, and says that each has read some files."""

    names: Callable[[Task], Iterable[str]]
    ran: int = 0

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        for ((task, result),) in super().results(tasks):
            self.ran += 1
            folder = task.subject.folder
            yield [(task, replace(result, files=tuple((name, fingerprint(folder, name)) for name in self.names(task))))]


def fine(task: Task) -> Result:
    """A case that was checked in whatever was asked for; computed where that is the machine alone."""
    status = CHECKED if task.subject.limits.max_context else COMPUTED
    decodes = tuple(SweepDecode(construction, status, 10, 9) for construction in task.subject.limits.constructions)
    return Result(status, {"n": task.size}, 8, 8, task.size, 3 * task.size, task.subject.sidecar is not None or None, decodes)


def failed(task: Task) -> Result:
    return Result(FAILED, {"n": task.size}, trouble="a model is wrong")
