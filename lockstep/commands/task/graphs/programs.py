"""What commands share that solve a task of graphs by an example program: its decode, and the closed forms that its run must meet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lockstep.common.arguments import construction as construction_named
from lockstep.common.console import err, progress_bar
from lockstep.common.ending import given_parameters
from lockstep.common.finding import find_program
from lockstep.compiler.names import process_of
from lockstep.models.names import EngineName

if TYPE_CHECKING:
    from lockstep.proofs_check.decoding import Decoded

_GRAPH = typer.Option(
    "--graph", help="An edge list (.edges, .txt), DIMACS (.max, .dimacs, .col) or .graphml.", show_default=False
)
GraphFile = Annotated[Path, _GRAPH]
OptionalGraphFile = Annotated[Optional[Path], _GRAPH]


@dataclass(frozen=True)
class Solution:
    """A decoded run of a program. expected: time, decoding steps and context by closed forms. seconds: of compiler, machine and decode."""

    decoded: Decoded
    expected: Mapping[str, int]
    seconds: float

    @property
    def measured(self) -> dict[str, Any]:
        """What it took, for tables."""
        record = self.decoded.record
        return {name: record[name] for name in ("time", "decoding_steps", "context", "engine")}


def solve(name: str, params: dict[str, int], arrays: dict[str, Any], process: str, schedule: str, engine: EngineName,
          dtype: str) -> Solution:  # fmt: skip
    """Run an example program on the machine, and decode it.

    Raises: PramError: as `lockstep.proofs_check.decoding.decode_job`. typer.BadParameter: the process has no such schedule.
    """
    construction = construction_named(process, schedule)
    from lockstep.models.processes import usual_order
    from lockstep.models.sampling import Sampling
    from lockstep.pram.program import load
    from lockstep.proofs_check.claims import evaluate_bound
    from lockstep.proofs_check.decoding import DecodeOptions, decode_job
    from lockstep.proofs_check.theorems import BOUNDS

    program = load(find_program(Path(name)))
    job = program.instantiate(params, arrays)
    sampling = Sampling(usual_order(process_of(construction)), engine=engine)
    started = time.perf_counter()
    with progress_bar(err, "decoding") as progress:
        decoded = decode_job(job, DecodeOptions(construction, dtype, sampling=sampling), progress)
    seconds = time.perf_counter() - started
    (claim,) = (claim for claim in program.claims if claim.quantity == "time")
    run, bound = decoded.run, BOUNDS[construction]
    expected = {
        "time": evaluate_bound(program, claim, given_parameters(program, job), run),
        "decoding_steps": bound.steps(job, run.time),
        "context": bound.peak_context(job, run.time),
    }
    return Solution(decoded, expected, seconds)
