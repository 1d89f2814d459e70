"""`lockstep run`: runs a program on the exact machine, on one input or on one input of each size."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Optional

import typer
from rich.console import Group

from lockstep.commands.run.results import judged, run_record, run_table
from lockstep.commands.run.sizes import RunOptions, run_sizes
from lockstep.commands.run.traced import Traced
from lockstep.common.arguments import parse_sizes
from lockstep.common.console import emit, err, spinner, warnings
from lockstep.common.ending import end_with_failures, false_claims, given_parameters
from lockstep.common.inputs import machine_job_and_input
from lockstep.common.options import (
    AnyWinner,
    Bits,
    DrawnSeed,
    File,
    Full,
    Input,
    Json,
    NoContracts,
    Sidecar,
    SidecarTimeout,
    Size,
    Steps,
    Strict,
)
from lockstep.pram.errors import PramError
from lockstep.pram.input_files import placing
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import load


def run(file: File, input: Input = None, size: Size = None,
        sizes: Annotated[Optional[str], typer.Option("--sizes", show_default=False,
                    help="Show the costs of one drawn input of each size: 1..8 or 1,2,4.")] = None,
        seed: DrawnSeed = None, winner: AnyWinner = None,
        word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False, no_sidecar: Sidecar = False,
        sidecar_timeout: SidecarTimeout = 60, no_contracts: NoContracts = False,
        trace: Annotated[bool, typer.Option("--trace",
                    help="Show each step: its lines, the memory and what it changed; and what `print` statements print.")] = False,
        full: Full = False, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine.

    The outputs are compared with those of the oracle in NAME.py beside the program, or with those that the input file expects.

    --sizes 1..8 shows T, P, work and space of each size in one table, for people who write claims.
    """
    from lockstep.pram.machine import run as run_job

    program = replace(load(file), has_contracts=not no_contracts)
    if sizes is not None:
        if input is not None or size is not None:
            raise typer.BadParameter("--sizes draws its inputs: leave --input and --size out", param_hint="--sizes")
        if trace:
            raise typer.BadParameter("--trace shows one run: give --size instead of --sizes", param_hint="--trace")
        how = RunOptions(seed, winner, word_bits, max_steps, strict, not no_sidecar, sidecar_timeout)
        run_sizes(program, parse_sizes(sizes), how, json_)
        return
    job, given = machine_job_and_input(program, input, size, seed, word_bits, winner, not no_sidecar, sidecar_timeout)
    traced = Traced.of(program, job, every=full or json_) if trace else None
    try:
        with warnings(strict) as warn, spinner(err, f"running {program.name}"):
            for warning in program.analysis.warnings:
                warn(warning)
            result = run_job(job, max_steps=max_steps, warn=warn, watch=traced)
    except PramError:
        if traced:  # what was done before an error may say why it came
            emit(traced.record, traced.table(full), json_, paged=True)
        raise
    verdict = None
    try:
        with placing(given.source):
            verdict = judged(program, given, result, not no_sidecar, sidecar_timeout)
    finally:  # the machine's result is shown even if the sidecar fails
        table, record = run_table(result, verdict, full), run_record(result, verdict)
        if traced:
            table, record = Group(traced.table(full), table), record | traced.record
        emit(record, table, json_, paged=trace)
    wrong = [verdict.difference] if verdict is not None and not verdict.right else []
    end_with_failures(wrong, false_claims(program, given_parameters(program, job), result))
