"""Mutants of `compare`: a row that is wrong or left out must not look like one that was compared."""

from __future__ import annotations

from typing import Any

from lockstep.commands.compare import plot, rows, table
from lockstep.commands.compare.rows import Comparison
from mutation.planting import Rewrite
from mutation.table import Mutant

COMPARISONS = "comparisons"
ROWS, WORDS, LABELS = "comparisons", "comparisons in words", "labels"


def row(breaks: str, function: Any, old: str, new: str, check: str = ROWS) -> Mutant:
    return Mutant(COMPARISONS, breaks, Rewrite(function, old, new), check)


MUTANTS = (
    row("counts are not compared", rows.by_decode, "if value != asdict(form)[what]", "if False"),
    row("counts may be less than closed forms say", rows.by_decode, "if value != asdict", "if value > asdict"),
    row("rows that differ agree", rows._row, "FAILED if difference else AGREES", "AGREES"),
    row("comparisons always hold", Comparison.holds, "row.verdict != FAILED", "True"),
    row("closed forms are shown as counted", rows._row, "about, None, *more", "about, form, *more"),
    row("contexts have no limit", rows._left_out, "form.context > max_context", "False"),
    row("decoding steps have no limit", rows._left_out, "form.steps > max_steps", "False"),
    row("one construction is left out", rows.compare_job, "for system in SYSTEMS:", "for system in SYSTEMS[:-1]:"),
    row("every construction keeps the whole run", table._kinds, "3 if facts.in_place", "2 if facts.in_place", WORDS),
    row("what erases keeps the whole run", table._kinds, "1 if facts.erases", "0 if facts.erases", WORDS),
    row("what fills blocks makes a token a step", table._kinds, "0 if one else 2", "0", WORDS),
    row("steps are compared with themselves", table._steps, "form.steps / time", "form.steps / form.steps * 2", WORDS),
    row("autoregression keeps nothing", table.serially, "if row.kept is not None", "if False", WORDS),
    row("labels lie below the figure", plot.spread, "last + GAP", "last", LABELS),
    row("labels may lie on each other", plot.spread, "top -= GAP", "pass", LABELS),
    row("labels lie above the figure", plot.spread, "min(moved[number], top)", "moved[number]", LABELS),
)
