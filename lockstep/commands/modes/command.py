"""`lockstep modes`: finds the weakest access modes under which a program is right."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lockstep.common.arguments import parse_sizes
from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.options import Bits, File, Input, Json, Seed, Sidecar, Steps
from lockstep.pram.input_files import reading
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import load


def modes(file: File, input: Input = None,
          sizes: Annotated[str, typer.Option("--sizes", "--size", help="Sizes of the drawn inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; equal inputs run once.")] = 3,
          seed: Seed = 0, word_bits: Bits = None, no_sidecar: Sidecar = False, max_steps: Steps = DEFAULT_MAX_STEPS,
          json_: Json = False) -> None:  # fmt: skip
    """Find the weakest access modes under which a program runs and is right.

    The command runs each input under every mode, and shows the first error of each mode. It marks every mode that holds
    and is stronger than no other mode that holds. Under ERCW arbitrary and CRCW arbitrary it tries every winner if there
    are few, else the lowest, the highest and some random ones. The sidecar judges all outputs.
    Without a sidecar, the outputs must be the same for every winner, and those of the declared mode if it runs.
    """
    from lockstep.commands.modes.table import modes_record, modes_table
    from lockstep.commands.modes.trying import try_modes
    from lockstep.pram.sidecar import draw, generator_for
    from lockstep.proofs_check.report import runs_of

    wanted = parse_sizes(sizes)
    program = load(file)
    with reading(input, program) as given, progress_bar(err, f"running {program.name}") as progress:
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
