"""A program of a sweep is its file and its text: whose results are shown, and how long a failure stands."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.commands import FINE, REFUTED, WRONG, Do
from kit.sweeps import GOOD, TINY, Told, failed, files, fine, swept

from lockstep.commands.report.page import page
from lockstep.commands.report.survey import survey
from lockstep.commands.report.verdict import reasons
from lockstep.pram.errors import PramError
from lockstep.pram.sidecar.files import fingerprint
from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, Task, subjects
from lockstep.proofs_check.sweeps.result import CHECKED, FAILED, STOPPED, Result
from lockstep.proofs_check.sweeps.store import writing
from lockstep.proofs_check.sweeps.sweep import sweep

ALL = Limits(("mdm", "ap-mdm"), "float64", 100, 100, 100)


def folders(path: Path) -> tuple[Path, Path]:
    """Two folders with one and the same program."""
    for name in ("one", "two"):
        (path / name).mkdir()
        files(path / name, tiny_pram=TINY, tiny_py=GOOD)
    return path / "one", path / "two"


# -- files ---------------------------------------------------------------------------------------


def test_two_files_with_one_text_are_two_programs(tmp_path: Path) -> None:
    folders(tmp_path)
    pool = Told(lambda task: failed(task) if "/two/" in task.subject.file else fine(task))
    swept(tmp_path, tmp_path / "sweep.sqlite", pool, limits=ALL)
    found = survey(tmp_path / "sweep.sqlite")
    assert [(p.file, p.counts[CHECKED], p.counts[FAILED]) for p in found.programs] == [
        ("one/tiny.pram", 6, 0), ("two/tiny.pram", 0, 6)
    ]  # fmt: skip
    text = page(found)
    anchors = [part.split('"')[0] for part in text.split('<section id="')[1:]]
    assert len(set(anchors)) == len(anchors) == 2


def test_a_file_that_is_named_twice_is_one_program(tmp_path: Path) -> None:
    one, _ = folders(tmp_path)
    (tmp_path / "linked").symlink_to(one)
    found = subjects([one, tmp_path / "linked", one / "tiny.pram"], ALL)
    assert [subject.file for subject in found] == [str(one / "tiny.pram")]


def test_a_failure_outlives_a_sweep_of_another_file_of_that_name(tmp_path: Path) -> None:
    one, two = folders(tmp_path)
    files(two, tiny_pram=TINY + "# another text\n")
    database = tmp_path / "sweep.sqlite"
    swept(one, database, Told(failed), limits=ALL)
    swept(two, database, Told(fine), limits=ALL)
    found = survey(database)
    assert [(p.file, p.counts[FAILED], p.earlier_text) for p in found.programs] == [
        ("one/tiny.pram", 6, False), ("two/tiny.pram", 0, False)
    ]  # fmt: skip
    assert found.hidden == 0 and reasons(found) == ["tiny (one/tiny.pram): 6 cases failed; the report shows what went wrong"]
    assert [p.title for p in found.programs] == ["tiny (one/tiny.pram)", "tiny (two/tiny.pram)"]


# -- failures of the same text -------------------------------------------------------------------


def one_failed(task: Task) -> Result:
    return failed(task) if (task.size, task.number) == (2, 1) else fine(task)


def stopped(task: Task) -> Result:
    return Result(STOPPED, {"n": task.size}, trouble="no halt")


#: What a later sweep of the same text does, and whether the failure of an earlier one stands after it.
LATER: dict[str, tuple[dict[str, Any], Callable[[Task], Result], bool]] = {
    "another limit": ({"limits": replace(ALL, max_context=99)}, fine, False),
    "more constructions": ({"limits": replace(ALL, constructions=("mdm", "ap-mdm", "ap-mdm one-step"))}, fine, False),
    "fewer constructions": ({"limits": replace(ALL, constructions=("mdm",))}, fine, True),
    "another dtype": ({"limits": replace(ALL, dtype="float32")}, fine, True),
    "computed only": ({"limits": replace(ALL, max_context=0)}, fine, True),
    "no oracle": ({"limits": ALL, "sidecars": False}, fine, True),
    "stopped": ({"limits": replace(ALL, max_steps=9)}, stopped, True),
    "other sizes": ({"limits": replace(ALL, max_steps=9), "sizes": [1, 3]}, fine, True),
    "another seed": ({"limits": replace(ALL, max_steps=9), "seed": 1}, fine, True),
}


@pytest.mark.parametrize("what", LATER)
def test_how_long_a_failure_stands(what: str, tmp_path: Path) -> None:
    options, tell, stands = LATER[what]
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(one_failed), limits=ALL)
    swept(tmp_path, database, Told(tell), **options)
    (program,) = survey(database).programs
    standing = [(case.size, case.number, case.earlier) for case in program.cases if case.status == FAILED]
    assert standing == ([(2, 1, True)] if stands else [])
    if stands:
        first, second, *_ = reasons(survey(database))
        assert str(program.runs) != "sizes 1..3, n 1..3" and first == "tiny: 1 case failed; the report shows what went wrong"
        assert second == (
            "tiny: 1 of them in an earlier sweep of this text: they stay until a sweep that asks for no less checks the same"
            f" inputs; or forget them on purpose: lockstep report {database} --forget {tmp_path / 'tiny.pram'}"
        )
    else:
        assert not reasons(survey(database))


def test_what_was_checked_before_a_failure_takes_nothing_back(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database, other = tmp_path / "sweep.sqlite", replace(ALL, max_steps=99)
    swept(tmp_path, database, Told(fine), limits=other)
    swept(tmp_path, database, Told(one_failed), limits=ALL)
    swept(tmp_path, database, Told(fine), limits=other, sizes=[1])
    assert survey(database).counts[FAILED] == 1
    swept(tmp_path, database, Told(failed), limits=other)  # found, not run; and said again after the failure
    assert survey(database).counts[FAILED] == 0
    swept(tmp_path, database, Told(fine), limits=other, sizes=[1])
    assert survey(database).counts[FAILED] == 0  # for good


def test_a_failure_of_the_machine_alone_is_taken_back_by_the_machine_alone(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    alone = replace(ALL, max_context=0)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(one_failed), limits=alone)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(fine), limits=replace(alone, max_steps=9))
    assert not survey(tmp_path / "sweep.sqlite").counts[FAILED]


#: Draws one input of each size, whatever its number.
ALIKE = GOOD.replace("rng.integers(0, 9, size).tolist()", "[0] * size")


def test_another_input_of_that_number_takes_nothing_back(tmp_path: Path) -> None:
    """A failure is one of an input: who changes what is drawn has not mended what was wrong. It can be forgotten."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(one_failed), limits=ALL)
    files(tmp_path, tiny_py=ALIKE)
    pool = Told(fine)
    swept(tmp_path, database, pool, limits=ALL)
    assert pool.ran == 3 and survey(database).counts[FAILED] == 1
    with writing(database) as store:
        assert store.forget(tmp_path / "tiny.pram") == 6
    found = survey(database)
    assert (found.counts.total(), found.hidden, reasons(found)) == (3, 0, [])


