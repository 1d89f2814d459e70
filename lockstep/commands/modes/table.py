"""What runs cost, line by line and mode by mode, as records for JSON and as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.commands.modes.trying import ModeResult, weakest
from lockstep.pram.errors import Source
from lockstep.pram.profile import LineCosts, Profile
from lockstep.pram.program import Program

BAR_WIDTH = 20
END = "(end of the program)"


def profile_record(program: Program, profile: Profile, by_steps: bool) -> dict[str, Any]:
    costs = profile.costs
    lines = [
        {"line": c.line, "steps": c.steps, "share": c.steps / costs.time, "work": c.work, "shared_accesses": c.shared_accesses}
        for c in _ordered(profile, by_steps)
    ]
    totals = {"time": costs.time, "work": costs.work, "shared_accesses": costs.shared_accesses}
    return {"program": program.name, **totals, "lines": lines}


def profile_table(program: Program, profile: Profile, by_steps: bool, bars: bool) -> Table:
    """The program's listing with what each line cost; hottest first, only the lines that took a step."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_footer=True, title=f"{program.name}: where the steps go",
                  title_justify="left")  # fmt: skip
    costs = profile.costs
    totals = {"line": "total", "steps": f"{costs.time:,}", "share": "100.0%", "work": f"{costs.work:,}",
              "accesses": f"{costs.shared_accesses:,}"}  # fmt: skip
    for column, total in totals.items():
        table.add_column(column, total, justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True)
    table.add_column("source")
    for row in _ordered(profile, True) if by_steps else _listing(profile, program.source):
        bar = [Text("━" * round(BAR_WIDTH * row.steps / costs.time), style=_heat(row, profile))] if bars else []
        table.add_row(*_cells(row, costs.time), *bar, _source(program.source, row))
    return table


def _source(source: Source, row: LineCosts) -> Text:
    """The line, cut short where a terminal is narrow: the numbers are not."""
    return Text(source.line(row.line) if row.line else END, no_wrap=True, overflow="ellipsis")


def _ordered(profile: Profile, by_steps: bool) -> list[LineCosts]:
    return sorted(profile.lines, key=lambda c: -c.steps) if by_steps else list(profile.lines)


def _listing(profile: Profile, source: Source) -> list[LineCosts]:
    """A row for every line of the text, then the end of the program."""
    costs = {c.line: c for c in profile.lines}
    count = len(source.text.rstrip("\n").split("\n"))
    return [costs.get(line, LineCosts(line, 0, 0, 0)) for line in (*range(1, count + 1), None)]


def _cells(row: LineCosts, time: int) -> list[Text]:
    number = Text(str(row.line or ""), style="dim")
    if not row.steps:
        return [number, *[Text("")] * 4]
    texts = (f"{row.steps:,}", f"{100 * row.steps / time:.1f}%", f"{row.work:,}", f"{row.shared_accesses:,}")
    return [number, *map(Text, texts)]


def _heat(row: LineCosts, profile: Profile) -> str:
    return "bold red" if row.steps == max(c.steps for c in profile.lines) else "yellow"


def modes_record(program: Program, results: Sequence[ModeResult]) -> dict[str, Any]:
    found = weakest(results)
    rows = [
        {"mode": r.mode, "ran": r.ran, "of": r.of, "right": r.right, "winners": r.winners or None, "trouble": r.trouble or None,
         "line": r.place.line if r.place else None, "params": r.params}
        for r in results
    ]  # fmt: skip
    return {"program": program.name, "declared": program.symbols.mode, "weakest": found.mode if found else None, "modes": rows}


def modes_table(program: Program, results: Sequence[ModeResult], on: str) -> RenderableType:
    """One row for each mode, weakest first, with the first thing that went wrong in it."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{program.name}: access modes on {on}", title_justify="left")
    for column in ("mode", "ran", "winners", ""):
        table.add_column(column, no_wrap=True)
    table.add_column("first trouble", overflow="fold")
    found = weakest(results)
    for result in results:
        mark = "weakest" if result is found else ""
        table.add_row(
            result.mode, f"{result.ran} of {result.of}", result.winners, Text(mark, style="bold green"), Text(_trouble(result))
        )
    return Group(table, Text(_conclusion(program, found)))


def _trouble(result: ModeResult) -> str:
    sizes = ", ".join(f"{name} = {value}" for name, value in (result.params or {}).items())
    place = f"{result.place.line}:{result.place.column}: " if result.place else ""
    return place + result.trouble + (f" (with {sizes})" if sizes else "")


def _conclusion(program: Program, found: ModeResult | None) -> str:
    declared = f"the program declares {program.symbols.mode}"
    if found is None:
        return f"under no mode did every run end well and right; {declared}"
    same = "this is what the program declares" if found.mode == program.symbols.mode else declared
    return f"the weakest mode for these inputs is {found.mode}; {same}"
