"""What a verification found, as a record for JSON and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.common.tables import LEGEND

if TYPE_CHECKING:
    from lockstep.common.keeping import Kept
    from lockstep.proofs_check.verification import Failed, Report


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
