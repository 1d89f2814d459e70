"""The machine's part of a trace: the program, and what every processor did in every step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.common.tracing.columns import Columns
from lockstep.pram.access import MODES, RULE_SIGNS
from lockstep.pram.errors import PramError, without_numbers
from lockstep.pram.expression_text import expression_text
from lockstep.pram.job import Job
from lockstep.pram.listing import instruction_text
from lockstep.pram.machine import DEFAULT_MAX_STEPS, HALTED, NoHalt, Run, Step, run
from lockstep.pram.program import Program
from lockstep.pram.syntax import INF

#: JSON numbers of more bits lose digits in a browser.
EXACT_BITS = 53
#: A trace keeps at most so many steps, and so many of them for all processors together: both take memory.
MOST_STEPS, MOST_ENTRIES = 100_000, 1 << 23


def traced_run(job: Job, max_steps: int = DEFAULT_MAX_STEPS) -> tuple[Run, PramError | None]:
    """Run a job and keep its steps. If the run fails: what was done of it, and why it failed.

    Raises: PramError: the run has too many steps to keep them.
    """
    most = min(max_steps, MOST_STEPS, MOST_ENTRIES // job.processors)
    try:
        return run(job, max_steps=most, trace=True), None
    except NoHalt as error:
        if most < max_steps:
            raise job.error(f"the run takes more than {most} steps: too many for a trace") from None
        return _until(error)
    except PramError as error:
        return _until(error)


def _until(error: PramError) -> tuple[Run, PramError]:
    """What was done of a run before it failed, and the failure."""
    assert error.failure is not None
    return error.failure.run, error


def machine_header(program: Program, run: Run, error: PramError | None) -> dict[str, Any]:
    """The header of a trace, without its decodes."""
    job, code = run.job, program.code
    return {
        "name": program.name, "file": Path(program.source.name).name, "source": program.source.text,
        "params": {name: _number(value) for name, value in job.values.items() if name.isidentifier() and name != INF},
        "P": job.processors, "k": job.registers, "S": job.space, "w": job.word_bits, "mode": job.mode, "signed": job.signed,
        "winner": str(job.winner) if MODES[job.mode].winner_open else None,
        "T": len(run.trace), "halted": HALTED, "code": _code(program),
        "arrays": [{"name": a.name, "role": a.role, "base": a.base, "shape": list(a.shape), "firsts": list(a.firsts)} for a in job.arrays],
        "derived": [expression_text(expression) for expression in code.derived],
        "parameters": [_number(value) for value in job.parameters],
        "outputs": [job.outputs.start, job.outputs.stop],
        "costs": dict(vars(run.costs)), "space": dict(vars(run.space)), "error": _error(program, error),
    }  # fmt: skip


def without_folder(message: str, program: Program) -> str:
    """A message that names the file of the program by the last part of its path: people share traces."""
    return re.sub(
        f"^{re.escape(program.source.name)}:", lambda found: f"{Path(program.source.name).name}:", message, flags=re.MULTILINE
    )


def _number(value: int) -> int | str:
    return value if abs(value) < 1 << EXACT_BITS else str(value)


def _code(program: Program) -> list[dict[str, Any]]:
    code = program.code
    return [
        {
            "text": instruction_text(instruction, code.derived),
            "line": instruction.at.own.line if instruction.at else 0,
            "column": instruction.at.own.column if instruction.at else 0,
            "pads": instruction.name == "nop",
            "locals": {str(register): without_numbers(name) for name, register in names.items()},
            "rule": RULE_SIGNS[instruction.rule] if instruction.rule else None,
        }
        for instruction, names in zip(code.instructions, code.locals, strict=True)
    ]


def _error(program: Program, error: PramError | None) -> dict[str, Any] | None:
    if error is None or error.failure is None:
        return None
    failure, place = error.failure, error.diagnostics[0].span
    return {
        "step": failure.attempt.number, "message": without_folder(str(error), program),
        "kind": failure.kind, "processors": list(failure.processors),
        "cell": -1 if failure.cell is None else failure.cell, "line": place.own.line if place else 0,
    }  # fmt: skip


def add_machine(columns: Columns, run: Run, error: PramError | None) -> None:
    """Add the columns of a run; of one that failed, with the step that was not carried out."""
    steps: Sequence[Step] = run.trace
    shown = steps if error is None or error.failure is None else (*steps, error.failure.attempt)
    for name in ("counter", "value", "destination", "read"):
        columns.add(f"machine.{name}", [getattr(step, name) for step in shown])
    lost = [(step.number - 1) * run.job.processors + step.lost for step in steps if len(step.lost)]
    columns.add("machine.lost", np.concatenate(lost) if lost else [])
    columns.add("machine.start", run.job.memory)
    columns.add("machine.last", steps[-1].next if steps else np.zeros(run.job.processors, np.int64))
