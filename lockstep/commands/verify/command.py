"""`lockstep verify`: compares machine and model."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.text import Text

from lockstep.commands.verify.table import report_record, report_table
from lockstep.common.arguments import check_every, constructions, parse_sizes, with_copies
from lockstep.common.console import FAILED, WRONG, emit, err, keep_despite_errors, progress_bar
from lockstep.common.inputs import winner_named
from lockstep.common.models import check_device, check_order
from lockstep.common.options import (
    Anchor,
    AnyProcess,
    AnyWinner,
    Bits,
    Copies,
    Device,
    Dtype,
    EachSchedule,
    Engine,
    Every,
    File,
    Input,
    Json,
    NoiseGiven,
    Order,
    Sampler,
    Seed,
    Shrink,
    Sidecar,
    SidecarTimeout,
    Steps,
    Strict,
    Temperature,
)
from lockstep.common.paths import existing_folder
from lockstep.common.samplers import read_sampled
from lockstep.common.tables import BAD
from lockstep.compiler.names import EVERY, MDM
from lockstep.pram.input_files import reading, winner_given
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.common.keeping import KeptInput
    from lockstep.pram.sidecar import SidecarFailed
    from lockstep.proofs_check.failing import ShrunkFailure
    from lockstep.proofs_check.verification import FailedCheck, Options, Report


def verify(file: File, input: Input = None,
           process: AnyProcess = "mdm",
           schedule: EachSchedule = "two-step", copies: Copies = None, every: Every = None,
           random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; equal inputs run once.")] = 3,
           sizes: Annotated[str, typer.Option("--sizes", help="Sizes of the drawn inputs: 8, 1..64 or 1,2,4.")] = "1..4",
           seed: Seed = 0, winner: AnyWinner = None, order: Order = None,
           sampler: Sampler = None, anchor: Anchor = False, temperature: Temperature = 1, noise: NoiseGiven = None,
           dtype: Dtype = "float64",
           word_bits: Bits = None, no_sidecar: Sidecar = False,
           sidecar_timeout: SidecarTimeout = 60,
           max_context: Annotated[Optional[int], typer.Option("--max-context", min=0, show_default=False,
                                  help="Most tokens of a context; longer contexts are not decoded "
                                       "[20000; 1000 with --engine dense or active].")] = None,
           engine: Engine = "auto", device: Device = "cpu", max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False,
           fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
           failing: Annotated[Path, typer.Option("--failing", help="Folder for the file of a failing input.")] = Path("."),
           shrink: Shrink = 20,
           explain: Annotated[bool, typer.Option("--explain", help="Explain the letters of the table, and why a sampler is right "
                                                                   "or wrong.")] = False,
           json_: Json = False) -> None:  # fmt: skip
    """Compare machine and model on the same inputs.

    Both run one input or random ones, and both are compared with the theorems. If a check fails, NAME-failing.json gets a
    small input on which it fails, NAME-failing.html plays it, and the command that repeats the failure is shown.
    """
    check_device(device, engine)
    scheduled = with_copies(schedule, copies)
    chosen = constructions(process, scheduled, EVERY)
    check_every(every, chosen)
    check_order(order, chosen)
    sampled = read_sampled(sampler, anchor, temperature, noise, order, chosen)
    wanted = parse_sizes(sizes)
    program = load(file)
    existing_folder(failing)
    from lockstep.pram.sidecar import SidecarFailed
    from lockstep.proofs_check.verification import Options
    from lockstep.proofs_check.verification import verify as verify_program
    from lockstep.proofs_check.verification.cases import usual_max_context

    named = winner_named(program, winner, fixed=False)
    most = usual_max_context(engine) if max_context is None else max_context
    options = Options(chosen, order, dtype, seed, word_bits, most, engine, device, None, max_steps, strict, named, every,
                      **sampled)  # fmt: skip
    try:
        with reading(input, program) as given, progress_bar(err, f"verifying {program.name}") as progress:
            options = replace(options, winner=named or winner_given(program, given))
            report = verify_program(
                program, options, inputs=given.inputs if given else None, sizes=wanted, random=random, use_sidecar=not no_sidecar,
                progress=progress, fail_fast=fail_fast, on_failure=show_at_once, sidecar_timeout=sidecar_timeout,
                expected=given.expected if given else None,
            )  # fmt: skip
    except SidecarFailed as error:
        _keep_sidecars_input(file, error, options, failing, input, sidecar_timeout)
        raise typer.Exit(WRONG) from None
    kept = None
    if report.failed:
        kept = _keep_input(program, file, report.failed[0], options, failing, input, shrink, use_sidecar=not no_sidecar,
                           sizes=() if input else wanted, timeout=sidecar_timeout)  # fmt: skip
    emit(report_record(report, kept), report_table(report, explain), json_)
    if explain and options.sampler is not None and not json_:
        _say_why(report, options)
    if kept is not None and not json_:
        print(kept)
    if not report.holds:
        raise typer.Exit(FAILED)


def _say_why(report: Report, options: Options) -> None:
    """Say why the sampler is right or wrong on the first run on which it failed, or on the last run."""
    from lockstep.proofs_check.samplers.explaining import explain_job

    failed = next((each for each in report.failed if each.check.process), None)
    case = failed.case if failed else report.cases[-1]
    if case.job is None or not case.runs:
        return
    params = ", ".join(f"{name} {value}" for name, value in case.params.items())
    job = replace(case.job, winner=failed.winner) if failed else case.job
    print(params + ":", *explain_job(job, options.sampling(MDM), max_steps=options.max_steps))


def show_at_once(failed: FailedCheck) -> None:
    """Print the first failure to standard error while the other checks go on."""
    err.print(Text(f"FAILED: {failed.trouble}", style=BAD), soft_wrap=True)


def _keep_input(program: Program, file: Path, failed: FailedCheck, options: Options, directory: Path, given: Path | None, shrink: int,
                **how: Any) -> KeptInput | None:  # fmt: skip
    """Write a failing input to a file, after `shrink` seconds of shrinking."""
    from lockstep.common.keeping import keep_input
    from lockstep.common.tracing.failing import show_failing

    def show(failing: ShrunkFailure, path: Path) -> str:
        return show_failing(program, failing, options, path)

    def keep(seconds: int) -> KeptInput:
        with progress_bar(err, "shrinking the failing input (seconds)") as progress:
            return keep_input(
                program, file, failed, options, directory, given, seconds=seconds, progress=progress, show=show, **how
            )

    return keep_despite_errors(keep, shrink)


def _keep_sidecars_input(file: Path, error: SidecarFailed, options: Options, directory: Path, given: Path | None,
                         timeout: float) -> None:  # fmt: skip
    """Print the sidecar's error, and write the input on which it failed to a file."""
    from lockstep.common.keeping import keep_sidecars_input

    print(error, file=sys.stderr)
    kept = keep_despite_errors(lambda seconds: keep_sidecars_input(file, error, options, directory, given, timeout), 0)
    if kept is not None:
        print(kept, file=sys.stderr)
