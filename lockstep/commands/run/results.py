"""What a run gave: its record for JSON and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from lockstep.common.tables import record_table
from lockstep.pram.inputs import InputFile
from lockstep.pram.machine import Run
from lockstep.pram.program import Program
from lockstep.pram.syntax import INF

if TYPE_CHECKING:
    from lockstep.pram.sidecar.judging import Verdict


def judged(program: Program, given: InputFile, result: Run, use_sidecar: bool, timeout: float) -> Verdict | None:
    """Whether a run's outputs are those of the sidecar or of the input file; None if neither has any."""
    from lockstep.pram.sidecar import generator_for

    generator = generator_for(program, use_sidecar, timeout=timeout)
    generator.expected = given.expected
    return generator.judge(*given.inputs, result.outputs)


def run_record(run: Run, verdict: Verdict | None = None) -> dict[str, Any]:
    """The output of `lockstep run --json` (docs/language.md, section 7)."""
    judged = {} if verdict is None else {"right": verdict.right, "difference": verdict.difference or None}
    return {
        "outputs": run.outputs,
        "time": run.costs.time,
        "work": run.costs.work,
        "shared_accesses": run.costs.shared_accesses,
        "processors": run.job.processors,
        "space": {"allocated": run.space.allocated, "touched": run.space.touched, "registers": run.space.registers},
        "word_bits": run.job.word_bits,
        "mode": run.job.mode,
        **_contracts(run),
        **run.job.winner_record,
        **judged,
    }


def _contracts(run: Run) -> dict[str, Any]:
    """How many contracts the run put to the test, if the program has any. All of these hold: else the run is an error."""
    clauses = run.job.contracts.clauses
    checked = sum(clause.at in run.reached.tested for clause in clauses)
    return {"contracts": {"checked": checked, "of": len(clauses)}} if clauses else {}


def run_table(run: Run, verdict: Verdict | None = None, full: bool = False) -> RenderableType:
    record = run_record(run)
    if verdict is not None:
        unjudged = f"; {', '.join(verdict.unjudged)} not judged" if verdict.unjudged else ""
        record["outputs are"] = ("right" if verdict.right else f"wrong: {verdict.difference}") + unjudged
    if "contracts" in record:
        record["contracts"] = "{checked} of {of} checked, all hold".format(**record["contracts"])
    space = record.pop("space")
    outputs = {f"{name} (output)": value for name, value in record.pop("outputs").items()}
    return record_table(_given(run) | outputs | record | {f"space {name}": value for name, value in space.items()}, full)


def _given(run: Run) -> dict[str, Any]:
    """The parameters and inputs of a run."""
    job = run.job
    params = {f"{name} (parameter)": value for name, value in job.values.items() if name.isidentifier() and name != INF}
    arrays = [a for a in job.arrays if a.is_input]
    return params | {f"{a.name} (input)": a.read(job.memory) for a in arrays}
