"""Contexts and decoding steps of each process by the closed forms; short decodes are made and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.compiler.names import lacking
from lockstep.models.sampling import AUTO, Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import Run, run
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import Generator, draw, generator_for
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import require_certificate
from lockstep.proofs_check.decoding import pick_engine
from lockstep.proofs_check.theorems import BOUNDS

NO_MODELS = "no models"


@dataclass(frozen=True)
class SpaceRow:
    """One size: time and space of the run, and for each construction context, decoding steps and verdict.

    verdicts: "agrees" or the first difference if it was decoded; "computed" if it was too long to decode, NO_MODELS if
    the construction does not have the program's mode.
    """

    params: dict[str, int]
    run: Run = field(repr=False)
    time: int
    space: int
    contexts: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """All fields but the run, for JSON."""
        return {name: value for name, value in vars(self).items() if name != "run"}

    @property
    def holds(self) -> bool:
        return set(self.verdicts.values()) <= {"agrees", "computed", NO_MODELS}


def space_rows(program: Program, sizes: Sequence[int], *, seed: int = 0, max_context: int = 1000, max_steps: int = 2000,
               use_sidecar: bool = True, progress: Progress = silent) -> list[SpaceRow]:  # fmt: skip
    """One row for each size.

    Args:   max_context, max_steps: longer decodes are computed, not made.
    Raises: PramError: the machine refuses a run.
    """
    generator: Generator = generator_for(program, use_sidecar)
    rows: list[SpaceRow] = []
    for size in sizes:
        progress(len(rows), len(sizes))
        ((params, arrays),) = draw(generator, [size], 1, seed)
        with generator.blaming_sidecar():
            job = program.instantiate(params, arrays)
        rows.append(_row(job, params, max_context, max_steps))
    progress(len(sizes), len(sizes))
    return rows


def _row(job: Job, params: dict[str, int], max_context: int, max_steps: int) -> SpaceRow:
    exact = run(job, max_steps=1 << 24)
    row = SpaceRow(params, exact, exact.time, job.state_words)
    for construction in CONSTRUCTIONS:
        theorem = BOUNDS[construction]
        row.contexts[construction] = theorem.peak_context(job, exact.time)
        row.steps[construction] = theorem.steps(job, exact.time)
        fits = row.contexts[construction] <= max_context and row.steps[construction] <= max_steps
        if lacking(construction, job.rules):
            row.verdicts[construction] = NO_MODELS
        else:
            row.verdicts[construction] = _decode(job, construction, exact.time, row) if fits else "computed"
    return row


def _decode(job: Job, construction: str, time: int, row: SpaceRow) -> str:
    """Decode and compare with the machine; context and steps must be as computed."""
    compiled = compile_job(job, time, construction=construction)
    require_certificate(compiled)
    auto = Sampling(engine=AUTO)
    sampling = pick_engine(auto, row.contexts[construction], row.steps[construction], compiled.model.causal)
    agreement = check_agreement(compiled, job, time, sampling)
    if agreement.divergence is not None:
        return str(agreement.divergence)
    measured = max(agreement.context), agreement.steps
    computed = row.contexts[construction], row.steps[construction]
    return "agrees" if measured == computed else f"context and steps {measured}, computed {computed}"
