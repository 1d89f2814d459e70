"""Commands that say what is claimed, and what follows from the weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.common import display
from lockstep.common.arguments import MODEL_BITS, choose, parse_sizes
from lockstep.common.arguments import construction as construction_named
from lockstep.common.options import (
    DEFAULT_BITS,
    FAILED,
    Json,
    ModelBits,
    ModelDtype,
    ModelProcess,
    ModelSchedule,
    check_model,
    declared_bits,
    emit,
    err,
)
from lockstep.pram.program import load

#: A pid and an address are words.
MOST_STEPS, MOST_PROCESSORS, MOST_CELLS = (
    (1 << MODEL_BITS["time"][1]) - 1,
    1 << MODEL_BITS["pid"][1],
    1 << MODEL_BITS["word"][1],
)


def theorems(file: Annotated[Optional[Path], typer.Argument(help="Check them on this program.", show_default=False)] = None,
             sizes: Annotated[str, typer.Option("--sizes", help="Sizes of inputs: 8, 1..64 or 1,2,4.")] = "1..3",
             json_: Json = False) -> None:  # fmt: skip
    """List the theorems, with their closed forms and how they are decided.

    With a program, each is checked on its runs under every construction.
    """
    wanted = parse_sizes(sizes)
    from lockstep.proofs_check.theorems import THEOREMS

    report = None
    if file is not None:
        program = load(file)
        from lockstep.compiler.compile import CONSTRUCTIONS
        from lockstep.proofs_check.verification import verify

        with display.progress(err, f"verifying {program.name}") as progress:
            report = verify(program, sizes=wanted, constructions=tuple(CONSTRUCTIONS), progress=progress)
    emit(display.theorem_records(THEOREMS, report), display.theorem_table(THEOREMS, report), json_)
    if report and not report.holds:
        for failed in report.failed:
            print(failed.trouble, file=sys.stderr)
        print(report.conclusion, file=sys.stderr)
        raise typer.Exit(FAILED)


def certify(file: Annotated[Path, typer.Argument(help="A program, or a model file made by `compile`.", show_default=False)],
            time: Annotated[Optional[int], typer.Option("--time", min=1, max=MOST_STEPS, show_default=False,
                                                        help="T, the longest run, of mdm [1000, or the model's own].")] = None,
            procs: Annotated[Optional[int], typer.Option("--procs", min=1, max=MOST_PROCESSORS, show_default=False,
                                                         help="P, the most processors [64, or the model's own].")] = None,
            space: Annotated[Optional[int], typer.Option("--space", min=1, max=MOST_CELLS, show_default=False,
                                                         help="S, the most cells, of ap-mdm [1000, or what the model holds].")] = None,
            word_bits: ModelBits = None, dtype: ModelDtype = None, process: ModelProcess = None, schedule: ModelSchedule = None,
            json_: Json = False) -> None:  # fmt: skip
    """Show that arithmetic is exact up to given bounds, from the weights alone."""
    choose("--dtype", dtype or "float64", ("float64", "float32"))
    construction = construction_named(process, schedule)
    from lockstep.commands.certify.bounds import certify_bounds
    from lockstep.compiler.storage import program_or_model

    with display.spinner(err, "bounding every sum of the forward pass"):
        program, compiled = program_or_model(file)
        check_model(compiled, word_bits, dtype, process, schedule)
        bits = compiled.widths.word if compiled else word_bits or declared_bits(program) or DEFAULT_BITS
        found = certify_bounds(program, construction, {"T": time, "P": procs, "S": space}, bits, dtype or "float64", compiled)
    emit(found.record(), display.certificate_table(found), json_)
    if not found.holds:
        raise typer.Exit(FAILED)
