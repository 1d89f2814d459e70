"""The interchange file: one decode with everything a foreign decoder needs (docs/interchange.md)."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from compiler.compile import compile_job
from lockstep.decoding import lay_out
from models.files import save_job
from models.processes import THRESHOLD
from pram.job import Job
from pram.machine import DEFAULT_MAX_STEPS, run
from pram.program import Program
from proofs_check.certificate import require_certificate
from proofs_check.theorems import theorem1


def export_job(
    program: Program, job: Job, path: Path, *, dtype: str = "float64", max_steps: int = DEFAULT_MAX_STEPS
) -> dict[str, str]:
    """Write a job file for masked diffusion.

    Returns: its metadata.
    Raises:  PramError: the machine refuses the run, or the vocabulary is too large. NotCertified: the dtype is not exact.
    """
    exact = run(job, max_steps=max_steps)
    compiled = compile_job(job, exact.time, dtype)
    require_certificate(compiled)
    layout = lay_out(compiled, job, exact.time)
    arrays = [a for a in job.arrays if a.is_output]
    first = layout.first_output - job.outputs.start
    metadata = {
        "process": "mdm",
        "threshold": str(THRESHOLD),
        "word_bits": str(job.word_bits),
        "outputs": json.dumps({a.name: list(range(first + a.base, first + a.base + a.size)) for a in arrays}),
        "word_tokens": str(compiled.circuit.vocabulary.token("WORD")),
        "program_sha256": program.sha256,
        "time": str(exact.time),
        "decoding_steps": str(theorem1.decoding_steps(exact.time, exact.time, len(job.outputs))),
        "expected": json.dumps({a.name: exact.memory[a.base : a.base + a.size].tolist() for a in arrays}),
    }
    tokens, positions = torch.from_numpy(layout.tokens()), torch.from_numpy(layout.positions())
    try:
        save_job(path, compiled.model, tokens, positions, metadata)
    except ValueError as error:
        raise job.error(f"{error}; choose fewer --word-bits") from None
    return metadata
