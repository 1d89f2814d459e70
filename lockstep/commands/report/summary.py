"""The summary of a sweep for the terminal and for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.commands.report.values import Extent, Survey, SurveyedCase, SurveyedProgram
from lockstep.commands.report.verdict import reasons
from lockstep.commands.report.words import cases
from lockstep.common.tables import BAD, CAUTION, count, heading, narrow_table
from lockstep.proofs_check.sweeps.result import FAILED, STATUSES, STOPPED

#: The summary shows this many failed cases in full; the report has all.
MOST_TROUBLES = 5
LEGEND = "machine and each process: the sizes at which every case was checked, and the range of each parameter there"
STYLES = {FAILED: BAD, STOPPED: CAUTION}


def summary_table(survey: Survey) -> RenderableType:
    """For each program its cases by status, and for which sizes each construction was checked."""
    title = heading(f"{survey.name}: {_totals(survey)}")
    tables = (_statuses(survey), Text(""), _sizes(survey)) if survey.programs else ()
    return Group(title, *tables, Text(""), Text(LEGEND), *_unreached(survey), *_troubles(survey))


def _statuses(survey: Survey) -> Table:
    """How many cases of each program have each status."""
    table = narrow_table()
    table.add_column("program", overflow="fold")
    for status in STATUSES:
        table.add_column(status, justify="right", no_wrap=True)
    for program in survey.programs:
        table.add_row(program.title, *(_number(program, status) for status in STATUSES))
    return table


def _sizes(survey: Survey) -> Table:
    """For which inputs the machine and each construction were checked."""
    table = narrow_table()
    for column in ("program", "machine", *survey.constructions):
        table.add_column(column, overflow="fold")
    for program in survey.programs:
        table.add_row(program.title, *_checked(survey, program))
    return table


def _number(program: SurveyedProgram, status: str) -> Text:
    number = program.counts[status]
    return Text(f"{number:,}", style=STYLES.get(status, "") if number else "")


def _totals(survey: Survey) -> str:
    unfinished = ", unfinished" if survey.missing else ""
    return f"{cases(survey.counts.total(), survey.missing)} of {count(len(survey.programs), 'program')}{unfinished}"


def _checked(survey: Survey, program: SurveyedProgram) -> list[str]:
    return [program.machine, *(str(program.checked(c)) if c in program.constructions else "" for c in survey.constructions)]


def _unreached(survey: Survey) -> list[Text]:
    """A line for each program that has lines or conditions that no run reached."""
    found = ((program.title, program.unreached.text if program.unreached else "") for program in survey.programs)
    return [Text(f"{title}: {text}", style=CAUTION) for title, text in found if text]


def _troubles(survey: Survey) -> list[Text]:
    """The first cases that failed, and how many more there are."""
    failed = [(program, case) for program in survey.programs for case in program.troubles if case.status == FAILED]
    shown = [
        Text(f"{program.title}, size {case.size}, input {case.number}, seed {case.seed}{_when(case)}: {case.trouble}", style=BAD)
        for program, case in failed[:MOST_TROUBLES]
    ]
    more = len(failed) - len(shown)
    if more:
        shown.append(Text(f"and {more:,} more that failed; the report has them all", style=BAD))
    return shown


def _when(case: SurveyedCase) -> str:
    return ", in an earlier sweep" if case.earlier else ""


def summary_record(survey: Survey) -> dict[str, Any]:
    """The survey as a dictionary, for JSON."""
    return {
        "database": survey.name,
        "cases": survey.counts.total(),
        "missing": survey.missing,
        "holds": not reasons(survey),
        "reasons": reasons(survey),
        "sweeps": [asdict(sweep) for sweep in survey.sweeps],
        "programs": [_record(program) for program in survey.programs],
    }


def _record(program: SurveyedProgram) -> dict[str, Any]:
    return {
        "program": program.name,
        "file": program.file,
        "program_sha256": program.sha256,
        "earlier_text": program.earlier_text,
        "missing": program.missing,
        **{status: program.counts[status] for status in STATUSES},
        "checked_for": {"machine": _extent(program.runs)} | {c: _extent(program.checked(c)) for c in program.constructions},
        "unreached": None if program.unreached is None else program.unreached.record(),
        "failures": [asdict(case) for case in program.troubles if case.status == FAILED],
    }


def _extent(extent: Extent) -> dict[str, Any]:
    """Ranges of sizes, each with its ends, and the least and the most of each parameter."""
    return {"sizes": [list(ends) for ends in extent.sizes], "params": {name: list(ends) for name, ends in extent.params.items()}}
