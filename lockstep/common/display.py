"""Results as records for JSON and as tables for people."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.listing import listing
from lockstep.pram.machine import Run
from lockstep.pram.program import Program
from lockstep.pram.unwritten import Warn, refuse

if TYPE_CHECKING:
    from lockstep.commands.certify.bounds import Bounded
    from lockstep.commands.space.rows import SpaceRow
    from lockstep.pram.sidecar.judging import Verdict
    from lockstep.proofs_check.catalog import Theorem
    from lockstep.proofs_check.failing import Kept
    from lockstep.proofs_check.verification import Failed, Report


@contextmanager
def warnings(strict: bool) -> Iterator[Warn]:
    """Takes a run's warnings and shows them after it, even if it fails; if strict, the first one is an error."""
    found: list[Diagnostic] = []
    try:
        yield refuse if strict else found.append
    finally:
        for warning in found:
            print(warning.render(), file=sys.stderr)


def run_record(run: Run, verdict: Verdict | None = None) -> dict[str, Any]:
    """The output of `lockstep run --json` (docs/language.md, section 7)."""
    judged = {} if verdict is None else {"right": verdict.right, "difference": verdict.difference or None}
    return {
        "outputs": run.outputs,
        "time": run.costs.time,
        "work": run.costs.work,
        "shared_accesses": run.costs.shared_accesses,
        "processors": run.job.processors,
        "space": {"allocated": run.space.allocated, "touched": run.space.touched, "registers": run.space.registers},
        "word_bits": run.job.word_bits,
        "mode": run.job.mode,
        **run.job.winner_record,
        **judged,
    }


def run_table(run: Run, verdict: Verdict | None = None) -> RenderableType:
    record = run_record(run)
    if verdict is not None:
        record["outputs are"] = "right" if verdict.right else f"wrong: {verdict.difference}"
    space = record.pop("space")
    outputs = {f"{name} (output)": value for name, value in record.pop("outputs").items()}
    return record_table(_given(run) | outputs | record | {f"space {name}": value for name, value in space.items()})


def _given(run: Run) -> dict[str, Any]:
    """Parameters and inputs, which may have been drawn at random."""
    job = run.job
    params = {f"{name} (parameter)": value for name, value in job.values.items() if name.isidentifier()}
    arrays = [a for a in job.arrays if a.is_input]
    return params | {f"{a.name} (input)": a.read(job.memory) for a in arrays}


def record_table(record: dict[str, Any]) -> Table:
    """Two columns: name and value; nested outputs are spread over rows."""
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        for key, item in value.items() if isinstance(value, dict) else ((None, value),):
            table.add_row(Text(f"{key} (output)" if key else name.replace("_", " ")), Text(str(item)))
    return table


def batch_table(name: str, records: Sequence[dict[str, Any]], about: dict[str, str]) -> RenderableType:
    """Outputs and costs of inputs that were decoded together, a row for each."""
    names = list(records[0]["outputs"])
    costs = {"time": "time", "decoding_steps": "decoding steps", "context": "context"}
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{name}: {len(records)} inputs, decoded together", title_justify="left"
    )
    table.add_column("line", justify="right")
    for output in names:
        table.add_column(Text(output), overflow="fold")
    for title in costs.values():
        table.add_column(title, justify="right")
    for record in records:
        outputs = (Text(str(record["outputs"][output])) for output in names)
        table.add_row(str(record["line"]), *outputs, *(f"{record[cost]:,}" for cost in costs))
    engines = ", ".join(dict.fromkeys(record["engine"] for record in records))
    return Group(table, Text(f"decoded by: {engines}; {about['process']}, {about['order']}", style="dim"))


def program_record(file: Path, program: Program) -> dict[str, Any]:
    """What a correct program is."""
    code = program.code
    return {"file": str(file), "program": program.name, "mode": program.symbols.mode, "parameters": list(program.given),
            "instructions": len(code.instructions), "registers": code.registers}  # fmt: skip


