"""Runs a program under every access mode, and finds the first error in each, and the weakest modes without one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from lockstep.pram.access import MODES, weaker_modes
from lockstep.pram.errors import PramError, Span
from lockstep.pram.inputs import show_value
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Run, run
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import Generator, Inputs, generator_for
from lockstep.pram.winners import Tried, Winner, Winners, describe_tried, run_winners

Outputs = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """The first error on an input in a mode.

    text: the machine's message, or how outputs are wrong. ran: whether the machine refused no run. place: the message's place.
    """

    text: str
    ran: bool
    place: Span | None = None


@dataclass(frozen=True)
class ModeResult:
    """The result of one access mode.

    ran:     how many of the inputs the machine ran without an error, whoever won.
    right:   whether the sidecar found all outputs right; without a sidecar, whether they never depended on the winner and were
             those of the declared mode.
    winners: how many winners were tried, in words; empty if the mode has no choice of winner.
    trouble: the first error: the machine's message, or how outputs are wrong. params: the input of that error.
    """

    mode: str
    ran: int
    of: int
    right: bool
    winners: str = ""
    trouble: str = ""
    params: dict[str, int] | None = None
    place: Span | None = None

    @property
    def holds(self) -> bool:
        return self.ran == self.of and self.right


def try_modes(program: Program, inputs: Sequence[Inputs], *, use_sidecar: bool = True, word_bits: int | None = None,
              max_steps: int = DEFAULT_MAX_STEPS, expected: dict[str, Any] | None = None, given: bool = False,
              progress: Progress = silent) -> list[ModeResult]:  # fmt: skip
    """Run the program on every input under every mode, in the order of MODES. Where the winner is open, try many winners.

    Args:   given: the inputs come from a file, not from the sidecar, so errors do not name the sidecar.
    Raises: PramError: an input does not fit the program.
    """
    generator = generator_for(program, use_sidecar, word_bits)
    generator.expected = expected
    with nullcontext() if given else generator.blaming_sidecar():
        jobs = [(one, program.instantiate(*one, word_bits)) for one in inputs]
    wanted = [None if generator.has_judge else _outputs(job, max_steps) for _, job in jobs]
    results = []
    for number, mode in enumerate(MODES):
        progress(number, len(MODES))
        results.append(_try_mode(mode, jobs, wanted, generator, max_steps))
    progress(len(MODES), len(MODES))
    return results


def weakest(results: Sequence[ModeResult]) -> list[ModeResult]:
    """The modes that hold and are stronger than no other mode that holds. There are several if some have no order."""
    holds = {result.mode for result in results if result.holds}
    return [result for result in results if result.mode in holds and not weaker_modes(result.mode) & holds]


def _outputs(job: Job, max_steps: int) -> Outputs | None:
    """The outputs of a job's own mode where the lowest pid wins; None if the machine refuses the run."""
    try:
        return run(job, max_steps=max_steps).outputs
    except PramError:
        return None


def _try_mode(mode: str, jobs: Sequence[tuple[Inputs, Job]], wanted: Sequence[Outputs | None], generator: Generator,
              max_steps: int) -> ModeResult:  # fmt: skip
    """The result of one mode. A run that the machine refuses is shown before wrong outputs."""
    tried: list[Tried] = []
    wrong: list[tuple[dict[str, int], Trouble]] = []
    for ((params, arrays), job), outputs in zip(jobs, wanted):
        found = run_winners(replace(job, mode=mode), max_steps=max_steps)
        tried.append(found.tried)
        if trouble := _trouble(found, generator, params, arrays, outputs):
            wrong.append((params, trouble))
    refused = sum(not trouble.ran for _, trouble in wrong)
    words = describe_tried(tried) if MODES[mode].winner_open else ""
    result = ModeResult(mode, len(jobs) - refused, len(jobs), len(wrong) == refused, words)
    if not wrong:
        return result
    params, first = min(wrong, key=lambda pair: pair[1].ran)
    return replace(result, trouble=first.text, params=params, place=first.place)


def _trouble(found: Winners, generator: Generator, params: dict[str, int], arrays: dict[str, Any],
             wanted: Outputs | None) -> Trouble | None:  # fmt: skip
    """The first run that the machine refuses; else the first run with wrong outputs."""
    runs = [(winner, outcome) for winner, outcome in found.runs if isinstance(outcome, Run)]
    for winner, outcome in found.runs:
        if isinstance(outcome, PramError):
            return Trouble(outcome.message + _with(generator.program, found, winner), False, outcome.diagnostics[0].span)
    if not generator.has_judge:
        text = _dependence(generator.program, runs) or _difference(generator.program, wanted, runs[0][1].outputs)
        return Trouble(text, True) if text else None
    for winner, ran in runs:
        if wrong := _wrong(generator, params, arrays, ran.outputs):
            return Trouble(wrong + _with(generator.program, found, winner), True)
    return None


def _wrong(generator: Generator, params: dict[str, int], arrays: dict[str, Any], outputs: Outputs) -> str:
    """How outputs are wrong by the sidecar; empty if they are right."""
    verdict = generator.judge(params, arrays, outputs)
    if verdict is None or verdict.right:
        return ""
    return (
        verdict.difference
        if verdict.expected is not None
        else f"{generator.judge_label} rejects the outputs {show_value(outputs)}"
    )


def _dependence(program: Program, runs: Sequence[tuple[Winner, Run]]) -> str:
    """How outputs depend on the winner; empty if they do not."""
    (lowest, first), *others = runs
    for winner, other in others:
        ours, its = first.outputs, other.outputs
        if ours != its:
            name = next(name for name in ours if its[name] != ours[name])
            values = f"{show_value(ours[name])} {_where(program, lowest)}, {show_value(its[name])} {_where(program, winner)}"
            return f"output {name} depends on who wins a write: {values}"
    return ""


def _difference(program: Program, wanted: Outputs | None, found: Outputs) -> str:
    """How outputs differ from those of the declared mode; empty if they do not, or if that mode refuses the run."""
    for name in found if wanted is not None else ():
        if wanted is not None and found[name] != wanted[name]:
            return f"output {name} is {show_value(found[name])}, but {show_value(wanted[name])} under {program.symbols.mode}"
    return ""


def _with(program: Program, found: Winners, winner: Winner) -> str:
    """The winner of a run: the option that repeats it with `lockstep run`, if the program's own mode has winners."""
    return f" ({_where(program, winner)})" if len(found.runs) > 1 else ""


def _where(program: Program, winner: Winner) -> str:
    return f"with --winner {winner}" if MODES[program.symbols.mode].winner_open else f"where the winner is {winner}"
