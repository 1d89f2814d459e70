"""`lockstep certify`: shows from the weights alone that arithmetic is exact up to given bounds."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lockstep.commands.certify.table import certificate_table
from lockstep.common.arguments import construction as construction_named
from lockstep.common.arguments import with_copies
from lockstep.common.console import FAILED, emit, err, spinner
from lockstep.common.models import DEFAULT_BITS, check_model, declared_bits
from lockstep.common.options import Copies, Json, ModelBits, ModelDtype, ModelProcess, ModelSchedule, ProgramOrModel
from lockstep.compiler.names import MODEL_BITS

#: Processor numbers and addresses are words, which bounds P and S.
MOST_STEPS, MOST_PROCESSORS, MOST_CELLS = (
    (1 << MODEL_BITS["time"][1]) - 1,
    1 << MODEL_BITS["pid"][1],
    1 << MODEL_BITS["word"][1],
)


def certify(file: ProgramOrModel,
            time: Annotated[Optional[int], typer.Option("--time", min=1, max=MOST_STEPS, show_default=False,
                    help="T, most steps of a run, for mdm [1000, or what the model has bits for].")] = None,
            procs: Annotated[Optional[int], typer.Option("--procs", min=1, max=MOST_PROCESSORS, show_default=False,
                                                         help="P, most processors [64, or what the model has bits for].")] = None,
            space: Annotated[Optional[int], typer.Option("--space", min=1, max=MOST_CELLS, show_default=False,
                    help="S, most cells, for ap-mdm [1000, or what the model has bits for].")] = None,
            word_bits: ModelBits = None, dtype: ModelDtype = None, process: ModelProcess = None, schedule: ModelSchedule = None,
            copies: Copies = None,
            json_: Json = False) -> None:  # fmt: skip
    """Show from the weights alone that arithmetic is exact up to given bounds."""
    scheduled = with_copies(schedule, copies)
    construction = construction_named(process, scheduled)
    from lockstep.commands.certify.bounds import certify_bounds
    from lockstep.compiler.storage import load_program_or_model

    with spinner(err, "bounding every sum of the forward pass"):
        program, compiled = load_program_or_model(file)
        check_model(compiled, word_bits, dtype, process, scheduled)
        bits = compiled.widths.word if compiled else word_bits or declared_bits(program) or DEFAULT_BITS
        found = certify_bounds(program, construction, {"T": time, "P": procs, "S": space}, bits, dtype or "float64", compiled)
    emit(found.record(), certificate_table(found), json_)
    if not found.holds:
        raise typer.Exit(FAILED)
