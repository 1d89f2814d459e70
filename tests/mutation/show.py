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

#: Colours of verdicts; whatever else is wrong is red.
COLOURS = {KILLED: "green", EQUIVALENT: "cyan"}


def what_became(v: Verdict) -> str:
    """`killed by agreement of mdm`, `equivalent, shown by ...`."""
    match v.verdict:
        case "killed":
            return f"killed by {v.mutant.check}"
        case "equivalent":
            return f"equivalent, shown by {v.mutant.check}"
        case _ if v.found:
            return f"{v.verdict} ({v.mutant.check}): {v.found}"
    return f"{v.verdict} ({v.mutant.check})"


def table(verdicts: Sequence[Verdict]) -> Table:
    """Grouped by what is mutated."""
    shown = Table("what is broken", "where", "verdict", "seconds", box=box.SIMPLE_HEAD, title="mutants")
    for area, rows in groupby(verdicts, lambda v: v.mutant.area):
        shown.add_row(Text(area, "bold"))
        for v in rows:
            word = Text(what_became(v), COLOURS.get(v.verdict, "bold red"))
            shown.add_row(Text(f"  {v.mutant.breaks}"), Text(v.mutant.plant.where), word, f"{v.seconds:.2f}")
    return shown


def summary(verdicts: Sequence[Verdict]) -> str:
    """The score, and how many are neither killed nor equivalent, by verdict."""
    wrong: dict[str, int] = {}
    for v in verdicts:
        if not v.fine:
            wrong[v.verdict] = wrong.get(v.verdict, 0) + 1
    rest = "".join(f"; {word}: {number}" for word, number in wrong.items())
    return f"{Score.of(verdicts)}{rest}"


def markdown(verdicts: Sequence[Verdict], checks: Iterable[Check], command: str) -> str:
    """The same as a document. Nothing in it changes from run to run."""
    lines = ["# Mutants", "", f"Made by `{command}`. {summary(verdicts)}.", ""]
    lines += ["| area | mutants | killed | equivalent |", "|---|---|---|---|"]
    areas = [(area, list(rows)) for area, rows in groupby(verdicts, lambda v: v.mutant.area)]
    for area, rows in areas:
        score = Score.of(rows)
        lines.append(f"| {area} | {len(rows)} | {score.killed} | {score.equivalent} |")
    lines += ["", "## The checks", "", "| check | what it holds |", "|---|---|"]
    lines += [f"| {check.name} | {_cell(check.holds)} |" for check in checks]
    for area, rows in areas:
        lines += ["", f"## {area[0].upper()}{area[1:]}", "", "| what is broken | where | verdict |", "|---|---|---|"]
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
