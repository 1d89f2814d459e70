"""`lockstep fuzz`: checks random programs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from lockstep.common.arguments import constructions
from lockstep.common.console import FAILED, emit, err, keep_despite_errors, progress_bar
from lockstep.common.models import check_order
from lockstep.common.options import Dtype, EachProcess, EachSchedule, Engine, Json, Order, Seed, Shrink, Steps
from lockstep.common.paths import existing_folder


def fuzz(programs: Annotated[int, typer.Option("--programs", min=1, help="How many random programs to check.")] = 200,
         seed: Seed = 0, process: EachProcess = "mdm",
         schedule: EachSchedule = "two-step",
         in_turn: Annotated[bool, typer.Option("--in-turn",
                    help="Decode each program in one construction only, the next program in the next.")] = False,
         order: Order = None, dtype: Dtype = "float64",
         engine: Engine = "auto",
         max_context: Annotated[int, typer.Option("--max-context", min=0,
                                                  help="Most tokens of a context; longer contexts are not decoded.")] = 20_000,
         max_steps: Steps = 1000,
         workers: Annotated[int, typer.Option("--workers", min=0, help="Worker processes; 0 runs all in this process.")] = 0,
         target: Annotated[Path, typer.Option("--out", help="Folder for the files of a failing program.")] = Path("."),
         shrink: Shrink = 60, json_: Json = False) -> None:  # fmt: skip
    """Check random programs of the language.

    Each program runs on a random input and gets the checks of `verify`. The first program that fails ends the campaign. It
    is made small and written to failing.pram and failing.json, and the command that repeats the failure is shown.
    """
    chosen = constructions(process, schedule)
    check_order(order, chosen)
    existing_folder(target, "--out")
    from lockstep.commands.fuzz.keeping import keep_program, shrink_program
    from lockstep.commands.fuzz.table import fuzz_record, fuzz_table
    from lockstep.common.keeping import KeptInput
    from lockstep.proofs_check.fuzzing.campaign import fuzz as run_fuzz
    from lockstep.proofs_check.verification import Options

    options = Options(chosen, order, dtype, seed, max_context=max_context, engine=engine, max_steps=max_steps)
    begin = time.perf_counter()
    with progress_bar(err, "checking random programs", rate="programs/s") as progress:
        outcome = run_fuzz(programs, seed, options, in_turn=in_turn, workers=workers, progress=progress)
    seconds, kept = time.perf_counter() - begin, None
    if (failure := outcome.failure) is not None:

        def keep(seconds: int) -> KeptInput:
            with progress_bar(err, "shrinking the program that failed (seconds)") as progress:
                found, small = shrink_program(seed, failure, seconds, progress)
            return keep_program(target, found, small, failure)

        kept = keep_despite_errors(keep, shrink)
    emit(fuzz_record(outcome, seed, seconds, kept), fuzz_table(outcome, seed, seconds), json_)
    if kept is not None and not json_:
        print(kept)  # Rich would wrap the command at the edge of the terminal
    if not outcome.holds:
        raise typer.Exit(FAILED)
