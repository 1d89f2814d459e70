"""Finds the parameters and the time of a run from the program's claims, without the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.pram import parameters
from lockstep.pram.drawing import random_arrays
from lockstep.pram.errors import PramError, fail
from lockstep.pram.expression_text import expression_text
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, NoHalt, Run
from lockstep.pram.program import Program
from lockstep.pram.sidecar import draw, generator_for, sidecar_of
from lockstep.pram.syntax import Claim, Name, walk
from lockstep.proofs_check.activity import Activity, counted_run
from lockstep.proofs_check.claims import check_claims
from lockstep.proofs_check.report import Check, runs_of

#: Sizes of the runs on which a program's claims are checked first.
SMALL = (1, 2, 3, 4, 6, 8, 12, 16)
#: Most instructions of these runs together, and of a run that replaces a missing claim. A step counts as at least OVERHEAD.
MOST_SMALL, MOST_RUN, OVERHEAD = 5_000_000, 200_000_000, 500
#: Most processors and cells of a run that replaces a missing claim.
MOST_ROOM = 1 << 20
#: The largest input that is assumed if the program declares no range. It determines the word size.
LARGEST_INPUT = 15


@dataclass(frozen=True)
class SmallRuns:
    """The small runs. checks: the claims on them. on: which runs.

    running, written: the shares of P T of the largest run in which processors ran, and in which they wrote.
    """

    checks: tuple[Check, ...]
    on: str
    running: float
    written: float


@dataclass(frozen=True)
class PlannedRun:
    """The sizes of a run that is not made.

    job: an outline of the job, with sizes but without memory. relation: == if `time` is exact, <= if it is an upper bound.
    basis: how the time is known. use_sidecar: whether the sidecar may draw inputs.
    """

    params: dict[str, int]
    job: Job
    time: int
    relation: str
    basis: str
    use_sidecar: bool = True


def plan_run(program: Program, n: int | None, settings: Mapping[str, int], word_bits: int | None = None,
            use_sidecar: bool = True) -> PlannedRun:  # fmt: skip
    """The sizes and the time of the run at n.

    Args:   settings: more parameters, and scalar outputs that a claim of time names.
    Raises: PramError: a parameter is missing or too large, or the time cannot be found.
    """
    outputs = {name: value for name, value in settings.items() if name in _outputs_of(program)}
    given = {name: value for name, value in settings.items() if name not in outputs}
    params = given if n is None else parameters_at(program, n, given)
    if missing := [name for name in program.given if name not in params]:
        raise _error(program, f"missing parameter `{missing[0]}`: set it with --param {missing[0]}=VALUE" + _or_n(n, missing))
    program.values(params)
    job = program.outline(params, largest_input(program, params), word_bits)
    time, relation, basis = _time(program, params, outputs, job, use_sidecar)
    return PlannedRun(params, job, time, relation, basis, use_sidecar)


def _or_n(n: int | None, missing: Sequence[str]) -> str:
    return ", or with --size" if n is None and len(missing) == 1 else ""


def parameters_at(program: Program, n: int, settings: Mapping[str, int]) -> dict[str, int]:
    """The parameters for which the program's n has this value. A program without n must have one parameter, which gets the value.

    Raises: PramError: it is unclear which parameter is meant, or no value gives a computed n.
    """
    wanted = [name for name in program.given if name not in settings]
    if "n" in wanted:
        return {**settings, "n": n}
    if len(wanted) != 1:
        which = f"and there are {', '.join(wanted)}: set them with --param NAME=VALUE" if wanted else "and there is none left"
        raise _error(program, f"--size sets `n` or the only parameter that is not given otherwise, {which}")
    if "n" not in program.symbols.params or "n" in settings:
        return {**settings, wanted[0]: n}
    return {**settings, wanted[0]: _solve(program, n, wanted[0], settings)}


def _solve(program: Program, n: int, name: str, settings: Mapping[str, int]) -> int:
    """The value of a parameter for which the computed `n`, which grows with it, is n."""
    low, high = 0, 1 << (parameters.MAX_PARAMETER_BITS - 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _value(program, middle, name, settings) < n else (low, middle)
    if _value(program, low, name, settings) != n:
        near = [f"{_value(program, x, name, settings)} at {name} = {x}" for x in (low - 1, low) if x >= 0]
        raise _error(program, f"n is computed from {name} here, and never {n}: it is {' and '.join(near)}")
    return low


def _value(program: Program, value: int, name: str, settings: Mapping[str, int]) -> int:
    """The computed `n`; if it is too large to represent, a number larger than any n."""
    try:
        return program.values({**settings, name: value})["n"]
    except PramError:
        return 1 << parameters.MAX_PARAMETER_BITS


def largest_input(program: Program, params: Mapping[str, int]) -> int:
    """The largest input that the declared ranges allow."""
    highs = [LARGEST_INPUT if a.high is None else a.high for a in program.layout(params) if a.is_input]
    return max(highs, default=0)


# -- time ------------------------------------------------------------------------------------------


def _time(program: Program, params: dict[str, int], outputs: Mapping[str, int], job: Job,
          use_sidecar: bool) -> tuple[int, str, str]:  # fmt: skip
    """The time, the relation == or <=, and how the time is known: from a claim that can be evaluated, else from a run."""
    known, claims = {**program.values(params), **outputs}, [c for c in program.claims if c.quantity == "time"]
    for relation, word in (("==", "claimed"), ("<=", "claimed as a bound")):
        for claim in claims:
            if claim.relation == relation and _names(claim) <= set(known):
                assumed = "".join(f", with {name} = {outputs[name]} assumed" for name in sorted(_names(claim) & set(outputs)))
                text = f"{word}: time {relation} {expression_text(claim.bound)}{assumed}"
                return parameters.evaluate(claim.bound, known, program.source), relation, text
    unknown = sorted({name for claim in claims for name in _names(claim)} - set(known))
    time = _time_of_run(program, params, job, unknown, use_sidecar)
    return time, "==", "measured by a run of the machine on one input of this size"


def _time_of_run(program: Program, params: dict[str, int], job: Job, unknown: Sequence[str], use_sidecar: bool) -> int:
    """The time of a run on a random input.

    Raises: PramError: the run is too large.
    """
    why = f"its claim of time depends on outputs: give them with --param {unknown[0]}=VALUE" if unknown else ""
    why = why or "it has no `claim time`: add one, such as `claim time == 4 + 13 * lg(n)`"
    if job.processors + job.space > MOST_ROOM:
        room = f"{job.processors} processors and {job.space} cells are too many to run it"
        raise _error(program, f"the time at this size is not known, and {room}; {why}")
    arrays = _arrays(program, params, job.word_bits, use_sidecar)
    if arrays is None:
        raise _error(program, f"the time at this size is not known, and no input of these parameters can be drawn; {why}")
    most = MOST_RUN // max(job.processors, OVERHEAD)
    try:
        for step in Machine(program.instantiate(params, arrays, job.word_bits)).steps(most):
            time = step.number
    except NoHalt:
        raise _error(program, f"the time at this size is not known, and a run takes more than {most} steps; {why}") from None
    return time


def input_of(program: Program, planned: PlannedRun) -> Job:
    """The job of one input of this size.

    Raises: PramError: none can be drawn.
    """
    too_large = planned.job.processors + planned.job.space > MOST_ROOM
    arrays = None if too_large else _arrays(program, planned.params, planned.job.word_bits, planned.use_sidecar)
    if arrays is None:
        raise _error(
            program, "no input of these parameters can be drawn to decode" + (": they are too large" if too_large else "")
        )
    return program.instantiate(planned.params, arrays, planned.job.word_bits)


def _arrays(program: Program, params: dict[str, int], word_bits: int, use_sidecar: bool) -> dict[str, object] | None:
    """Arrays for these parameters; None if the sidecar draws them for no size."""
    rng = np.random.default_rng(0)
    if not use_sidecar or sidecar_of(program) is None:
        return random_arrays(program, params, rng, word_bits)
    generator = generator_for(program)
    for size in dict.fromkeys(value for value in program.values(params).values() if 1 <= value <= MOST_ROOM):
        found, arrays = generator.inputs(size, rng)
        if found == params:
            return arrays
    return None


def _names(claim: Claim) -> set[str]:
    return {node.name for node in walk(claim.bound) if isinstance(node, Name)}


def _outputs_of(program: Program) -> set[str]:
    """The scalar outputs in the program's claims of time."""
    named = {name for claim in program.claims if claim.quantity == "time" for name in _names(claim)}
    return named - set(program.symbols.params)


