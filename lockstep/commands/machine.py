"""Commands that run programs on the exact machine."""

from __future__ import annotations

from typing import Annotated

import typer

from lockstep import display
from lockstep.arguments import parse_sizes, reading
from lockstep.commands.common import (
    WRONG,
    Bits,
    File,
    Input,
    Json,
    Seed,
    Sidecar,
    Size,
    Steps,
    Strict,
    emit,
    end_with_claims,
    err,
    false_claims,
    given_job,
    given_of,
    out,
)
from pram.machine import DEFAULT_MAX_STEPS
from pram.program import load


def run(file: File, input: Input = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None,
        max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine."""
    from pram.machine import run as run_job

    program = load(file)
    job = given_job(program, input, size, seed, word_bits)
    with display.warnings(strict) as warn, display.spinner(err, f"running {program.name}"):
        result = run_job(job, max_steps=max_steps, seed=seed if program.symbols.mode == "CRCW arbitrary" else None, warn=warn)
    emit(display.run_record(result), display.run_table(result), json_)
    end_with_claims(false_claims(program, given_of(program, job), result))


def profile(file: File, input: Input = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None,
            max_steps: Steps = DEFAULT_MAX_STEPS,
            sort: Annotated[bool, typer.Option("--sort", help="Only lines that took a step, most steps first.")] = False,
            json_: Json = False) -> None:  # fmt: skip
    """Show what each source line of a run costs."""
    from lockstep.cost_tables import profile_record, profile_table
    from pram.profile import profile as profile_job

    program = load(file)
    job = given_job(program, input, size, seed, word_bits)
    with display.spinner(err, f"running {program.name}"):
        found = profile_job(job, max_steps=max_steps, seed=seed if program.symbols.mode == "CRCW arbitrary" else None)
    emit(profile_record(program, found, sort), profile_table(program, found, sort, bars=out.is_terminal), json_)
    end_with_claims(false_claims(program, given_of(program, job), found.run))


def modes(file: File, input: Input = None,
          sizes: Annotated[str, typer.Option("--sizes", "--size", help="Sizes of inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; repeated ones run once.")] = 3,
          seed: Seed = 0, word_bits: Bits = None, no_sidecar: Sidecar = False, max_steps: Steps = DEFAULT_MAX_STEPS,
          json_: Json = False) -> None:  # fmt: skip
    """Find the weakest access mode under which a program runs.

    It runs each input under every mode, and shows the first conflict of those that are too weak. Where the winner of a
    write is arbitrary, several are drawn: if outputs depend on them, and no sidecar finds all right, the mode is too weak.
    """
    from lockstep.cost_tables import modes_record, modes_table
    from lockstep.modes import try_modes, weakest
    from lockstep.sidecar import draw, generator_for
    from proofs_check.report import runs_of

    wanted = parse_sizes(sizes)
    program = load(file)
    with reading(input) as given, display.progress(err, f"running {program.name}") as progress:
        inputs = [given] if given else list(draw(generator_for(program, not no_sidecar, word_bits), wanted, random, seed))
        results = try_modes(
            program, inputs, use_sidecar=not no_sidecar, word_bits=word_bits, max_steps=max_steps, progress=progress
        )
    emit(modes_record(program, results), modes_table(program, results, runs_of([params for params, _ in inputs])), json_)
    if weakest(results) is None:
        raise typer.Exit(WRONG)