def test_failures_of_another_seed_can_be_forgotten(tmp_path: Path) -> None:
    """The options are the same, so that both seeds are shown."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(one_failed), limits=ALL)
    swept(tmp_path, database, Told(fine), limits=ALL, seed=1)
    assert survey(database).counts == {CHECKED: 11, FAILED: 1}
    with writing(database) as store:
        assert store.forget(tmp_path / "tiny.pram") == 6
    assert {case.seed for program in survey(database).programs for case in program.cases} == {1} and not reasons(survey(database))


def test_the_same_input_takes_a_failure_back_whatever_drew_it(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=ALIKE)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(lambda task: failed(task) if task.size == 2 else fine(task)), limits=ALL)
    assert survey(database).counts[FAILED] == 1
    files(tmp_path, tiny_py=ALIKE + "# mended\n")
    swept(tmp_path, database, Told(fine), limits=ALL, seed=5)
    assert not survey(database).counts[FAILED]


def test_an_input_that_a_changed_file_draws_takes_nothing_back(tmp_path: Path) -> None:
    """The sidecar's text is the same; the data it draws from is not."""
    text = GOOD.replace("def inputs", "from pathlib import Path\n\n\ndef inputs").replace(
        "rng.integers(0, 9, size).tolist()", '[int((Path(__file__).parent / "data.txt").read_text())] * size'
    )
    files(tmp_path, tiny_pram=TINY, tiny_py=text, data_txt="1")
    database = tmp_path / "sweep.sqlite"

    def told(status: Callable[[Task], Result]) -> Told:
        return Told(lambda task: replace(status(task), files=(("data.txt", fingerprint(task.subject.folder, "data.txt")),)))

    swept(tmp_path, database, told(failed), limits=ALL)
    files(tmp_path, data_txt="2")
    pool = told(fine)
    swept(tmp_path, database, pool, limits=ALL)
    assert pool.ran == 3 and survey(database).counts == {CHECKED: 3, FAILED: 3}
    files(tmp_path, data_txt="1")
    swept(tmp_path, database, Told(fine), limits=replace(ALL, max_steps=99))
    assert survey(database).counts == {CHECKED: 3}


