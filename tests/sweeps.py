"""Programs, sidecars and plans of the tests of sweeps."""

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lockstep.sweep.plan import Limits, Plan, subjects
from lockstep.sweep.pool import Here
from lockstep.sweep.store import reading, writing
from lockstep.sweep.sweep import sweep

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


def table(database: Path) -> dict[str, list[Any]]:
    """Everything that was recorded of cases, in an order that does not depend on when they were run."""
    key = "file, program_sha256, sidecar_sha256, seed, size, number"
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
