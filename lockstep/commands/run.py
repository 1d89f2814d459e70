"""`lockstep run`: a program on the exact machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from lockstep.common.console import emit, err, spinner, warnings
from lockstep.common.ending import end_with, false_claims, given_of
from lockstep.common.inputs import machine_case
from lockstep.common.options import (
    AnyWinner,
    Bits,
    DrawnSeed,
    File,
    Full,
    Input,
    Json,
    Sidecar,
    SidecarTimeout,
    Size,
    Steps,
    Strict,
)
from lockstep.common.tables import record_table
from lockstep.pram.input_files import placing
from lockstep.pram.inputs import InputFile
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run
from lockstep.pram.program import Program, load

if TYPE_CHECKING:
    from lockstep.pram.sidecar.judging import Verdict


def run(file: File, input: Input = None, size: Size = None, seed: DrawnSeed = None, winner: AnyWinner = None,
        word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False, no_sidecar: Sidecar = False,
        sidecar_timeout: SidecarTimeout = 60, full: Full = False, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine.

    Outputs are held against the oracle in NAME.py beside the program, or against those that the input file expects.
    """
    from lockstep.pram.machine import run as run_job

    program = load(file)
    job, given = machine_case(program, input, size, seed, word_bits, winner, not no_sidecar, sidecar_timeout)
    with warnings(strict) as warn, spinner(err, f"running {program.name}"):
        result = run_job(job, max_steps=max_steps, warn=warn)
    verdict = None
    try:
        with placing(given.source):
            verdict = judged(program, given, result, not no_sidecar, sidecar_timeout)
    finally:  # a sidecar that fails does not hide what the machine found
        emit(run_record(result, verdict), run_table(result, verdict, full), json_)
    wrong = [verdict.difference] if verdict is not None and not verdict.right else []
    end_with(wrong, false_claims(program, given_of(program, job), result))


def judged(program: Program, given: InputFile, result: Run, use_sidecar: bool, timeout: float) -> Verdict | None:
    """What the sidecar says of a run's outputs, or the input file; None if neither does."""
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
        **run.job.winner_record,
        **judged,
    }


def run_table(run: Run, verdict: Verdict | None = None, full: bool = False) -> RenderableType:
    record = run_record(run)
    if verdict is not None:
        record["outputs are"] = "right" if verdict.right else f"wrong: {verdict.difference}"
    space = record.pop("space")
    outputs = {f"{name} (output)": value for name, value in record.pop("outputs").items()}
    return record_table(_given(run) | outputs | record | {f"space {name}": value for name, value in space.items()}, full)


def _given(run: Run) -> dict[str, Any]:
    """Parameters and inputs, which may have been drawn at random."""
    job = run.job
    params = {f"{name} (parameter)": value for name, value in job.values.items() if name.isidentifier()}
    arrays = [a for a in job.arrays if a.is_input]
    return params | {f"{a.name} (input)": a.read(job.memory) for a in arrays}
