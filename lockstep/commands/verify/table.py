"""What a verification found, as a record for JSON and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lockstep.common.tables import BAD, CAUTION, GOOD, LABEL, LEGEND

if TYPE_CHECKING:
    from lockstep.common.keeping import KeptInput
    from lockstep.proofs_check.report import Check
    from lockstep.proofs_check.verification import FailedCheck, Report


def report_record(report: Report, kept: KeptInput | None = None) -> dict[str, Any]:
    rows = [{f: getattr(c, f) for f in ("what", "process", "on", "bound", "measured", "verdict")} for c in report.checks]
    return {"program": report.program, "holds": report.holds, "conclusion": report.conclusion, "checks": rows,
            "engines": report.engines, "divergence": report.trouble or None, "failures": [_failure(f) for f in report.failed],
            "unreached": report.unreached.record() if report.unreached is not None else None, "refused": report.refused,
            "rejected": report.rejected, "failing": vars(kept) if kept else None}  # fmt: skip


def _failure(failed: FailedCheck) -> dict[str, Any]:
    """The first input on which a check failed."""
    winner = str(failed.winner) if failed.case.winner_open else None
    return {"what": failed.check.what, "process": failed.check.process, "params": failed.case.params, "winner": winner,
            "trouble": failed.trouble}  # fmt: skip


def report_table(report: Report, explain: bool = False) -> RenderableType:
    """One line for each check, then the verdict.

    Args: explain: also say what the letters mean, and what decoded.
    """
    parts: list[RenderableType] = [_checks(report), Text("")]
    if explain:
        engines = f"decoded by: {', '.join(report.engines)}" if report.engines else "nothing was decoded"
        parts.append(Text(f"{LEGEND}\n{engines}"))
    parts += [Text(failed.trouble, style=BAD) for failed in report.failed]
    if report.rejected is not None:
        parts.append(Text(f"{report.rejected} draw{'s' * (report.rejected != 1)} rejected by `requires`"))
    return Group(*parts, *_not_reached(report), Text(report.conclusion, style=GOOD if report.holds else BAD))


def _checks(report: Report) -> Table:
    """A section for the machine and one for each construction. The title names the runs; a section with other runs names them."""
    common = _most_common([check for check in report.checks if not check.process] or report.checks)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, title_justify="left",
                  title=f"{report.program}: machine and model on {common}\n")  # fmt: skip
    for column in ("what", "bound", "measured", "verdict"):
        table.add_column(column, no_wrap=column in ("what", "verdict"), overflow="fold")
    for process, checks in groupby(report.checks, key=lambda check: check.process):
        section = list(checks)
        on = _most_common(section)
        if process:
            table.add_section()
            table.add_row(Text(process, style=LABEL), Text("" if on == common else on, style=LABEL))
        for check in section:
            table.add_row(*_cells(check, on))
    return table


def _most_common(checks: Sequence[Check]) -> str:
    """The runs on which most of the checks were made."""
    made = [check for check in checks if check.strength != "skipped"] or checks
    return Counter(check.on for check in made).most_common(1)[0][0] if made else "no run"


def _cells(check: Check, on: str) -> list[Text]:
    """The cells of a check. The last line of all says why checks were skipped, so the cells do not."""
    skipped = check.strength == "skipped" and check.holds
    style = CAUTION if skipped else GOOD if check.holds else BAD
    bound = check.bound if skipped or check.on == on else ", ".join(filter(None, (check.bound, check.on)))
    measured = check.measured.partition(":")[0] if skipped else check.measured
    return [Text(check.what), Text(bound), Text(measured), Text(check.verdict, style=style)]


def _not_reached(report: Report) -> list[Text]:
    """One line that names the source lines and conditions that no run reached, if there are any."""
    if not report.unreached:
        return []
    refused = f"; {len(report.refused)} inputs of larger words, tried for that, are refused" if report.refused else ""
    return [Text(report.unreached.text + refused, style=CAUTION)]
