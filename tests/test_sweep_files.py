"""What results of a sweep depend on: when one of these things has changed, a stored case is run again."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from kit.imports import OURS, imports, reached
from kit.sweeps import GOOD, MACHINE_ONLY, TINY, Reading, Told, failed, files, fine, made, swept, table

from lockstep.commands.report.survey import survey
from lockstep.commands.report.verdict import reasons
from lockstep.pram.errors import Source
from lockstep.pram.sidecar.files import FOLDER, OTHER, UNREADABLE, fingerprint
from lockstep.proofs_check.sweeps import check, plan
from lockstep.proofs_check.sweeps.plan import JUDGES, LIBRARIES, Subject, libraries
from lockstep.proofs_check.sweeps.result import CHECKED, COMPUTED, FAILED
from lockstep.proofs_check.sweeps.store import SUBJECT, writing
from lockstep.proofs_check.sweeps.sweep import sweep

# -- fingerprints --------------------------------------------------------------------------------


def test_fingerprints_of_files_folders_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b.txt").write_bytes(b"two\r\n")
    (tmp_path / "data" / "a.txt").write_bytes(b"")
    assert fingerprint(tmp_path, "data/b.txt") == hashlib.sha256(b"two\r\n").hexdigest()
    assert fingerprint(tmp_path / "data", str(tmp_path / "data" / "b.txt")) == fingerprint(tmp_path, "data/b.txt")
    assert fingerprint(tmp_path, "data") == FOLDER + hashlib.sha256(b"a.txt\0b.txt").hexdigest()
    assert fingerprint(tmp_path, "no") == fingerprint(tmp_path, "data/a.txt/no") == ""
    assert fingerprint(tmp_path, "data/a.txt") == hashlib.sha256(b"").hexdigest() != ""
    assert fingerprint(tmp_path, "/dev/zero") == OTHER  # which has no end


def test_bytes_are_read_again_though_length_and_time_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("one")
    os.utime(file, ns=(7, 7))
    before = fingerprint(tmp_path, "data.txt")
    file.write_text("two")
    os.utime(file, ns=(7, 7))
    assert fingerprint(tmp_path, "data.txt") == hashlib.sha256(b"two").hexdigest() != before


def test_what_may_not_be_read_is_no_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()

    def forbidden(path: Path) -> list[str]:
        raise PermissionError

    monkeypatch.setattr(os, "listdir", forbidden)
    assert fingerprint(tmp_path, "data") == UNREADABLE


# -- files that a sidecar reads ------------------------------------------------------------------

#: The oracle adds what a file says.
SHIFTED = GOOD.replace("def inputs", "from pathlib import Path\n\n\ndef inputs").replace(
    "x + 1", 'x + int((Path(__file__).parent / "shift.txt").read_text())'
)


def test_an_oracle_whose_data_changes_judges_again(tmp_path: Path) -> None:
    """The program and its sidecar are the same texts: only what the oracle opens says something else."""
    files(tmp_path, tiny_pram=TINY, tiny_py=SHIFTED, shift_txt="1")
    database, pool = tmp_path / "sweep.sqlite", Reading(lambda task: ["shift.txt"])
    right = swept(tmp_path, database, pool)
    assert {row["status"] for row in right["cases"]} == {COMPUTED} and not reasons(survey(database))
    files(tmp_path, shift_txt="2")
    wrong = swept(tmp_path, database, pool)
    assert pool.ran == 2 * len(right["cases"]) == 2 * len(wrong["cases"])  # in the place of the old ones
    assert {row["status"] for row in wrong["cases"]} == {FAILED} and reasons(survey(database))
    files(tmp_path, shift_txt="1")
    assert swept(tmp_path, database, pool) == right and not reasons(survey(database))
    assert swept(tmp_path, database, Told(failed)) == right  # nothing is asked for


def changed_bytes(folder: Path) -> None:
    (folder / "lib" / "helper.py").write_text("y = 2\n")


def gone(folder: Path) -> None:
    (folder / "lib" / "helper.py").unlink()


def there_at_last(folder: Path) -> None:
    (folder / "local.cfg").write_text("")


def another_name(folder: Path) -> None:
    (folder / "lib" / "another").write_text("")


def a_folder_instead(folder: Path) -> None:
    gone(folder)
    (folder / "lib" / "helper.py").mkdir()


@pytest.mark.parametrize("change", [changed_bytes, gone, there_at_last, another_name, a_folder_instead])
def test_whatever_was_read_is_compared(change: Callable[[Path], None], tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("y = 1\n")
    pool = Reading(lambda task: ["lib", "lib/helper.py", "local.cfg", str(tmp_path / "lib" / "helper.py")])
    swept(tmp_path, tmp_path / "sweep.sqlite", pool)
    (tmp_path / "other").write_text("what nobody has read")
    swept(tmp_path, tmp_path / "sweep.sqlite", pool)
    assert pool.ran == 6
    change(tmp_path)
    swept(tmp_path, tmp_path / "sweep.sqlite", pool)
    assert pool.ran == 12


def test_only_cases_that_have_read_it_are_run_again(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD, size2_txt="")
    pool = Reading(lambda task: [f"size{task.size}.txt"] if task.size < 3 else [])
    swept(tmp_path, tmp_path / "sweep.sqlite", pool)
    files(tmp_path, size2_txt="changed")
    swept(tmp_path, tmp_path / "sweep.sqlite", pool)
    assert pool.ran == 6 + 2


def test_what_is_stale_is_not_said_to_be_checked(tmp_path: Path) -> None:
    """A sweep that is stopped before it has run stale cases again, and one that does not plan them."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD, shift_txt="1")
    database, pool = tmp_path / "sweep.sqlite", Reading(lambda task: ["shift.txt"])
    swept(tmp_path, database, pool)
    files(tmp_path, shift_txt="2")

    class Stopped(Reading):
        def results(self, tasks: Any) -> Any:
            yield from islice(super().results(tasks), 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(database) as store:
        sweep(made(tmp_path), store, lambda: nullcontext(Stopped(pool.names)))
    found = survey(database)
    assert (found.counts.total(), found.missing, found.hidden, str(found.programs[0].runs)) == (2, 4, 4, "size 1, n 1")
    swept(tmp_path, database, pool, sizes=[1])
    found = survey(database)
    assert (found.counts.total(), found.missing, found.hidden) == (2, 0, 4)


def test_a_file_that_is_as_it_was_before(tmp_path: Path) -> None:
    """What was stale in between is current again, and nothing has to be run."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD, shift_txt="1")
    database, pool = tmp_path / "sweep.sqlite", Reading(lambda task: ["shift.txt"])
    right = swept(tmp_path, database, pool)
    files(tmp_path, shift_txt="2")
    swept(tmp_path, database, pool, sizes=[4])
    assert (pool.ran, survey(database).hidden) == (8, 6)
    files(tmp_path, shift_txt="1")
    again = swept(tmp_path, database, pool)
    assert pool.ran == 8 and all(case in again["cases"] for case in right["cases"])
    assert str(survey(database).programs[0].runs)[:10] == "sizes 1..3"


def test_a_failure_that_is_stale_stands_until_the_case_is_run_again(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD, shift_txt="1")
    database = tmp_path / "sweep.sqlite"

    def broken(task: plan.Task) -> Any:
        made_of = fine(task) if task.size < 3 else failed(task)
        return replace(made_of, files=(("shift.txt", fingerprint(task.subject.folder, "shift.txt")),))

    swept(tmp_path, database, Told(broken))
    files(tmp_path, shift_txt="2")
    swept(tmp_path, database, Told(fine), sizes=[1])
    (program,) = survey(database).programs
    assert [(case.size, case.status, case.earlier) for case in program.troubles] == [(3, FAILED, True)] * 2
    swept(tmp_path, database, Told(fine))
    assert not reasons(survey(database)) and len(table(database)["cases"]) == 6


# -- the rest of the key -------------------------------------------------------------------------


def changed(subject: Subject, **limits: Any) -> Subject:
    return replace(subject, limits=replace(subject.limits, **limits))


#: For each part of the key, the same subject with another one.
OTHERS: dict[str, Callable[[Subject], Subject]] = {
    "file": lambda s: replace(s, file=s.file + ".pram"),
    "program_sha256": lambda s: replace(s, program=Source(s.program.name, s.program.text + "# more\n")),
    "sidecar_file": lambda s: replace(s, sidecar=Source("other/tiny.py", GOOD)),
    "sidecar_sha256": lambda s: replace(s, sidecar=Source("tiny.py", GOOD + "# more\n")),
    "constructions": lambda s: changed(s, constructions=("mdm", "ap-mdm")),
    "dtype": lambda s: changed(s, dtype="float32"),
    "max_context": lambda s: changed(s, max_context=1),
    "max_decoding_steps": lambda s: changed(s, max_decoding_steps=1),
    "max_steps": lambda s: changed(s, max_steps=1),
    "sidecar_timeout": lambda s: changed(s, sidecar_timeout=1.0),
    "version": lambda s: replace(s, version="another"),
    "libraries": lambda s: replace(s, libraries="another"),
}


@pytest.mark.parametrize("part", SUBJECT)
def test_each_part_of_the_key_counts(part: str, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    planned = made(tmp_path)
    other = replace(planned, subjects=[OTHERS[part](planned.subjects[0])])
    asked = []
    for each in (planned, planned, other):
        pool = Told(fine)
        with writing(tmp_path / "sweep.sqlite") as store:
            sweep(each, store, lambda pool=pool: nullcontext(pool))  # type: ignore[misc]
        asked.append(pool.ran)
    assert asked == [6, 0, 6]


def test_the_documentation_lists_the_key() -> None:
    page = (Path(__file__).parent.parent / "docs" / "sweep.md").read_text()
    key = page[page.index("## What a result depends on") :]
    assert all(f"`{judge}`" in key for judge in JUDGES) and all(library in key for library in LIBRARIES)


RUN = """
import json, sys
from pathlib import Path
from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, subjects
from lockstep.proofs_check.sweeps.check import check_task
limits = Limits(("mdm", "ap-mdm", "ap-mdm one-step"), "float64", 1000, 2000, 10000)
tasks, _ = SweepPlan(subjects([Path(sys.argv[1])], limits), [3], 1, 0).tasks()
statuses = [check_task(task).status for task in tasks]
print(json.dumps([statuses, sorted(sys.modules)]))
"""
#: It is imported with whatever it holds, and defines nothing that a verdict depends on.
FRONT = {"lockstep"}


def test_what_a_case_imports_is_what_the_version_covers(tmp_path: Path) -> None:
    """Not only what import statements name: what a process has loaded that has checked a case in every construction."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    ran = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=True)
    statuses, modules = json.loads(ran.stdout)
    assert statuses == [CHECKED]
    ours = {name for name in modules if name.partition(".")[0] in {judge.partition(".")[0] for judge in JUDGES}}
    assert {
        "lockstep.proofs_check.verification",
        "lockstep.compiler.one_step",
        "lockstep.pram.machine",
        "lockstep.proofs_check.sweeps.check",
    } <= ours
    uncovered = {name for name in ours if not any(name == judge or name.startswith(judge + ".") for judge in JUDGES)}
    assert uncovered == FRONT, f"sweeps/plan.py: JUDGES lacks {sorted(uncovered - FRONT)}"
    assert not [judge for judge in JUDGES if judge not in ours]


def test_libraries_are_those_that_judges_import() -> None:
    named: set[str] = set()
    for module in reached(check.__name__):
        named |= third_parties(module)
    assert named == set(LIBRARIES)
    python, *others = libraries().split(", ")
    assert python == f"{platform.python_implementation()} {platform.python_version()}"
    assert others == [f"{name} {version(name)}" for name in LIBRARIES]


def third_parties(module: str) -> set[str]:
    """What a module imports that is neither Python's nor ours."""
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return {n for n in imports(Path(spec.origin).read_text()) if n not in sys.stdlib_module_names and n not in OURS}


def test_a_worker_with_other_libraries_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    (task, *_), _ = made(tmp_path, limits=MACHINE_ONLY).tasks()
    monkeypatch.setattr(plan, "libraries", lambda: "CPython 2.7")
    with pytest.raises(plan.OtherVersion, match="a worker has CPython 2.7, and here there is "):
        check.check_task(task)