def test_what_could_not_be_drawn_is_taken_back_by_its_number(tmp_path: Path) -> None:
    """The sidecar is mended, and draws the same input for both numbers of a size: only the first of them is run."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD.replace("    return", "    assert size != 2\n    return", 1))
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(lambda task: fine(task) if task.drawn else failed(task)), limits=ALL)
    assert survey(database).counts == {CHECKED: 4, FAILED: 2}
    files(tmp_path, tiny_py=ALIKE)
    swept(tmp_path, database, Told(fine), limits=ALL)
    assert not survey(database).counts[FAILED]


def test_links_to_one_program_have_a_sidecar_each(tmp_path: Path) -> None:
    """With the same text they may import other modules: both are swept, and neither takes the other's failure back."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files(tmp_path / name, tiny_py=GOOD)
    files(tmp_path, body_pram=TINY)
    for name in ("one", "two"):
        (tmp_path / name / "tiny.pram").symlink_to(tmp_path / "body.pram")
    database = tmp_path / "sweep.sqlite"
    planned = SweepPlan(subjects([tmp_path / "one", tmp_path / "two"], ALL), [1, 2], 1, 0)
    pool = Told(lambda task: failed(task) if "/two/" in task.subject.sidecar_file else fine(task))
    with writing(database) as store:
        sweep(planned, store, lambda: nullcontext(pool))
    found = survey(database)
    assert [(p.title, p.counts) for p in found.programs] == [
        ("tiny (one/tiny.py)", {CHECKED: 2}), ("tiny (two/tiny.py)", {FAILED: 2})
    ]  # fmt: skip
    swept(tmp_path / "one", database, Told(fine), limits=replace(ALL, max_steps=99), sizes=[1, 2])
    assert survey(database).counts[FAILED] == 2


# -- other texts of a file -----------------------------------------------------------------------


