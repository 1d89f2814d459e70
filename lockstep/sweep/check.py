"""One case of a sweep: what a worker runs, and what it found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import torch

from lockstep.sidecar import draw_one, generator_from
from lockstep.sweep.plan import Task, libraries, load_subject, version
from lockstep.sweep.result import CHECKED, COMPUTED, FAILED, STOPPED, Decode, Result
from lockstep.verification import Case, Models, Options, case_checks, run_case
from pram import parameters
from pram.errors import PramError
from pram.machine import NoHalt
from pram.program import Program
from proofs_check.report import Check
from proofs_check.theorems import BOUNDS

#: A worker keeps so many compiled models of a program, some megabytes each.
MOST_MODELS = 12


class OtherVersion(Exception):
    """The worker has not the code, or the libraries, that the sweep was started with."""


def check_task(task: Task) -> Result:
    """Run, judge and decode one case. Whatever goes wrong in it is its result.

    Raises: OtherVersion: nothing that this process finds would say anything.
    """
    if task.subject.version != version():
        raise OtherVersion("a worker runs another version of Lockstep: install the same everywhere")
    if task.subject.libraries != libraries():
        raise OtherVersion(f"a worker has {libraries()}, and here there is {task.subject.libraries}: install the same everywhere")
    torch.set_num_threads(1)  # threads of processes that share cores wait for each other
    try:
        return _checked_or_stopped(task)
    except Exception as error:
        # A sweep is to find what goes wrong, a defect of Lockstep among it, and to go on.
        return Result(FAILED, trouble=str(error) if isinstance(error, PramError) else f"{type(error).__name__}: {error}")


def _checked_or_stopped(task: Task) -> Result:
    try:
        return _checked(task)
    except NoHalt as error:
        return _stopped(task, error)


def _checked(task: Task) -> Result:
    program, limits = load_subject(task.subject), task.subject.limits
    generator = generator_from(program, task.subject.sidecar)
    params, arrays = draw_one(generator, task.size, task.number, task.seed)
    options = Options(**vars(limits), seed=task.seed)
    models = _models(task.subject.program_sha256, limits.dtype)
    if len(models.made) > MOST_MODELS:
        models.made.clear()
    case = run_case(program, generator, params, arrays, models, options)
    checks = tuple(case_checks(program, generator, case, models, options))
    decodes = tuple(_decode(name, case, checks) for name in limits.constructions)
    return Result(
        _status(checks, decodes), params, case.run.time, case.run.costs.work, case.job.processors, _space(case), case.right,
        decodes, checks, _trouble(case, checks),
    )  # fmt: skip


@cache
def _models(program_sha256: str, dtype: str) -> Models:
    """A program's models are compiled once in each process."""
    return Models(dtype)


def _decode(construction: str, case: Case, checks: tuple[Check, ...]) -> Decode:
    """The closed forms, and what was measured if it was decoded."""
    bound, time = BOUNDS[construction], case.run.time
    computed = Decode(construction, COMPUTED, bound.peak_context(case.job, time), bound.steps(case.job, time))
    measured = case.decodes.get(construction)
    if measured is None:
        return computed
    holds = all(check.holds for check in checks if check.process == construction)
    agreement = measured.agreement
    status = CHECKED if holds else FAILED
    return replace(computed, status=status, measured_context=max(agreement.context), measured_steps=agreement.steps)


def _status(checks: tuple[Check, ...], decodes: tuple[Decode, ...]) -> str:
    if not all(check.holds for check in checks):
        return FAILED
    return CHECKED if all(decode.status == CHECKED for decode in decodes) else COMPUTED


def _trouble(case: Case, checks: tuple[Check, ...]) -> str:
    """Every check that failed, and the first divergence."""
    failed = [
        f"{check.process} {check.what}: {check.measured}, bound {check.bound}".strip() for check in checks if not check.holds
    ]
    return "\n".join(failed + ([str(case.divergence)] if case.divergence else []))


def _space(case: Case) -> int:
    """Words of shared memory and registers with program counters: S + P (k + 1)."""
    return case.job.space + case.job.processors * (case.job.registers + 1)


def _stopped(task: Task, error: NoHalt) -> Result:
    """The run reached --max-steps: no verdict, unless the program claims that it halts before."""
    program, subject = load_subject(task.subject), task.subject
    params, _ = draw_one(generator_from(program, subject.sidecar), task.size, task.number, task.seed)
    claimed = _claimed_time(program, params)
    if claimed is None or claimed > subject.limits.max_steps:
        return Result(STOPPED, params, trouble=error.message)
    return Result(FAILED, params, trouble=f"the program claims to take at most {claimed} steps: {error}")


def _claimed_time(program: Program, params: dict[str, Any]) -> int | None:
    """The least that a claim allows; None where none does without the run's outputs."""
    bounds = []
    for claim in program.claims:
        if claim.quantity == "time":
            try:
                bounds.append(parameters.evaluate(claim.bound, program.values(params), program.source))
            except KeyError:
                continue
    return min(bounds, default=None)
