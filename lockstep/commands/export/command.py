"""`lockstep export`: writes one run with its weights for other decoders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.common.arguments import construction as construction_named
from lockstep.common.arguments import with_copies
from lockstep.common.console import emit, err, spinner
from lockstep.common.ending import end_with_run
from lockstep.common.inputs import job_and_input, winner_named
from lockstep.common.options import (
    Bits,
    Copies,
    Dtype,
    File,
    FixedWinner,
    Input,
    Json,
    Parallel,
    Schedule,
    Seed,
    Sidecar,
    Size,
    Steps,
)
from lockstep.common.paths import writable_model_path
from lockstep.common.tables import record_table
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import load


def export(file: File, input: Input = None, size: Size = None, seed: Seed = 0, process: Parallel = "mdm",
           schedule: Schedule = "two-step", copies: Copies = None, winner: FixedWinner = None,
           out_: Annotated[Optional[Path], typer.Option("--out",
                                                        help="File to write [NAME.job.safetensors; NAME is the program's].",
                                                        show_default=False)] = None,
           word_bits: Bits = None, dtype: Dtype = "float64",
           max_steps: Steps = DEFAULT_MAX_STEPS, no_sidecar: Sidecar = False, json_: Json = False) -> None:  # fmt: skip
    """Write one run with its weights for other decoders."""
    scheduled = with_copies(schedule, copies)
    construction = construction_named(process, scheduled)
    program = load(file)
    target = writable_model_path(out_ or Path(f"{program.name}.job.safetensors"))
    job, given = job_and_input(program, input, size, seed, word_bits, winner_named(program, winner), use_sidecar=not no_sidecar)
    with spinner(err, "exporting"):
        from lockstep.commands.export.job_file import export_job

        metadata, exact = export_job(program, job, target, construction=construction, dtype=dtype, max_steps=max_steps)
    record = {"file": str(target), **{k: metadata[k] for k in ("process", "word_bits", "time", "decoding_steps")}}
    emit(record, record_table(record), json_)
    end_with_run(program, job, exact, given, f"; {target} was written all the same")
