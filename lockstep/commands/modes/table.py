"""The results of each access mode, as a record for JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.commands.modes.trying import ModeResult, weakest
from lockstep.common.tables import GOOD, heading, narrow_table
from lockstep.pram.program import Program


def modes_record(program: Program, results: Sequence[ModeResult]) -> dict[str, Any]:
    found = weakest(results)
    rows = [
        {"mode": r.mode, "ran": r.ran, "of": r.of, "right": r.right, "winners": r.winners or None, "trouble": r.trouble or None,
         "line": r.place.own.line if r.place else None, "params": r.params}
        for r in results
    ]  # fmt: skip
    return {"program": program.name, "declared": program.symbols.mode, "weakest": [r.mode for r in found], "modes": rows}


def modes_table(program: Program, results: Sequence[ModeResult], on: str) -> RenderableType:
    """One row for each mode, weaker ones first. Below, the first thing that went wrong in each."""
    table = narrow_table()
    for column in ("mode", "ran", "winners", ""):
        table.add_column(column, no_wrap=column != "winners")
    found = weakest(results)
    for result in results:
        mark = Text("weakest" if result in found else "", style=GOOD)
        table.add_row(result.mode, f"{result.ran} of {result.of}", result.winners, mark)
    troubles = [Text(f"{result.mode}: {_trouble(result)}") for result in results if result.trouble]
    above = Text("\nWhat goes wrong first:" if troubles else "")
    title = heading(f"{program.name}: access modes on {on}")
    return Group(title, table, above, *troubles, Text(("\n" if troubles else "") + _conclusion(program, found)))


def _trouble(result: ModeResult) -> str:
    sizes = ", ".join(f"{name} = {value}" for name, value in (result.params or {}).items())
    place = f"{result.place.own.line}:{result.place.own.column}: " if result.place else ""
    return place + result.trouble + (f" (with {sizes})" if sizes else "")


def _conclusion(program: Program, found: Sequence[ModeResult]) -> str:
    """The weakest modes. Where there are several, none of them is weaker than another."""
    names, declared = [result.mode for result in found], program.symbols.mode
    if not names:
        return f"every mode has a run that fails or is wrong; the program declares {declared}"
    if names == [declared]:
        return f"the weakest mode for these inputs is {declared}; this is what the program declares"
    modes = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    verb = "modes for these inputs are" if len(names) > 1 else "mode for these inputs is"
    among = "one of them" if declared in names else declared
    return f"the weakest {verb} {modes}; the program declares {among}"
