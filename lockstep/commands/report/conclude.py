"""The end of `sweep` and `report`: the summary, the reports, and status 3 unless something was compared and all of it held."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from lockstep.common.console import FAILED, err, out, spinner

FORMATS = (".md", ".html")


def conclude(database: Path, targets: list[Path], as_json: bool, also: str) -> None:
    """Print the summary of a database, write its reports, and end with status 3 unless something was compared and all held.

    Args: also: a line for standard error.
    """
    from lockstep.commands.report import write
    from lockstep.commands.report.summary import summary_record, summary_table
    from lockstep.commands.report.survey import survey
    from lockstep.commands.report.verdict import reasons, unfinished

    with spinner(err, "writing the report"):
        found = survey(database)
        for path in targets:
            write(found, path)
    if as_json:
        print(json.dumps(summary_record(found) | {"reports": [str(path) for path in targets]}))
    else:
        out.print(summary_table(found))
        print(f"wrote {' and '.join(str(path) for path in targets)}", file=sys.stderr)
    for line in filter(None, (also, unfinished(found), *reasons(found))):
        print(line, file=sys.stderr)
    if reasons(found):
        raise typer.Exit(FAILED)
