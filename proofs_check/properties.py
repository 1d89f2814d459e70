"""Checks a property of a program, beside its contracts, on inputs that Hypothesis draws and shrinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from lockstep.pram.errors import PramError, fail
from lockstep.pram.machine import Run
from lockstep.pram.program import Program
from lockstep.pram.reached import reached_nothing, unreached
from lockstep.pram.winners import run_winners
from lockstep.proofs_check.failing import input_text
from lockstep.proofs_check.fuzzing.inputs import Inputs, program_inputs

#: Takes parameters, input arrays and a run. False is a failure, and so is an assertion that does not hold.
Property = Callable[[dict[str, int], dict[str, Any], Run], bool | None]


@dataclass(frozen=True)
class Checked:
    """What a check that found nothing wrong tried.

    inputs: how many inputs. vacuous: the contracts that none of them put to the test, each with the reason.
    """

    inputs: int
    vacuous: tuple[str, ...] = ()


class PropertyFailed(AssertionError):
    """A property does not hold. inputs: for which parameters and arrays."""

    def __init__(self, text: str, inputs: Inputs) -> None:
        super().__init__(text)
        self.inputs = inputs


class RunFailed(PramError):
    """The machine refuses a run, or a contract does not hold. inputs: for which parameters and arrays."""

    def __init__(self, error: PramError, inputs: Inputs, where: str) -> None:
        super().__init__(error.diagnostics)
        self.failure, self.inputs, self.where = error.failure, inputs, where

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.where}"


def check(program: Program, holds: Property | None = None, *, max_examples: int = 100, min_size: int = 1, max_size: int = 8,
          random_seed: int = 0, word_bits: int | None = None, max_steps: int) -> Checked:  # fmt: skip
    """Run a program on drawn inputs, with its contracts, and check a property of each run.

    Where the mode leaves open who wins concurrent writes, every winner is tried, or several.
    Args:    min_size, max_size: the least and the largest value of a parameter.
    Returns: Checked: how many inputs were tried, and what they did not put to the test.
    Raises:  PropertyFailed: the property does not hold. RunFailed: the machine refuses a run, or a contract does not hold. Both have
             the shrunk input. PramError: no input fulfils what the program requires. TypeError: the property answers something else.
    """
    trial = _Trial(program, holds, word_bits, max_steps)
    quiet = settings(max_examples=max_examples, deadline=None, database=None, report_multiple_bugs=False,
                     phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck))  # fmt: skip

    def one(inputs: Inputs) -> None:
        trial.run(inputs)

    try:
        seed(random_seed)(quiet(given(program_inputs(program, max_size, word_bits, min_size))(one)))()
    except Unsatisfiable:
        pass
    except (PropertyFailed, RunFailed) as error:
        error.__notes__ = []  # Hypothesis's own words for the input, which the message has as JSON
        raise
    if not trial.inputs:
        required = program.contracts.requires
        what = "fulfils this" if required else "the program takes"
        at = required[0].at if required else program.tree.at
        raise fail(f"no input with parameters {min_size} .. {max_size} was found that {what}", program.source, at)
    left = unreached(program, trial.reached).contracts
    return Checked(trial.inputs, tuple(f"{item.text} (line {item.line})" for item in left))


class _Trial:
    """Runs inputs, and counts them."""

    def __init__(self, program: Program, holds: Property | None, word_bits: int | None, max_steps: int) -> None:
        self.program, self.holds, self.word_bits, self.max_steps = program, holds, word_bits, max_steps
        self.inputs, self.reached = 0, reached_nothing(program)

    def run(self, inputs: Inputs) -> None:
        params, arrays = inputs
        self.inputs += 1
        try:
            job = self.program.instantiate(params, arrays, self.word_bits)
        except PramError as error:
            raise RunFailed(error, inputs, self._where(inputs)) from None
        runs = run_winners(job, max_steps=self.max_steps).runs
        for winner, found in runs:
            text = self._where(inputs, f", winner {winner}" if len(runs) > 1 else "")
            if isinstance(found, PramError):
                raise RunFailed(found, inputs, text) from None
            self.reached |= found.reached
            if self.holds is not None:
                self._ask(self.holds, inputs, found, text)

    def _ask(self, holds: Property, inputs: Inputs, run: Run, text: str) -> None:
        try:
            answer = holds(*inputs, run)
        except AssertionError as error:
            why = str(error).strip()
            raise PropertyFailed(f"{why or 'an assertion of the property does not hold'}\n{text}", inputs) from error
        if answer is not None and not isinstance(answer, (bool, np.bool_)):
            raise TypeError(f"a property answers True, False or None, not {answer!r}")
        if answer is not None and not answer:
            raise PropertyFailed(f"the property does not hold\n{text}", inputs)

    def _where(self, inputs: Inputs, more: str = "") -> str:
        command = f"lockstep run {Path(self.program.source.name).name} --input"
        return f"on this input{more}, for a file that `{command}` takes:\n{input_text(inputs)}"


__all__ = ["Checked", "Property", "PropertyFailed", "RunFailed", "check", "program_inputs"]