def test_an_earlier_text_that_failed_is_shown_until_it_is_forgotten(do: Do, tmp_path: Path) -> None:
    programs, database = tmp_path / "programs", tmp_path / "sweep.sqlite"
    programs.mkdir()
    line = "sweep programs --sizes 1..3 --random 2 --max-context 0 --workers 0"
    files(programs, tiny_pram=TINY.replace("+ 1", "+ 2"), tiny_py=GOOD)
    assert do(line).status == REFUTED
    files(programs, tiny_pram=TINY)
    outcome = do(line)
    file = programs / "tiny.pram"
    says = "forget it on purpose: lockstep report {} --forget programs/tiny.pram"
    text = (
        f"tiny: 6 cases of an earlier text of programs/tiny.pram failed: sweep that text again, or {says.format('sweep.sqlite')}"
    )
    assert outcome.status == REFUTED and text in outcome.err.splitlines()
    newest, earlier = survey(database).programs
    assert [(p.title, p.counts[FAILED]) for p in (newest, earlier)] == [("tiny", 0), ("tiny (earlier text of this file)", 6)]
    record = json.loads(do("report sweep.sqlite --json").out)
    assert [p["earlier_text"] for p in record["programs"]] == [False, True] and not record["holds"]
    assert "## tiny (earlier text of this file)" in Path("sweep.md").read_text()
    assert "<h2>tiny (earlier text of this file)</h2>" in Path("sweep.html").read_text()
    assert f"To get rid of it, {says.format('sweep.sqlite')}" in Path("sweep.html").read_text()
    forgot = do(f"report sweep.sqlite --forget {file}")
    assert (forgot.status, forgot.err.splitlines()[-1]) == (FINE, f"forgot 6 cases of {file}")
    found = survey(database)
    assert ([p.sha256 for p in found.programs], found.counts.total(), found.hidden) == ([newest.sha256], 6, 0)
    again = do("report sweep.sqlite --forget programs/tiny.pram")  # never the newest text
    assert (again.status, again.err.splitlines()[-1]) == (FINE, "forgot 0 cases of programs/tiny.pram")
    assert survey(database) == found
    file.unlink()
    gone = do("report sweep.sqlite --forget programs/tiny.pram")
    assert gone.err.splitlines()[-2:] == [
        "forgot 6 cases of programs/tiny.pram", "nothing was swept: sweep a program into this database"
    ]  # fmt: skip
    assert gone.status == REFUTED and survey(database).programs == ()


def test_an_earlier_text_that_held_is_not_shown(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(fine), limits=ALL)
    files(tmp_path, tiny_pram=TINY + "# more\n")
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(fine), limits=ALL, sizes=[1])
    found = survey(tmp_path / "sweep.sqlite")
    assert (len(found.programs), found.counts.total(), found.hidden, reasons(found)) == (1, 2, 6, [])


def test_an_earlier_text_passes_when_it_is_swept_again(tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(failed), limits=ALL)
    files(tmp_path, tiny_pram=TINY + "# more\n")
    swept(tmp_path, database, Told(fine), limits=ALL)
    assert [(p.earlier_text, p.counts[FAILED]) for p in survey(database).programs] == [(False, 0), (True, 6)]
    files(tmp_path, tiny_pram=TINY)
    swept(tmp_path, database, Told(fine), limits=replace(ALL, max_steps=9))
    found = survey(database)
    assert [(p.earlier_text, p.counts[CHECKED]) for p in found.programs] == [(False, 6)] and not reasons(found)


def test_forgetting_what_is_not_there(do: Do, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    assert do("report no.sqlite --forget tiny.pram").status == WRONG and not Path("no.sqlite").exists()
    assert do("sweep tiny.pram --sizes 1 --workers 0 --max-context 0").status == FINE
    outcome = do("report sweep.sqlite --forget other.pram")
    assert outcome.status == WRONG and "other.pram: error: no program of this file is in the database" in outcome.err


def test_a_database_of_earlier_tables_is_refused(tmp_path: Path) -> None:
    import sqlite3

    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    swept(tmp_path, tmp_path / "sweep.sqlite", Told(fine))
    with sqlite3.connect(tmp_path / "sweep.sqlite") as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(PramError, match="its tables are version 3, this version reads 5"):
        survey(tmp_path / "sweep.sqlite")


def test_what_nobody_judged_takes_no_failure_of_an_oracle_back(tmp_path: Path) -> None:
    """The later sweep has a sidecar, too, but not an oracle."""
    files(tmp_path, tiny_pram=TINY, tiny_py=GOOD)
    database = tmp_path / "sweep.sqlite"
    swept(tmp_path, database, Told(lambda task: replace(failed(task), right=False)), limits=ALL)
    files(tmp_path, tiny_py=GOOD + "# no oracle\n")
    swept(tmp_path, database, Told(lambda task: replace(fine(task), right=None)), limits=ALL)
    assert survey(database).counts[FAILED] > 0
    swept(
        tmp_path, database, Told(lambda task: replace(fine(task), right=True)), limits=replace(ALL, max_steps=ALL.max_steps + 1)
    )
    assert survey(database).counts[FAILED] == 0