def program_line(record: dict[str, Any]) -> str:
    given = ", ".join(record["parameters"])
    parameters = f"parameter{'s' if len(record['parameters']) > 1 else ''} {given}" if given else "no parameters"
    sizes = ", ".join(f"{n} {what}{'s' if n != 1 else ''}" for what in ("instruction", "register") for n in (record[f"{what}s"],))
    return f"{record['file']}: fine: program {record['program']}, {record['mode']}, {parameters}, {sizes}"


def error_record(file: Path, error: PramError) -> dict[str, Any]:
    """What is wrong with a program; places are null where an error has none."""
    spans = [(d.message, d.span.line, d.span.column) if d.span else (d.message, None, None) for d in error.diagnostics]
    return {"file": str(file), "errors": [{"message": m, "line": line, "column": column} for m, line, column in spans]}


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
T time, P processors, k registers, S cells, h parameters, inp and out: input and output words of a run, w bits of a
word, N full context, n0 context at the start, F what is behind the last word of it, lg ceil(log2); space: S + P (k + 1)"""


def report_record(report: Report, kept: Kept | None = None) -> dict[str, Any]:
    rows = [{f: getattr(c, f) for f in ("what", "process", "on", "bound", "measured", "verdict")} for c in report.checks]
    return {"program": report.program, "holds": report.holds, "conclusion": report.conclusion, "checks": rows,
            "engines": report.engines, "divergence": report.trouble or None, "failures": [_failure(f) for f in report.failed],
            "unreached": report.unreached.record() if report.unreached is not None else None, "refused": report.refused,
            "failing": vars(kept) if kept else None}  # fmt: skip


def _failure(failed: Failed) -> dict[str, Any]:
    """The first input on which a check failed."""
    winner = str(failed.winner) if failed.case.winner_open else None
    return {"what": failed.check.what, "process": failed.check.process, "params": failed.case.params, "winner": winner,
            "trouble": failed.trouble}  # fmt: skip


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
    troubles = (Text(failed.trouble, style="bold red") for failed in report.failed)
    conclusion = Text(report.conclusion, style="green" if report.holds else "bold red")
    return Group(table, legend, *troubles, *_not_reached(report), conclusion)


def _not_reached(report: Report) -> list[Text]:
    """One line on what no run reached, if anything."""
    if not report.unreached:
        return []
    refused = f"; {len(report.refused)} inputs of larger words, tried for that, are refused" if report.refused else ""
    return [Text(report.unreached.text + refused, style="yellow")]


def space_table(name: str, rows: Sequence[SpaceRow]) -> Table:
    """Time and space of each input, and for each construction context, decoding steps and whether they were decoded."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=f"{name}: context of each process", title_justify="left")
    for column in ("input", "T", "space", "process", "context", "context / space", "decoding steps", "decoded"):
        table.add_column(column, justify="left" if column in ("input", "process", "decoded") else "right", no_wrap=True)
    for row in rows:
        head = [", ".join(f"{k} {v}" for k, v in row.params.items()), f"{row.time:,}", f"{row.space:,}"]
        for process, context in row.contexts.items():
            ratio = f"{context / row.space:.1f}"
            table.add_row(*head, process, f"{context:,}", ratio, f"{row.steps[process]:,}", row.verdicts[process])
            head = ["", "", ""]
    return table


def theorem_records(theorems: Sequence[Theorem], report: Report | None) -> list[dict[str, Any]]:
    """Each theorem with its closed forms; `status` says what a report found, if there is one."""
    return [
        {
            "theorem": t.name, "statement": t.statement, "measured": t.measured, "decided": t.decided, "source": t.source,
            "forms": {c: {what: str(form) for what, form in forms.items()} for c, forms in t.forms.items()},
            "status": _status(t, report),
        }
        for t in theorems
    ]  # fmt: skip


def _status(theorem: Theorem, report: Report | None) -> str:
    what = "closed forms, checked" if theorem.forms else "checked"
    if report is None:
        return f"{what} by verify on every {'run' if theorem.of_runs else 'decode'}"
    checks = [c for c in report.checks if c.theorem == theorem.name]
    failed = [c for c in checks if not c.holds]
    if failed:
        return f"FAILED: {failed[0].what}, {failed[0].measured}"
    return f"{what} on {', '.join(dict.fromkeys(c.on for c in checks))}" if checks else "nothing to check"