# -- small runs ------------------------------------------------------------------------------------


def run_small_sizes(program: Program, word_bits: int | None = None, seed: int = 0, use_sidecar: bool = True) -> SmallRuns:
    """Check a program's claims on runs of small sizes.

    Raises: PramError: the machine refuses a run, or the first one does not halt within the budget.
    """
    generator, left = generator_for(program, use_sidecar, word_bits), MOST_SMALL
    runs: list[tuple[dict[str, int], Run]] = []
    active = Activity(1, 0, 0)
    for params, arrays in draw(generator, SMALL, 1, seed):
        with generator.blaming_sidecar():
            job = program.instantiate(params, arrays, word_bits)
        each = max(job.processors, OVERHEAD)
        if runs and job.processors > left:
            break
        try:
            run, active = counted_run(job, max(1, left // each))
        except NoHalt:
            if not runs:
                raise
            break
        runs.append((params, run))
        left -= each * run.time
    last = runs[-1][1]
    whole = last.time * last.job.processors
    on = runs_of([params for params, _ in runs])
    return SmallRuns(tuple(check_claims(program, runs, on)), on, active.running / whole, active.written / whole)


def _error(program: Program, message: str) -> PramError:
    return fail(message, program.source, program.tree.at)


__all__ = ["PlannedRun", "SmallRuns", "input_of", "plan_run", "run_small_sizes"]
