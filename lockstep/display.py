"""Results as records for JSON and as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pram.listing import listing
from pram.machine import Run
from pram.program import Program

if TYPE_CHECKING:
    from lockstep.space import SpaceRow
    from lockstep.verification import Report


def run_record(run: Run) -> dict[str, Any]:
    """The output of `lockstep run --json` (docs/language.md, section 7)."""
    return {
        "outputs": run.outputs,
        "time": run.costs.time,
        "work": run.costs.work,
        "shared_accesses": run.costs.shared_accesses,
        "processors": run.job.processors,
        "space": {"allocated": run.space.allocated, "touched": run.space.touched, "registers": run.space.registers},
        "word_bits": run.job.word_bits,
        "mode": run.job.mode,
    }


def run_table(run: Run) -> RenderableType:
    record = run_record(run)
    space = record.pop("space")
    outputs = {f"{name} (output)": value for name, value in record.pop("outputs").items()}
    return record_table(_given(run) | outputs | record | {f"space {name}": value for name, value in space.items()})


def _given(run: Run) -> dict[str, Any]:
    """Parameters and inputs, which may have been drawn at random."""
    job = run.job
    params = {f"{name} (parameter)": value for name, value in job.values.items() if name.isidentifier()}
    arrays = [a for a in job.arrays if a.is_input]
    return params | {f"{a.name} (input)": job.memory[a.base : a.base + a.size].reshape(a.shape).tolist() for a in arrays}


def record_table(record: dict[str, Any]) -> Table:
    """Two columns: name and value; nested outputs are spread over rows."""
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        for key, item in value.items() if isinstance(value, dict) else ((None, value),):
            table.add_row(Text(f"{key} (output)" if key else name.replace("_", " ")), Text(str(item)))
    return table


def code_record(program: Program) -> list[dict[str, Any]]:
    return [{"index": i, "instruction": t, "line": n} for i, t, n, _ in listing(program.code, program.source)]


def code_text(program: Program) -> str:
    """The machine code, one instruction a line, beside the source line it comes from."""
    code = program.code
    sizes = {"instruction": len(code.instructions), "register": code.registers, "parameter": len(code.derived)}
    head = f"{program.name}: " + ", ".join(f"{n} {what}{'s' if n != 1 else ''}" for what, n in sizes.items())
    rows = listing(code, program.source)
    width = max(len(text) for _, text, _, _ in rows)
    lines = [
        f"{index:>5}  {text:<{width}}  {f'{number:>4}  {line}' if line else ''}".rstrip() for index, text, number, line in rows
    ]
    return "\n".join([head, *lines])


LEGEND = """\
T time, P processors, k registers, S cells, h parameters, in and out: input and output words of a run, w bits of a word,
N full context, n0 context at the start, lg ceil(log2); space: S + P (k + 1)"""


def report_record(report: Report) -> dict[str, Any]:
    rows = [{f: getattr(c, f) for f in ("what", "process", "on", "bound", "measured", "verdict")} for c in report.checks]
    return {"program": report.program, "holds": report.holds, "checks": rows, "engines": report.engines,
            "divergence": report.trouble or None}  # fmt: skip


def report_table(report: Report) -> RenderableType:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{report.program}: machine and model side by side", title_justify="left"
    )
    for column in ("what", "on", "bound", "measured", "verdict"):
        table.add_column(column, no_wrap=column in ("what", "verdict"), min_width=10, overflow="fold")
    process = ""
    for check in report.checks:
        if check.process != process:
            process = check.process
            table.add_section()
            table.add_row(Text(process, style="bold"))
        style = "bold red" if not check.holds else "yellow" if check.strength == "skipped" else "green"
        cells = (check.what, check.on, check.bound, check.measured)
        table.add_row(*(Text(cell) for cell in cells), Text(check.verdict, style=style))
    engines = f"decoded by: {', '.join(report.engines)}" if report.engines else "nothing was decoded"
    legend = Text(f"{LEGEND}\n{engines}", style="dim")
    trouble = [Text(report.trouble, style="bold red")] if report.trouble else []
    return Group(table, legend, *trouble)


def space_table(name: str, rows: Sequence[SpaceRow]) -> Table:
    """Time, space, and for each process context, decoding steps and whether they were decoded."""
    processes = list(rows[0].contexts) if rows else []
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{name}: context of each process", title_justify="left")
    for column in ("input", "T", "space", *(f"{p} {what}" for p in processes for what in ("context", "steps", ""))):
        table.add_column(column.strip(), justify="left" if column.endswith(" ") or column == "input" else "right", no_wrap=True)
    for row in rows:
        each = [v for p in processes for v in (f"{row.contexts[p]:,}", f"{row.steps[p]:,}", row.verdicts[p])]
        params = ", ".join(f"{k} {v}" for k, v in row.params.items())
        table.add_row(params, f"{row.time:,}", f"{row.space:,}", *each)
    return table


@contextmanager
def progress(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that goes away when done; yields what to call with (done, total)."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def spinner(console: Console, what: str) -> Iterator[None]:
    with console.status(what):
        yield
