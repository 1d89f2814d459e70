"""`lockstep theorems`: lists the theorems, their closed forms, and how they are checked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.arguments import parse_sizes
from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.options import Json, OptionalFile, Sidecar
from lockstep.common.tables import BAD, GOOD, LABEL, heading, narrow_table
from lockstep.pram.program import load

if TYPE_CHECKING:
    from lockstep.proofs_check.catalog import Theorem
    from lockstep.proofs_check.verification import Report


def theorems(file: OptionalFile = None,
             sizes: Annotated[str, typer.Option("--sizes", help="Sizes of the drawn inputs: 8, 1..64 or 1,2,4.")] = "1..3",
             no_sidecar: Sidecar = False, json_: Json = False) -> None:  # fmt: skip
    """List the theorems, their closed forms, and how they are checked.

    With a program, every theorem is checked on its runs, in every process and schedule.
    """
    wanted = parse_sizes(sizes)
    from lockstep.proofs_check.theorems import THEOREMS

    report = None
    if file is not None:
        program = load(file)
        from lockstep.compiler.names import EVERY
        from lockstep.proofs_check.verification import Options, verify

        with progress_bar(err, f"verifying {program.name}") as progress:
            report = verify(program, Options(tuple(EVERY)), sizes=wanted, use_sidecar=not no_sidecar, progress=progress)
    emit(theorem_records(THEOREMS, report), theorem_table(THEOREMS, report), json_)
    if report and not report.holds:
        for failed in report.failed:
            print(failed.trouble, file=sys.stderr)
        print(report.conclusion, file=sys.stderr)
        raise typer.Exit(FAILED)


def theorem_records(theorems: Sequence[Theorem], report: Report | None) -> list[dict[str, Any]]:
    """A record for each theorem with its closed forms. `status` has the result of the report, if there is one."""
    return [
        {
            "theorem": t.name, "statement": t.statement, "measured": t.measured, "decided": t.decided, "source": t.source,
            "forms": {c: {what: str(form) for what, form in forms.items()} for c, forms in t.forms.items()},
            "stated": list(t.stated), "status": _status(t, report),
        }
        for t in theorems
    ]  # fmt: skip


def _status(theorem: Theorem, report: Report | None) -> str:
    if theorem.elsewhere:
        return f"checked by {' and '.join(theorem.elsewhere)}"
    what = "closed forms, checked" if theorem.forms else "checked"
    if report is None:
        return f"{what} by verify on every {'run' if theorem.of_runs else 'decode'}"
    checks = [c for c in report.checks if c.theorem == theorem.name]
    failed = [c for c in checks if not c.holds]
    if failed:
        return f"FAILED: {failed[0].what}, {failed[0].measured}"
    return f"{what} on {', '.join(dict.fromkeys(c.on for c in checks))}" if checks else "nothing to check"


def theorem_table(theorems: Sequence[Theorem], report: Report | None) -> RenderableType:
    """One block for each theorem: statement, closed forms, how it is decided, what is only stated, status. Below, the letters."""
    from lockstep.proofs_check.closed_forms import LETTERS, OPERATIONS

    table = narrow_table(show_header=False)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for theorem, record in zip(theorems, theorem_records(theorems, report)):
        table.add_row(Text(theorem.name), Text(theorem.statement))
        for construction, forms in theorem.forms.items():
            for what, form in forms.items():
                table.add_row(Text(f"  {construction}"), Text(f"{what} = {form}"))
        table.add_row(Text("  decided by"), Text(theorem.decided))
        for stated in theorem.stated:
            table.add_row(Text("  stated"), Text(f"{stated} Not checked here."))
        style = BAD if record["status"].startswith("FAILED") else GOOD
        table.add_row(Text("  status"), Text(record["status"], style=style))
        table.add_row("")
    letters = narrow_table(show_header=False)
    letters.add_column(style=LABEL, no_wrap=True)
    letters.add_column(overflow="fold")
    for letter, meaning in {**LETTERS, **OPERATIONS}.items():
        letters.add_row(Text(letter), Text(meaning))
    return Group(heading("what is claimed"), table, heading("what the letters stand for"), letters)
