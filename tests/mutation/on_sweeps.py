"""Checks of sweeps and their reports, of the exit status, and of claims and sizes on the command line."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import test_sweep_files as of_files
import test_sweep_identity as of_identity
import typer
from kit.sweeps import GOOD, TINY, Told, failed, files, fine, swept

from lockstep.commands.report.survey import survey
from lockstep.commands.report.verdict import reasons
from lockstep.common.arguments import parse_sizes
from lockstep.common.ending import end_with_failures, false_claims
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.pram.reached import Unreached
from lockstep.proofs_check.sweeps.plan import LIBRARIES, Limits, Task, libraries
from lockstep.proofs_check.sweeps.result import FAILED, STOPPED, Result
from lockstep.proofs_check.sweeps.store import writing
from mutation.table import Check

LIMITS = Limits(("mdm",), "float64", 100, 100, 100)


def in_folders(*checks: Callable[[Path], None]) -> None:
    """Each in a folder of its own."""
    for check in checks:
        with TemporaryDirectory() as folder:
            check(Path(folder).resolve())


def sweeps_see_files() -> None:
    in_folders(
        of_files.test_an_oracle_whose_data_changes_judges_again, of_files.test_a_file_that_is_as_it_was_before, _of_a_folder
    )


def _of_a_folder(folder: Path) -> None:
    of_files.test_whatever_was_read_is_compared(of_files.another_name, folder)


def fingerprints() -> None:
    in_folders(of_files.test_fingerprints_of_files_folders_and_nothing)
    named = dict(part.split(" ") for part in libraries.__wrapped__().split(", ") if " " in part)
    assert set(LIBRARIES) <= named.keys(), f"versions of {sorted(named)}"


def files_and_texts() -> None:
    in_folders(
        of_identity.test_two_files_with_one_text_are_two_programs,
        of_identity.test_a_failure_outlives_a_sweep_of_another_file_of_that_name,
    )


def failures_stand() -> None:
    for what in of_identity.LATER:
        in_folders(lambda folder, what=what: of_identity.test_how_long_a_failure_stands(what, folder))  # type: ignore[misc]
    in_folders(of_identity.test_what_was_checked_before_a_failure_takes_nothing_back)
    in_folders(
        of_identity.test_what_nobody_judged_takes_no_failure_of_an_oracle_back,
        of_identity.test_an_input_that_a_changed_file_draws_takes_nothing_back,
        of_identity.test_what_could_not_be_drawn_is_taken_back_by_its_number,
        of_identity.test_links_to_one_program_have_a_sidecar_each,
    )


def forgotten() -> None:
    in_folders(
        _forgotten,
        of_identity.test_another_input_of_that_number_takes_nothing_back,
        of_identity.test_failures_of_another_seed_can_be_forgotten,
    )


def _forgotten(folder: Path) -> None:
    """An earlier text that failed, then the newest, then the file that is gone."""
    database = folder / "sweep.sqlite"
    files(folder, tiny_pram=TINY, tiny_py=GOOD)
    swept(folder, database, Told(failed), limits=LIMITS)
    files(folder, tiny_pram=TINY + "# more\n")
    swept(folder, database, Told(fine), limits=LIMITS)
    shown = [(program.earlier_text, program.counts[FAILED]) for program in survey(database).programs]
    assert shown == [(False, 0), (True, 6)], f"of both texts {shown} are shown"
    removed = []
    for gone in (False, False, True):
        if gone:
            (folder / "tiny.pram").unlink()
        with writing(database) as store:
            removed.append(store.forget(folder / "tiny.pram"))
    assert removed == [6, 0, 6], f"{removed} cases are forgotten"


def said() -> None:
    in_folders(_said)


def _said(folder: Path) -> None:
    """Sizes 1 to 3 whose inputs have n of 5 or 6; an input of size 3 fails before it is decoded, and another place is unreached."""
    files(folder, tiny_pram=TINY, tiny_py=GOOD)

    def tell(task: Task) -> Result:
        if (task.size, task.number) == (3, 1):
            return failed(task)
        unreached = ((5, 1, "false", "n > 1"), (task.size, 1, "true", "n > 2"))
        return replace(fine(task), params={"n": 5 + task.number}, unreached=unreached)

    swept(folder, folder / "sweep.sqlite", Told(tell), limits=LIMITS)
    (program,) = survey(folder / "sweep.sqlite").programs
    assert str(program.runs) == "sizes 1..2, n 5..6", f"the machine for {program.runs}"
    assert str(program.checked("mdm")) == "sizes 1..2, n 5..6", f"mdm for {program.checked('mdm')}"
    assert program.unreached == Unreached.of([(5, 1, "false", "n > 1")]), f"unreached: {program.unreached}"


def exit_status() -> None:
    in_folders(_statuses)


def _statuses(folder: Path) -> None:
    alone = replace(LIMITS, max_context=0)
    stopped = Result(STOPPED, {"n": 1}, trouble="no halt")
    #: Limits, whether there is an oracle, what each case comes to, and what the one reason says; nothing where there is none.
    told: tuple[tuple[Limits, bool, Callable[[Task], Result], str], ...] = (
        (LIMITS, False, fine, ""), (LIMITS, True, failed, "6 cases failed"), (LIMITS, True, lambda task: stopped, "no run came to an end"),
        (alone, True, fine, ""), (alone, False, fine, "nothing was compared"), (LIMITS, True, _computed, "the shortest needs 101"),
    )  # fmt: skip
    files(folder, tiny_pram=TINY, tiny_py=GOOD)
    for number, (limits, oracle, tell, expected) in enumerate(told):
        database = folder / f"{number}.sqlite"
        swept(folder, database, Told(tell), limits=limits, sidecars=oracle)
        found = reasons(survey(database))
        assert len(found) == bool(expected) and expected in "".join(found), (
            f"{limits}, oracle {oracle}: {found}, not {expected!r}"
        )
    with writing(folder / "none.sqlite"):
        pass
    assert reasons(survey(folder / "none.sqlite")), "nothing was swept, and nothing is said"


def _computed(task: Task) -> Result:
    """Longer than the limits."""
    result = fine(task)
    return replace(result, status="computed", decodes=tuple(replace(d, status="computed", context=101) for d in result.decodes))


def claims_end() -> None:
    program = parse_program("program t\nparam n\nshared A[n] : output\nclaim space <= 2\nlocal x := 0\n")
    statuses: list[Any] = []
    for n in (2, 3):
        found = false_claims(program, {"n": n}, run(program.instantiate({"n": n}, {})))
        try:
            with contextlib.redirect_stderr(io.StringIO()) as printed:
                end_with_failures([], found)
            statuses.append(0)
        except typer.Exit as ended:
            statuses.append(ended.exit_code)
            assert "at n = 3" in printed.getvalue(), printed.getvalue()
    assert statuses == [0, 3], f"a claim that holds, and one that does not, end with {statuses}"


def sizes_refused() -> None:
    assert parse_sizes("2,1..3,2") == [2, 1, 3]
    for text in ("9..5", "1..2,9..5", "0..3", "1..100001"):
        try:
            found = parse_sizes(text)
        except typer.BadParameter:
            continue
        raise AssertionError(f"{text} is taken for {found}")


CHECKS = (
    Check("sweeps see files", "an oracle whose data change, a folder that gets a file", sweeps_see_files),
    Check("fingerprints", "files, folders and nothing; versions of libraries", fingerprints),
    Check("programs are files and texts", "two files with one text, two with one name", files_and_texts),
    Check("failures stand", "later sweeps that ask for less and for no less", failures_stand),
    Check(
        "texts are forgotten on purpose", "an earlier text that failed, the newest, a file that is gone", forgotten, (PramError,)
    ),
    Check("reports say what was run", "sizes that are no parameters, a size of which a case failed", said),
    Check("exit status", "sweeps in which nothing was compared, or a case failed", exit_status),
    Check("false claims", "a claim that holds and one that does not", claims_end),
    Check("sizes are refused", "ranges that are empty, begin at 0, or are too long", sizes_refused),
)
