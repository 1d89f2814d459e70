"""`lockstep report`: writes the results of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.commands.report.conclude import FORMATS, conclude
from lockstep.common.paths import check_apart, check_writable


def report(database: Annotated[Path, typer.Argument(help="A database of `lockstep sweep`.", show_default=False)],
           target: Annotated[Optional[list[Path]], typer.Option("--out",
                    help="Report to write, NAME.md or NAME.html; may be given twice [both, beside the database].",
                                                                show_default=False)] = None,
           forget: Annotated[Optional[list[Path]], typer.Option("--forget",
                    help="Program whose older results are removed. Results of its last "
                                                                "sweep stay, unless the program's file is gone.",
                                                                show_default=False)] = None,
           json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False) -> None:  # fmt: skip
    """Write the results of a sweep so far, as Markdown and HTML."""
    targets = target or [database.with_suffix(suffix) for suffix in FORMATS]
    for path in targets:
        if path.suffix not in FORMATS:
            raise typer.BadParameter(f"{path} is neither .md nor .html", param_hint="--out")
        check_writable(path)
    check_apart(database, targets)
    conclude(database, targets, json_, "; ".join(_forget(database, forget)) if forget else "")


def _forget(database: Path, files: list[Path]) -> Iterator[str]:
    """Remove the results of earlier texts of these files. Returns a sentence for each file."""
    from lockstep.common.tables import count
    from lockstep.proofs_check.sweeps.store import reading, writing

    with reading(database):  # an error if there is no database; `writing` would make one
        pass
    with writing(database) as store:
        for file in files:
            yield f"forgot {count(store.forget(file), 'case')} of {file}"
