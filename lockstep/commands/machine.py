"""Commands that run programs on the exact machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lockstep.common import display
from lockstep.common.arguments import parse_sizes, placing, reading
from lockstep.common.ending import end_with, end_with_run, false_claims, given_of
from lockstep.common.options import (
    FAILED,
    AnyWinner,
    Bits,
    DrawnSeed,
    File,
    Input,
    Json,
    Seed,
    Sidecar,
    SidecarTimeout,
    Size,
    Steps,
    Strict,
    emit,
    err,
    machine_case,
    out,
)
from lockstep.pram.inputs import InputFile
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.pram.sidecar.judging import Verdict


def run(file: File, input: Input = None, size: Size = None, seed: DrawnSeed = None, winner: AnyWinner = None,
        word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False, no_sidecar: Sidecar = False,
        sidecar_timeout: SidecarTimeout = 60, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine.

    Outputs are held against the oracle in NAME.py beside the program, or against those that the input file expects.
    """
    from lockstep.pram.machine import run as run_job

    program = load(file)
    job, given = machine_case(program, input, size, seed, word_bits, winner, not no_sidecar, sidecar_timeout)
    with display.warnings(strict) as warn, display.spinner(err, f"running {program.name}"):
        result = run_job(job, max_steps=max_steps, warn=warn)
    verdict = None
    try:
        with placing(given.source):
            verdict = judged(program, given, result, not no_sidecar, sidecar_timeout)
    finally:  # a sidecar that fails does not hide what the machine found
        emit(display.run_record(result, verdict), display.run_table(result, verdict), json_)
    wrong = [verdict.difference] if verdict is not None and not verdict.right else []
    end_with(wrong, false_claims(program, given_of(program, job), result))


def judged(program: Program, given: InputFile, result: Run, use_sidecar: bool, timeout: float) -> Verdict | None:
    """What the sidecar says of a run's outputs, or the input file; None if neither does."""
    from lockstep.pram.sidecar import generator_for

    generator = generator_for(program, use_sidecar, timeout=timeout)
    generator.expected = given.expected
    return generator.judge(*given.inputs, result.outputs)


def profile(file: File, input: Input = None, size: Size = None, seed: DrawnSeed = None, winner: AnyWinner = None,
            word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS,
            sort: Annotated[bool, typer.Option("--sort", help="Only lines that took a step, most steps first.")] = False,
            json_: Json = False) -> None:  # fmt: skip
    """Show what each source line of a run costs."""
    from lockstep.commands.modes.table import profile_record, profile_table
    from lockstep.pram.profile import profile as profile_job

    program = load(file)
    job, given = machine_case(program, input, size, seed, word_bits, winner)
    with display.spinner(err, f"running {program.name}"):
        found = profile_job(job, max_steps=max_steps)
    emit(profile_record(program, found, sort), profile_table(program, found, sort, bars=out.is_terminal), json_)
    end_with_run(program, job, found.run, given)


def modes(file: File, input: Input = None,
          sizes: Annotated[str, typer.Option("--sizes", "--size", help="Sizes of inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; repeated ones run once.")] = 3,
          seed: Seed = 0, word_bits: Bits = None, no_sidecar: Sidecar = False, max_steps: Steps = DEFAULT_MAX_STEPS,
          json_: Json = False) -> None:  # fmt: skip
    """Find the weakest access mode under which a program runs and is right.

    It runs each input under every mode, and shows what goes wrong first. Where the winner of a write is arbitrary, every
    winner is tried if there are few, else the lowest, the highest and some at random. A sidecar judges all outputs;
    without one they must be the same for every winner.
    """
    from lockstep.commands.modes.table import modes_record, modes_table
    from lockstep.commands.modes.trying import try_modes
    from lockstep.pram.sidecar import draw, generator_for
    from lockstep.proofs_check.report import runs_of

    wanted = parse_sizes(sizes)
    program = load(file)
    with reading(input) as given, display.progress(err, f"running {program.name}") as progress:
        expected = given.expected if given else None
        inputs = [given.inputs] if given else list(draw(generator_for(program, not no_sidecar, word_bits), wanted, random, seed))
        results = try_modes(
            program,
            inputs,
            use_sidecar=not no_sidecar,
            word_bits=word_bits,
            max_steps=max_steps,
            progress=progress,
            expected=expected,
            given=given is not None,
        )
    emit(modes_record(program, results), modes_table(program, results, runs_of([params for params, _ in inputs])), json_)
    declared = next(result for result in results if result.mode == program.symbols.mode)
    if not declared.holds:
        print(f"FAILED: the program declares {declared.mode}: {declared.trouble}", file=sys.stderr)
        raise typer.Exit(FAILED)
