"""`lockstep space`: shows how the context of each process grows."""

from __future__ import annotations

from typing import Annotated

import typer

from lockstep.commands.space.table import space_table
from lockstep.common.arguments import parse_sizes
from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.ending import end_with_failures, false_claims
from lockstep.common.options import File, Json, Seed, Sidecar
from lockstep.pram.program import load


def space(file: File, sizes: Annotated[str, typer.Option("--sizes",
                                                         help="Sizes of the drawn inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          seed: Seed = 0, max_context: Annotated[int, typer.Option(min=0,
                    help="Most tokens of a context; longer ones are computed, not decoded.")] = 20_000,
          max_decoding_steps: Annotated[int, typer.Option(min=0,
                    help="Most decoding steps; longer decodes are computed, not decoded.")] = 2000,
          no_sidecar: Sidecar = False, json_: Json = False) -> None:  # fmt: skip
    """Show how the context of each process grows with the size.

    Contexts and decoding steps come from the theorems' closed forms. Short ones are also decoded and compared.
    """
    wanted = parse_sizes(sizes)
    program = load(file)
    with progress_bar(err, f"running {program.name}") as progress:
        from lockstep.commands.space.rows import space_rows

        limits = {"max_context": max_context, "max_steps": max_decoding_steps}
        rows = space_rows(program, wanted, seed=seed, use_sidecar=not no_sidecar, progress=progress, **limits)
    emit([row.record for row in rows], space_table(program.name, rows), json_)
    end_with_failures([], [claim for row in rows for claim in false_claims(program, row.params, row.run)])
    if not all(row.holds for row in rows):
        raise typer.Exit(FAILED)
