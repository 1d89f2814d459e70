"""`lockstep sweep`: verifies many programs, sizes and inputs in parallel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.commands.report.conclude import FORMATS, conclude
from lockstep.common.arguments import constructions, parse_sizes
from lockstep.common.console import INTERRUPTED, err, progress_bar
from lockstep.common.options import SCHEDULES_HELP, Dtype, EachParallel, ScheduleOrAll, SidecarTimeout
from lockstep.common.paths import check_apart, check_writable
from lockstep.pram.machine import DEFAULT_MAX_STEPS


def sweep(paths: Annotated[list[Path], typer.Argument(help="Programs, or folders with programs.", show_default=False)],
          process: EachParallel = "all",
          schedule: Annotated[Optional[ScheduleOrAll], typer.Option("--schedule", show_default=False,
                                                                    help=f"Schedule: {SCHEDULES_HELP} [all].")] = None,
          random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; equal inputs run once.")] = 3,
          sizes: Annotated[str, typer.Option("--sizes", help="Sizes of the drawn inputs: 8, 1..64 or 1,2,4.")] = "1..8",
          seed: Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed for all random choices.")] = 0,
          dtype: Dtype = "float64",
          no_sidecar: Annotated[bool, typer.Option("--no-sidecar",
                                                   help="Ignore the sidecars NAME.py beside the programs.")] = False,
          max_context: Annotated[int, typer.Option("--max-context", min=0,
                                                   help="Most tokens of a context; longer contexts are not decoded.")] = 20_000,
          max_decoding_steps: Annotated[int, typer.Option("--max-decoding-steps", min=0,
                                                          help="Most decoding steps; longer decodes are left out.")] = 2000,
          max_steps: Annotated[int, typer.Option("--max-steps", min=1,
                                                 help="Stop a run after this many steps.")] = DEFAULT_MAX_STEPS,
          sidecar_timeout: SidecarTimeout = 60,
          workers: Annotated[Optional[int], typer.Option("--workers", min=0,
                                                         help="Worker processes [one for each core]; 0 runs all in this process.",
                                                         show_default=False)] = None,
          scheduler: Annotated[Optional[str], typer.Option("--scheduler",
                                                           help="Address of a running Dask scheduler, instead of --workers.",
                                                           show_default=False)] = None,
          target: Annotated[Path, typer.Option("--out",
                    help="Database to write; the reports are written beside it.")] = Path("sweep.sqlite"),
          json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False) -> None:  # fmt: skip
    """Verify many programs on many sizes and inputs, in parallel.

    Each finished case goes into a database at once. If you stop the sweep, the same command continues from there.
    """
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("--workers and --scheduler exclude each other", param_hint="--scheduler")
    chosen, wanted = tuple(constructions(process, schedule or "all")), parse_sizes(sizes)
    check_writable(target)
    reports = [target.with_suffix(suffix) for suffix in FORMATS]
    check_apart(target, reports)
    from lockstep.common.tables import count
    from lockstep.proofs_check.sweeps.plan import Limits, SweepPlan, subjects
    from lockstep.proofs_check.sweeps.pool import pool
    from lockstep.proofs_check.sweeps.store import writing
    from lockstep.proofs_check.sweeps.sweep import sweep as run_sweep

    limits = Limits(chosen, dtype, max_context, max_decoding_steps, max_steps, sidecar_timeout)
    plan = SweepPlan(subjects(paths, limits, not no_sidecar), wanted, random, seed)
    try:
        with writing(target) as store, progress_bar(err, f"sweeping {count(len(plan.subjects), 'program')}") as progress:
            outcome = run_sweep(plan, store, lambda: pool(workers, scheduler), progress)
    except KeyboardInterrupt:
        print(f"stopped; {target} has the finished cases, and the same command continues from there", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    found = f"{outcome.found} of {outcome.cases} cases were in {target} already" if outcome.found else ""
    conclude(target, reports, json_, found)
