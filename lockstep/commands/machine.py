"""Commands that run programs on the exact machine."""

from __future__ import annotations

import sys

import typer

from lockstep import display
from lockstep.commands.common import FAILED, Bits, File, Input, Json, Seed, Size, Steps, _job, _print, err, given_of
from pram.machine import DEFAULT_MAX_STEPS
from pram.program import load


def run(file: File, input: Input = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None,
        max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine."""
    from pram.machine import run as run_job
    from proofs_check.claims import check_claims

    program = load(file)
    job = _job(program, input, size, seed, word_bits)
    with display.spinner(err, f"running {program.name}"):
        result = run_job(job, max_steps=max_steps, seed=seed if program.symbols.mode == "CRCW arbitrary" else None)
    _print(display.run_record(result), display.run_table(result), json_)
    false = [c for c in check_claims(program, [(given_of(program, job), result)], "this run") if not c.holds]
    for claim in false:
        print(f"{claim.what} {claim.bound} is false: {claim.measured}", file=sys.stderr)
    if false:
        raise typer.Exit(FAILED)
