"""`lockstep sweep` and `lockstep report`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.common import display
from lockstep.common.arguments import choose, constructions, parse_sizes
from lockstep.common.options import FAILED, SidecarTimeout, err, out
from lockstep.pram.machine import DEFAULT_MAX_STEPS

INTERRUPTED = 130
FORMATS = (".md", ".html")


def sweep(paths: Annotated[list[Path], typer.Argument(help="Programs, and folders of them.", show_default=False)],
          process: Annotated[str, typer.Option("--process", help="mdm, ap-mdm, or all.")] = "all",
          schedule: Annotated[Optional[str], typer.Option("--schedule", help="Of ap-mdm: two-step, one-step, or all [all].",
                                                          show_default=False)] = None,
          random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; repeated ones run once.")] = 3,
          sizes: Annotated[str, typer.Option("--sizes", help="Sizes of inputs: 8, 1..64 or 1,2,4.")] = "1..8",
          seed: Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of whatever is drawn at random.")] = 0,
          dtype: Annotated[str, typer.Option("--dtype", help="float64 or float32.")] = "float64",
          no_sidecar: Annotated[bool, typer.Option("--no-sidecar", help="Ignore NAME.py beside the programs.")] = False,
          max_context: Annotated[int, typer.Option("--max-context", min=0, help="Longer contexts are not decoded.")] = 1000,
          max_decoding_steps: Annotated[int, typer.Option("--max-decoding-steps", min=0, help="Longer decodes are not made.")] = 2000,
          max_steps: Annotated[int, typer.Option("--max-steps", min=1, help="Give up after so many steps.")] = DEFAULT_MAX_STEPS,
          sidecar_timeout: SidecarTimeout = 60,
          workers: Annotated[Optional[int], typer.Option("--workers", min=0, help="Processes [one for each core]; 0: run all in this one.",
                                                         show_default=False)] = None,
          scheduler: Annotated[Optional[str], typer.Option("--scheduler", help="Address of a running Dask scheduler, instead of --workers.",
                                                           show_default=False)] = None,
          target: Annotated[Path, typer.Option("--out", help="Database; reports are written beside it.")] = Path("sweep.sqlite"),
          json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:  # fmt: skip
    """Verify many programs, sizes and inputs over many processes.

    Every finished case is kept in a database at once: stopped at any moment, the same command goes on from there.
    """
    choose("--dtype", dtype, ("float64", "float32"))
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("--workers and --scheduler exclude each other", param_hint="--scheduler")
    every = "two-step" if process == "mdm" else "all"
    chosen, wanted = tuple(constructions(process, schedule or every)), parse_sizes(sizes)
    _check_writable(target)
    reports = [target.with_suffix(suffix) for suffix in FORMATS]
    _check_apart(target, reports)
    from lockstep.commands.report.words import count
    from lockstep.proofs_check.sweeps.plan import Limits, Plan, subjects
    from lockstep.proofs_check.sweeps.pool import pool
    from lockstep.proofs_check.sweeps.store import writing
    from lockstep.proofs_check.sweeps.sweep import sweep as run_sweep

    limits = Limits(chosen, dtype, max_context, max_decoding_steps, max_steps, sidecar_timeout)
    plan = Plan(subjects(paths, limits, not no_sidecar), wanted, random, seed)
    try:
        with writing(target) as store, display.progress(err, f"sweeping {count(len(plan.subjects), 'program')}") as progress:
            outcome = run_sweep(plan, store, lambda: pool(workers, scheduler), progress)
    except KeyboardInterrupt:
        print(f"stopped; what was finished is in {target}, and the same command goes on from there", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    found = f"{outcome.found} of {outcome.cases} cases were in {target} already" if outcome.found else ""
    _conclude(target, reports, json_, found)


def report(database: Annotated[Path, typer.Argument(help="A database of `lockstep sweep`.", show_default=False)],
           target: Annotated[Optional[list[Path]], typer.Option("--out", help="NAME.md or NAME.html; may be given twice [both, beside it].",
                                                                show_default=False)] = None,
           forget: Annotated[Optional[list[Path]], typer.Option("--forget", help="A program's file: keep what its last sweep has found, "
                                                                "and remove all else of it; everything if the file is gone.",
                                                                show_default=False)] = None,
           json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:  # fmt: skip
    """Write what a sweep has found so far, as Markdown and HTML."""
    targets = target or [database.with_suffix(suffix) for suffix in FORMATS]
    for path in targets:
        if path.suffix not in FORMATS:
            raise typer.BadParameter(f"{path} is neither .md nor .html", param_hint="--out")
        _check_writable(path)
    _check_apart(database, targets)
    _conclude(database, targets, json_, "; ".join(_forget(database, forget)) if forget else "")


def _forget(database: Path, files: list[Path]) -> Iterator[str]:
    """Remove what is known of earlier texts; how many cases that were of each file."""
    from lockstep.commands.report.words import count
    from lockstep.proofs_check.sweeps.store import reading, writing

    with reading(database):  # which makes none
        pass
    with writing(database) as store:
        for file in files:
            yield f"forgot {count(store.forget(file), 'case')} of {file}"


def _conclude(database: Path, targets: list[Path], as_json: bool, also: str) -> None:
    """Print the summary of a database, write its reports, and end with status 3 unless something was compared and all held.

    Args: also: a line for standard error.
    """
    from lockstep.commands.report import write
    from lockstep.commands.report.summary import summary_record, summary_table
    from lockstep.commands.report.survey import survey
    from lockstep.commands.report.verdict import reasons, unfinished

    with display.spinner(err, "writing the report"):
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


def _check_apart(database: Path, reports: list[Path]) -> None:
    """No report may be written over the database that it is made from."""
    for path in reports:
        if path.resolve() == database.resolve() or path.exists() and database.exists() and path.samefile(database):
            raise typer.BadParameter(f"{path} is the database: a report would be written over it", param_hint="--out")


def _check_writable(path: Path) -> None:
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory", param_hint="--out")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {path.parent}", param_hint="--out")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise typer.BadParameter(f"{path} cannot be written", param_hint="--out")
