"""Contexts and decoding steps of each process, one row for each size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.tables import BAD, LABEL, heading, narrow_table, number_text

if TYPE_CHECKING:
    from lockstep.commands.space.rows import SpaceRow

COMPUTED, NO_MODELS = "computed", "no models"
STATE = "space here: shared cells, registers and program counters, S + P (k + 1)"
NOTES = {
    COMPUTED: "* computed from the closed form: too long to decode here (--max-context, --max-decoding-steps)",
    NO_MODELS: "- computed from the closed form: this process and schedule has no models of the program's write rules",
}


def space_table(name: str, rows: Sequence[SpaceRow]) -> RenderableType:
    """Three sections, each with a row for each size: contexts, contexts over space, and decoding steps.

    A star or a dash marks what was not decoded. Decodes that differ from the closed forms are named below.
    """
    processes = list(rows[0].contexts) if rows else []
    table = narrow_table()
    table.add_column("input")
    for column in ("T", "space", *(process.replace(" ", "\n") for process in processes)):
        table.add_column(column, justify="right", no_wrap=True)
    for title, figure in (("context, tokens", _context), ("context / space", _ratio), ("decoding steps", _steps)):
        table.add_section()
        table.add_row(Text(title, style=LABEL))
        for row in rows:
            given = ", ".join(f"{name} {value}" for name, value in row.params.items())
            cells = (f"{figure(row, process)}{_mark(row, process)}" for process in processes)
            table.add_row(given, number_text(row.time), number_text(row.space), *cells)
    verdicts = {verdict for row in rows for verdict in row.verdicts.values()}
    notes = [Text(STATE), *(Text(note) for verdict, note in NOTES.items() if verdict in verdicts)]
    return Group(heading(f"{name}: context of each process"), table, Text(""), *notes, *_differences(rows))


def _context(row: SpaceRow, process: str) -> str:
    return number_text(row.contexts[process])


def _ratio(row: SpaceRow, process: str) -> str:
    return f"{row.contexts[process] / row.space:,.1f}"


def _steps(row: SpaceRow, process: str) -> str:
    return number_text(row.steps[process])


def _mark(row: SpaceRow, process: str) -> str:
    return {COMPUTED: "*", NO_MODELS: "-"}.get(row.verdicts[process], " ")


def _differences(rows: Sequence[SpaceRow]) -> list[Text]:
    """A line for each decode that was not as computed; if all were, a line that says so."""
    verdicts = [(row.params, process, verdict) for row in rows for process, verdict in row.verdicts.items()]
    lines = [
        Text(f"FAILED: {process} at {', '.join(f'{name} {value}' for name, value in params.items())}: {verdict}", style=BAD)
        for params, process, verdict in verdicts
        if verdict not in ("agrees", COMPUTED, NO_MODELS)
    ]
    decoded = sum(verdict == "agrees" for *_, verdict in verdicts)
    return lines or [Text(f"{decoded:,} of {len(verdicts):,} were decoded, and agree with the machine and the closed forms")]
