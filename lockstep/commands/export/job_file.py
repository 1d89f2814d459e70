"""Writes the interchange file: one decode with all that another decoder needs (docs/interchange.md)."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

from lockstep.compiler import masked_arm
from lockstep.compiler.compile import compile_job
from lockstep.models.erasing import MARKS, Marks
from lockstep.models.files import save_job
from lockstep.models.processes import THRESHOLD
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run, run
from lockstep.pram.program import Program
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import lay_out
from lockstep.proofs_check.theorems import BOUNDS


def export_job(program: Program, job: Job, path: Path, *, construction: str = "mdm", dtype: str = "float64",
               max_steps: int = DEFAULT_MAX_STEPS) -> tuple[dict[str, str], Run]:  # fmt: skip
    """Write a job file for a construction.

    Returns: the file's metadata, and the machine's run.
    Raises:  PramError: the run fails, the vocabulary is too large, or the construction is masked-arm. NotCertified: the
             dtype is not exact.
    """
    exact = run(job, max_steps=max_steps)
    compiled = compile_job(job, exact.time, dtype, construction)
    require_certificate(compiled)
    layout = lay_out(compiled, job, exact.time)
    if isinstance(layout, masked_arm.Layout):
        raise job.error("a masked-arm has no position for each output, which the file names: export mdm")
    arrays = [a for a in job.arrays if a.is_output]
    cells = {a.name: range(a.base, a.base + a.size) for a in arrays}
    metadata = {
        "process": compiled.process,
        "word_bits": str(job.word_bits),
        "outputs": json.dumps({name: [layout.final_position(c) for c in where] for name, where in cells.items()}),
        "word_tokens": str(compiled.circuit.vocabulary.token("WORD")),
        "program_sha256": program.sha256,
        "time": str(exact.time),
        "decoding_steps": str(BOUNDS[construction].steps(job, exact.time)),
        "expected": json.dumps({name: exact.memory[where.start : where.stop].tolist() for name, where in cells.items()}),
        **job.winner_record,
    }
    if marks := Marks.of(compiled.model.vocabulary):
        metadata["erasing"] = json.dumps(dict(zip(MARKS, astuple(marks))))
    if not compiled.circuit.control:
        metadata["threshold"] = str(THRESHOLD)
    tokens, positions = layout.tokens(), layout.positions().dense()
    try:
        save_job(path, compiled.model, tokens, positions, metadata)
    except ValueError as error:
        raise job.error(f"{error}; choose fewer --word-bits") from None
    return metadata, exact