def theorem_table(theorems: Sequence[Theorem], report: Report | None) -> RenderableType:
    """One block for each theorem: what it says, its closed forms, how it is decided, and its status; then the letters."""
    from lockstep.proofs_check.catalog import LETTERS, OPERATIONS

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title="what is claimed", title_justify="left", show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for theorem, record in zip(theorems, theorem_records(theorems, report)):
        table.add_section()
        table.add_row(Text(theorem.name, style="bold"), Text(theorem.statement))
        for construction, forms in theorem.forms.items():
            for what, form in forms.items():
                table.add_row(Text(f"  {construction}"), Text(f"{what} = {form}"))
        table.add_row(Text("  decided by"), Text(theorem.decided))
        style = "bold red" if record["status"].startswith("FAILED") else "green"
        table.add_row(Text("  status"), Text(record["status"], style=style))
    letters = Table(box=None, padding=(0, 1), title="what the letters stand for", title_justify="left", show_header=False)
    letters.add_column(style="cyan", no_wrap=True)
    letters.add_column(overflow="fold")
    for letter, meaning in {**LETTERS, **OPERATIONS}.items():
        letters.add_row(Text(letter), Text(meaning))
    return Group(table, letters)


def certificate_table(found: Bounded) -> RenderableType:
    """Every sum and gap against its limit, what follows from them, and the horizon."""
    certificate = found.certificate
    title = f"{found.program}: {found.compiled.construction} in {certificate.dtype}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title=title, title_justify="left")
    for column in ("what", "found", "limit", "verdict"):
        table.add_column(column, justify="right" if column in ("found", "limit") else "left")
    for line in certificate.lines:
        style, verdict = ("green", "certified") if line.holds else ("bold red", "FAILED")
        table.add_row(Text(line.what), f"{line.found:.10g}", _power_of_two(line.limit), Text(verdict, style=style))
    return Group(table, Text("\n".join(_about(found))))


def _power_of_two(limit: float) -> str:
    """2^53 as such: what float64 counts exactly."""
    return f"2^{int(limit).bit_length() - 1}" if limit >= 2.0**24 else f"{limit:.10g}"


def _about(found: Bounded) -> Iterator[str]:
    """What a certificate says, and for which runs: of what it does not show, nothing is said."""
    certificate, widths = found.certificate, found.compiled.widths
    yield "found: the most that values in range can make of it; of sums, of all their parts in any order"
    limits = " and ".join(f"{limit.letter} <= {limit.most:,} ({limit.origin})" for limit in found.limits)
    what, bits = found.needed.extent
    yield f"runs: {limits}, so {what} <= 2^{bits}"
    if not found.fits:
        has, needs = (", ".join(f"{name} {n}" for name, n in asdict(w).items() if name != "word") for w in (widths, found.needed))
        yield f"FAILED: this model's bits do not cover that: it has {has}; needed are {needs}"
    if certificate.holds:
        within = "" if found.fits else ", in runs that this model's bits cover"
        gap = f"{certificate.smallest_gap:.0f}"
        yield f"smallest score gap: {gap}, so attention leaks exp(-{gap}) = 0{within}"
        yield f"noise at every gate: 0, since every sum is an exact integer{within}"
    else:
        yield f"not certified: of the arithmetic of these runs in {certificate.dtype} nothing is said but what holds above"
    yield (
        f"horizon: {certificate.dtype} is certified up to {what} = 2^{found.horizon}"
        if found.horizon
        else f"horizon: none; {certificate.dtype} is certified for no {what} with words of {widths.word} bits and pids of {widths.pid}"
    )


@contextmanager
def progress(console: Console, what: str, rate: str = "") -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that goes away when done; yields what to call with (done, total). rate: also show so many of these."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    pace = (TextColumn("{task.fields[pace]}"),) if rate else ()
    with Progress(*columns, *pace, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, begin = bar.add_task(what, total=None, pace=""), time.monotonic()

        def update(done: int, total: int) -> None:
            speed = done / max(time.monotonic() - begin, 1e-9)
            bar.update(task, completed=done, total=total, pace=f"{speed:.1f} {rate}")

        yield update


@contextmanager
def spinner(console: Console, what: str) -> Iterator[None]:
    with console.status(what):
        yield
