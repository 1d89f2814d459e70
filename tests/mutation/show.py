"""Verdicts as a table for people, as Markdown, and as records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from mutation.table import Check
from mutation.verdicts import CRASHED, EQUIVALENT, KILLED, Score, Verdict

#: Colours of verdicts; all others are red.
COLOURS = {KILLED: "green", EQUIVALENT: "cyan"}
INTRODUCTION = (
    "A *mutant* is a deliberate fault in one function or value. Each mutant names a check, which passes without the mutant and must fail"
    " with it. An *equivalent* mutant changes nothing that Lockstep claims: its check passes, and its row says why."
    " [development.md](development.md#mutants) explains how to add one."
)


def what_became(v: Verdict) -> str:
    """The verdict as text: `killed by agreement of mdm`, `equivalent, shown by ...`."""
    match v.verdict:
        case "killed":
            return f"killed by {v.mutant.check}"
        case "equivalent":
            return f"equivalent, shown by {v.mutant.check}"
        case _ if v.found:
            return f"{v.verdict} ({v.mutant.check}): {v.found}"
    return f"{v.verdict} ({v.mutant.check})"


def table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts as a table, grouped by area."""
    shown = Table("fault", "where", "verdict", "seconds", box=box.SIMPLE_HEAD, title="mutants")
    for area, rows in groupby(verdicts, lambda v: v.mutant.area):
        shown.add_row(Text(area, "bold"))
        for v in rows:
            word = Text(what_became(v), COLOURS.get(v.verdict, "bold red"))
            shown.add_row(Text(f"  {v.mutant.breaks}"), Text(v.mutant.plant.where), word, f"{v.seconds:.2f}")
    return shown


def summary(verdicts: Sequence[Verdict]) -> str:
    """The score, and the number of mutants with each other verdict."""
    wrong: dict[str, int] = {}
    for v in verdicts:
        if not v.fine:
            wrong[v.verdict] = wrong.get(v.verdict, 0) + 1
    rest = "".join(f"; {word}: {number}" for word, number in wrong.items())
    return f"{Score.of(verdicts)}{rest}"


def markdown(verdicts: Sequence[Verdict], checks: Iterable[Check], command: str) -> str:
    """The verdicts as a Markdown page, which is the same after every run."""
    lines = ["# Mutants", "", INTRODUCTION, "", f"Made by `{command}`; do not edit this page. {summary(verdicts)}.", ""]
    lines += ["| area | mutants | killed | equivalent |", "|---|---|---|---|"]
    areas = [(area, list(rows)) for area, rows in groupby(verdicts, lambda v: v.mutant.area)]
    for area, rows in areas:
        score = Score.of(rows)
        lines.append(f"| {area} | {len(rows)} | {score.killed} | {score.equivalent} |")
    lines += ["", "## The checks", "", "| check | what it compares or plants |", "|---|---|"]
    lines += [f"| {check.name} | {_cell(check.holds)} |" for check in checks]
    for area, rows in areas:
        lines += ["", f"## {area[0].upper()}{area[1:]}", "", "| fault | function or value | verdict |", "|---|---|---|"]
        for v in rows:
            why = f": {v.mutant.equivalent}" if v.verdict == EQUIVALENT else ""
            lines.append(f"| {_cell(v.mutant.breaks)} | `{v.mutant.plant.where}` | {_cell(what_became(v) + why)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def records(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    score = Score.of(verdicts)
    return {
        "killed": score.killed, "equivalent": score.equivalent, "total": len(verdicts),
        "mutants": [v.record() for v in verdicts],
    }  # fmt: skip


__all__ = ["CRASHED", "markdown", "records", "summary", "table", "what_became"]
