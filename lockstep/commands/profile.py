"""`lockstep profile`: shows what each source line of a run costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.text import Text

from lockstep.common.console import emit, err, out, spinner
from lockstep.common.ending import end_with_run
from lockstep.common.inputs import machine_job_and_input
from lockstep.common.options import AnyWinner, Bits, DrawnSeed, File, Input, Json, Sidecar, Size, Steps
from lockstep.common.tables import BAD, CAUTION, heading, narrow_table
from lockstep.pram.errors import Source
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.profile import LineCosts, Profile
from lockstep.pram.program import Program, load


def profile(file: File, input: Input = None, size: Size = None, seed: DrawnSeed = None, winner: AnyWinner = None,
            word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS,
            sort: Annotated[bool, typer.Option("--sort",
                                               help="Show only lines that took a step, those with most steps first.")] = False,
            no_sidecar: Sidecar = False, json_: Json = False) -> None:  # fmt: skip
    """Show what each source line of a run costs."""

    from lockstep.pram.profile import profile as profile_job

    program = load(file)
    job, given = machine_job_and_input(program, input, size, seed, word_bits, winner, not no_sidecar)
    with spinner(err, f"running {program.name}"):
        found = profile_job(job, max_steps=max_steps)
    emit(profile_record(program, found, sort), profile_table(program, found, sort, bars=out.is_terminal), json_)
    end_with_run(program, job, found.run, given)


BAR_WIDTH = 10

END = "(end of the program)"


def profile_record(program: Program, profile: Profile, by_steps: bool) -> dict[str, Any]:
    costs = profile.costs
    lines = [
        {
            "line": c.line,
            "steps": c.steps,
            "share": c.steps / costs.time,
            "work": c.work,
            "shared_accesses": c.shared_accesses,
            **({"called": list(c.called), "file": c.file or None} if c.called else {}),
        }
        for c in _ordered(profile, by_steps)
    ]
    totals = {"time": costs.time, "work": costs.work, "shared_accesses": costs.shared_accesses}
    return {"program": program.name, **totals, "lines": lines}


def profile_table(program: Program, profile: Profile, by_steps: bool, bars: bool) -> RenderableType:
    """The program's listing with the costs of each line. `by_steps`: only lines that took a step, most steps first."""
    table = narrow_table()
    table.show_footer = True
    costs = profile.costs
    totals = {"line": "total", "steps": f"{costs.time:,}", "share": "100.0%", "work": f"{costs.work:,}",
              "accesses": f"{costs.shared_accesses:,}"}  # fmt: skip
    for column, total in totals.items():
        table.add_column(column, total, justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True)
    called = any(row.called for row in profile.lines)
    if called:
        table.add_column("called on", justify="right", no_wrap=True)
    table.add_column("source")
    for row in _ordered(profile, True) if by_steps else _listing(profile, program.source):
        bar = [Text("━" * round(BAR_WIDTH * row.steps / costs.time), style=_heat(row, profile))] if bars else []
        calls = [Text(" > ".join(row.called))] if called else []
        table.add_row(*_cells(row, costs.time), *bar, *calls, SourceLine(_text(row, program.source)))
    return Group(heading(f"{program.name}: where the steps go"), table)


class SourceLine:
    """A source line in a table. Where it is too long, it loses its comment first; what is still too long is wrapped."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = self.text.partition("#")[0].rstrip()
        yield Text(self.text if len(self.text) <= options.max_width else code, overflow="fold")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(20, len(self.text)), len(self.text)).with_maximum(options.max_width)


def _ordered(profile: Profile, by_steps: bool) -> list[LineCosts]:
    return sorted(profile.lines, key=lambda c: -c.steps) if by_steps else list(profile.lines)


def _listing(profile: Profile, source: Source) -> list[LineCosts]:
    """A row for every source line, of a body for each call; then those of libraries, and one for the end of the program."""
    costs: dict[int | None, list[LineCosts]] = {}
    for row in (c for c in profile.lines if not c.file):
        costs.setdefault(row.line, []).append(row)
    count = len(source.text.rstrip("\n").split("\n"))
    *own, end = [costs.get(line, [LineCosts(line, 0, 0, 0)]) for line in (*range(1, count + 1), None)]
    return [*(row for rows in own for row in rows), *(c for c in profile.lines if c.file), *end]


def _text(row: LineCosts, program: Source) -> str:
    source = next((used for used in program.used if used.name == row.file), program)
    return source.line(row.line) if row.line else END


def _cells(row: LineCosts, time: int) -> list[Text]:
    number = Text(f"{row.file}:{row.line}" if row.file else str(row.line or ""))
    if not row.steps:
        return [number, *[Text("")] * 4]
    texts = (f"{row.steps:,}", f"{100 * row.steps / time:.1f}%", f"{row.work:,}", f"{row.shared_accesses:,}")
    return [number, *map(Text, texts)]


def _heat(row: LineCosts, profile: Profile) -> str:
    return BAD if row.steps == max(c.steps for c in profile.lines) else CAUTION
