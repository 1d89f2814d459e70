"""The input of a run: read from a file or drawn at random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from lockstep.pram.access import MODES
from lockstep.pram.input_files import check_winner, reading, winner_given
from lockstep.pram.inputs import InputFile
from lockstep.pram.job import Job
from lockstep.pram.program import Program
from lockstep.pram.winner import FIXED_FORMS, LOWEST, Winner, at_random, parse_winner


def job_and_input(program: Program, input: Path | None, size: int | None, seed: int, word_bits: int | None,
               winner: Winner | None = None, otherwise: Winner = LOWEST, use_sidecar: bool = True,
               timeout: float | None = None, of_model: Winner | None = None) -> tuple[Job, InputFile]:  # fmt: skip
    """Read or draw an input, and make its job.

    Args: winner: which processor wins concurrent writes; by default the file's winner, else `otherwise`.
          use_sidecar, timeout: as for `lockstep.pram.sidecar.generator_for`.
          of_model: the winner that the model was compiled for; a file with another winner is an error.
    """
    if (input is None) == (size is None) and (program.given or program.has_inputs):
        both = "--input and --size exclude each other" if input else "an input is missing"
        raise typer.BadParameter(f"{both}; give --input FILE or --size N", param_hint="--input")
    with reading(input, program) as given:
        if given is None:
            found, job = drawn_job(program, size or 1, seed, word_bits, use_sidecar, timeout)
        else:
            check_winner(given, of_model)
            found, job = given, program.instantiate(*given.inputs, word_bits)
        return replace(job, winner=winner or winner_given(program, given) or otherwise), found


def winner_named(program: Program, text: str | None, fixed: bool = True) -> Winner | None:
    """The winner that --winner names.

    Raises: typer.BadParameter: the text names no winner, the program's mode needs none, or the winner is not `fixed` and must be.
    """
    if text is None:
        return None
    try:
        winner = parse_winner(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--winner") from None
    mode = program.symbols.mode
    if not MODES[mode].winner_open:
        raise typer.BadParameter(f"mode {mode} of this program leaves no winner open", param_hint="--winner")
    if fixed and not winner.fixed:
        what = f"{text} is no fixed order of the processors, and a model has one: take {FIXED_FORMS}"
        raise typer.BadParameter(f"{what} (`run` takes any winner)", param_hint="--winner")
    return winner


def machine_job_and_input(program: Program, input: Path | None, size: int | None, seed: int | None, word_bits: int | None,
                 winner: str | None, use_sidecar: bool = True, timeout: float | None = None) -> tuple[Job, InputFile]:  # fmt: skip
    """As `job_and_input`, with any winner. Under CRCW arbitrary, a seed without a winner means random:SEED."""
    named = winner_named(program, winner, fixed=False)
    if named is not None and seed is not None and size is None:
        raise typer.BadParameter("--winner and --seed both say who wins concurrent writes; give one", param_hint="--winner")
    if not MODES[program.symbols.mode].winner_open:
        return job_and_input(program, input, size, seed or 0, word_bits, use_sidecar=use_sidecar, timeout=timeout)
    drawn_anew = at_random(seed or 0)
    if named is None and seed is not None:
        named = drawn_anew
    return job_and_input(program, input, size, seed or 0, word_bits, named, drawn_anew, use_sidecar, timeout)


def drawn_job(program: Program, size: int, seed: int, word_bits: int | None, use_sidecar: bool = True,
              timeout: float | None = None) -> tuple[InputFile, Job]:  # fmt: skip
    """Draw an input and make its job. If a sidecar drew it, errors name the sidecar."""
    from lockstep.pram.sidecar import draw_one, generator_for
    from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT

    generator = generator_for(program, use_sidecar, word_bits, DEFAULT_TIMEOUT if timeout is None else timeout)
    with generator.blaming_sidecar():
        found = InputFile(*draw_one(generator, size, 0, seed))
        return found, program.instantiate(*found.inputs, word_bits)
