"""Checks one case of a sweep, in a worker."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, reduce
from operator import or_
from typing import Any

from lockstep.pram import parameters
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.pram.reached import Item, unreached
from lockstep.pram.sidecar import Generator, draw_one, generator_from
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.sweeps.plan import Limits, OtherVersion, Task, difference, load_subject
from lockstep.proofs_check.sweeps.result import CHECKED, COMPUTED, FAILED, STOPPED, Result, SweepDecode
from lockstep.proofs_check.theorems import BOUNDS
from lockstep.proofs_check.verification import Case, Models, Options, case_checks, decode_case, failures, run_machine

#: The most compiled models of a program that a worker keeps; each takes some megabytes.
MOST_MODELS = 12


def check_task(task: Task) -> Result:
    """Run, judge and decode one case. An error in the case becomes its result.

    Raises: OtherVersion: a result of this process would mean nothing.
    """
    if reason := difference(task.subject.version, task.subject.libraries):
        raise OtherVersion(reason)
    # If torch is imported: threads of processes that share cores wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    generator = None
    try:
        program, limits = load_subject(task.subject), task.subject.limits
        generator = generator_from(program, task.subject.sidecar, timeout=limits.sidecar_timeout)
        result = _checked_or_stopped(task, program, generator, limits)
    except Exception as error:
        # A sweep looks for errors, also for defects of Lockstep, and goes on after each.
        result = Result(FAILED, trouble=str(error) if isinstance(error, PramError) else f"{type(error).__name__}: {error}")
    return replace(result, files=generator.files if generator is not None else ())


def _checked_or_stopped(task: Task, program: Program, generator: Generator, limits: Limits) -> Result:
    params, arrays = draw_one(generator, task.size, task.number, task.seed)
    options = Options(
        limits.constructions, dtype=limits.dtype, seed=task.seed, max_context=limits.max_context,
        max_decoding_steps=limits.max_decoding_steps, max_steps=limits.max_steps,
    )  # fmt: skip
    case = run_machine(program, generator, params, arrays, options)
    if case.endless:
        return _stopped(program, case, limits)
    models = _models(task.subject.program_sha256, limits.dtype)
    if len(models.made) > MOST_MODELS:
        models.made.clear()
    return _result(program, generator, decode_case(case, models, options), models, options)


def _result(program: Program, generator: Generator, case: Case, models: Models, options: Options) -> Result:
    checks = tuple(case_checks(program, generator, case, models, options))
    trouble = "\n".join(failed.trouble for failed in failures(program, generator, case, models, options))
    if case.run is None or case.job is None:
        return Result(FAILED, case.params, checks=checks, trouble=trouble)
    decodes = tuple(_decode(name, case, checks) for name in options.constructions)
    verdicts = [e.verdict.right for e in case.executions if e.verdict is not None]
    return Result(
        _status(checks, decodes), case.params, time=case.run.time, work=case.run.costs.work, processors=case.job.processors,
        space=case.job.state_words, right=all(verdicts) if verdicts else None, decodes=decodes, checks=checks, trouble=trouble,
        unreached=_not_reached(program, case),
    )  # fmt: skip


def _not_reached(program: Program, case: Case) -> tuple[Item, ...]:
    """The items that no run of the case reached."""
    return unreached(program, reduce(or_, (run.reached for run in case.runs))).items


@cache
def _models(program_sha256: str, dtype: str) -> Models:
    """The models of a program; each process compiles them once."""
    return Models(dtype)


def _decode(construction: str, case: Case, checks: tuple[Check, ...]) -> SweepDecode:
    """The closed forms of the first winner's run, and the measured values if all winners were decoded."""
    assert case.job is not None and case.run is not None
    bound, time = BOUNDS[construction], case.run.time
    context, steps = bound.peak_context(case.job, time), bound.steps(case.job, time)
    computed = SweepDecode(construction, COMPUTED, context=context, steps=steps)
    if construction not in case.decodes or construction in case.too_long:
        return computed
    holds = all(check.holds for check in checks if check.process == construction)
    agreement = case.decodes[construction][0].agreement
    status = CHECKED if holds else FAILED
    return replace(computed, status=status, measured_context=max(agreement.context), measured_steps=agreement.steps)


def _status(checks: tuple[Check, ...], decodes: tuple[SweepDecode, ...]) -> str:
    if not all(check.holds for check in checks):
        return FAILED
    return CHECKED if all(decode.status == CHECKED for decode in decodes) else COMPUTED


def _stopped(program: Program, case: Case, limits: Limits) -> Result:
    """The result of a run that reached --max-steps: no verdict, unless the program claims to halt earlier."""
    assert case.refusal is not None
    claimed = _claimed_time(program, case.params)
    if claimed is None or claimed > limits.max_steps:
        return Result(STOPPED, case.params, trouble=case.refusal.message)
    return Result(FAILED, case.params, trouble=f"the program claims to take at most {claimed} steps: {case.refusal}")


def _claimed_time(program: Program, params: dict[str, Any]) -> int | None:
    """The least time that a claim allows; None if there is none, or if it depends on the run's outputs."""
    bounds = []
    for claim in program.claims:
        if claim.quantity == "time":
            try:
                bounds.append(parameters.evaluate(claim.bound, program.values(params), program.source))
            except KeyError:
                continue
    return min(bounds, default=None)
