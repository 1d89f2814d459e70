"""`lockstep compile`: writes the weights of a program's transformer to a file."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lockstep.common.arguments import construction as construction_named
from lockstep.common.arguments import with_copies
from lockstep.common.console import emit
from lockstep.common.inputs import winner_named
from lockstep.common.models import DEFAULT_BITS, declared_bits
from lockstep.common.options import Copies, Dtype, File, FixedWinner, Json, ModelBits, Process, Schedule
from lockstep.common.paths import writable_model_path
from lockstep.common.tables import record_table
from lockstep.compiler.names import MODEL_BITS
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.compiler.compile import Compiled, Widths
    from lockstep.pram.winner import Winner

TIME_BITS, LENGTH_BITS, PID_BITS = (MODEL_BITS[name] for name in ("time", "length", "pid"))


def compile(file: File,
            out_: Annotated[Optional[Path], typer.Option("--out", help="File to write [NAME.safetensors; NAME is the program's].",
                                                         show_default=False)] = None,
            word_bits: ModelBits = None,
            time_bits: Annotated[int, typer.Option(min=TIME_BITS[0], max=TIME_BITS[1], help="Bits of a step number (mdm, arm).")] = 12,
            length_bits: Annotated[int, typer.Option(min=LENGTH_BITS[0], max=LENGTH_BITS[1],
                                                     help="Bits of a position (ap-mdm).")] = 12,
            pid_bits: Annotated[int, typer.Option(min=PID_BITS[0], max=PID_BITS[1], help="Bits of a processor number.")] = 6,
            dtype: Dtype = "float64", process: Process = "mdm", schedule: Schedule = "two-step",
            copies: Copies = None, winner: FixedWinner = None,
            json_: Json = False) -> None:  # fmt: skip
    """Compile a program to the weights of a transformer."""
    scheduled = with_copies(schedule, copies)
    construction = construction_named(process, scheduled)
    from lockstep.compiler.compile import find_construction, takes_time

    program = load(file)
    named = winner_named(program, winner)
    target = writable_model_path(out_ or Path(f"{program.name}.safetensors"))
    bits = word_bits or declared_bits(program) or DEFAULT_BITS
    extent = time_bits if takes_time(construction) else length_bits
    widths = find_construction(construction).of_bits(bits, extent, pid_bits)
    record = _record(target, program, compile_to_file(program, target, widths, dtype, construction, named))
    emit(record, record_table(record), json_)


def compile_to_file(program: Program, path: Path, widths: Widths, dtype: str, construction: str,
                    winner: Winner | None = None) -> Compiled:  # fmt: skip
    """Compile a program, certify the model and write it to a file.

    Args:   winner: the fixed winner of concurrent writes in all decodes; None leaves it to each decode.
    Raises: NotCertified: the dtype is not exact for these widths; no file is written.
    """
    from lockstep.compiler.compile import compile_program
    from lockstep.compiler.storage import save_compiled
    from lockstep.proofs_check.certificate import require_certificate

    compiled = replace(compile_program(program, widths, dtype, construction), winner=winner)
    require_certificate(compiled)
    save_compiled(path, program, compiled)
    return compiled


def _record(file: Path, program: Program, compiled: Compiled) -> dict[str, Any]:
    """The model's facts, for JSON and for the table."""
    layers, winner = compiled.model.layers, {} if compiled.winner is None else {"winner": str(compiled.winner)}
    return {
        "file": str(file), "program": program.name, "process": compiled.construction, "dtype": compiled.model.dtype_name, **winner,
        **{f"{name}_bits": value for name, value in asdict(compiled.widths).items()},
        "d_model": compiled.model.width, "depth": len(layers), "heads": [layer.q.shape[0] for layer in layers],
        "d_ff": [layer.w_in.shape[0] for layer in layers], "program_sha256": program.sha256,
    }  # fmt: skip
