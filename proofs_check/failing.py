"""Shrinks the input of a failed check: finds a small input on which it fails in the same way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lockstep.pram.errors import PramError
from lockstep.pram.inputs import plain
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress, silent
from lockstep.pram.sidecar import Generator, Inputs, draw_one, generator_for
from lockstep.pram.winner import Winner
from lockstep.proofs_check.fuzzing.inputs import choices_of, input_maker
from lockstep.proofs_check.fuzzing.shrinking import Choices, Choose, NoCase, shrink
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import FailedCheck, Models, Options, decode_case, failures, run_machine

#: Number of the sidecar's inputs of each size that shrinking may try.
NUMBERS = 20


@dataclass(frozen=True)
class ShrunkFailure:
    """A failed check, with the input on which it failed (`found`) and the shrunk one (`inputs`).

    winner: the winner under which it fails, if the mode leaves it open. expected: the oracle's outputs for `inputs`, if known.
    """

    check: Check
    found: Inputs
    inputs: Inputs
    winner: Winner | None = None
    expected: dict[str, Any] | None = None


def shrink_failing(program: Program, failed: FailedCheck, options: Options, *, use_sidecar: bool = True, sizes: Sequence[int] = (),
                   seconds: float = 20, progress: Progress = silent) -> ShrunkFailure:  # fmt: skip
    """Make the input of a failure smaller, as long as the same check fails in the same way.

    A model must be right on every input in the declared ranges, so the input of a wrong model may become any of these. An
    oracle or a claim may hold only for inputs of the sidecar, so their failures become smaller inputs of the sidecar.
    """
    check, found = failed.check, (failed.case.params, failed.case.arrays)
    generator = generator_of(program, check, use_sidecar, options.word_bits)
    narrowed = replace(options, constructions=(check.process,) if check.process else ())

    def failing(inputs: Inputs) -> FailedCheck | None:
        return next((f for f in failures_on(program, generator, inputs, narrowed) if same_check(check, f.check)), None)

    start = _choices(program, generator, found, options, sizes) if seconds and failed.case.job is not None else None
    if start is None or not failing(found):
        return _failing(failed, found, failed)
    small = shrink(*start, lambda inputs: failing(inputs) is not None, inputs_size, seconds, progress)
    return _failing(failed, small, failing(small) or failed)


def _failing(failed: FailedCheck, inputs: Inputs, last: FailedCheck) -> ShrunkFailure:
    """Put the result together; `last` is the failure on `inputs`."""
    verdict = last.case.executions[0].verdict
    winner = last.winner if last.case.winner_open else None
    found = (failed.case.params, failed.case.arrays)
    return ShrunkFailure(failed.check, found, inputs, winner, verdict.expected if verdict else None)


def name(check: Check) -> str:
    """`mdm: every token`."""
    return f"{check.process}: {check.what}" if check.process else check.what


def generator_of(program: Program, check: Check, use_sidecar: bool, word_bits: int | None) -> Generator:
    """The generator that draws inputs and judges outputs for a check; checks of models do without the sidecar."""
    return generator_for(program, use_sidecar and not check.process, word_bits)


def failures_on(program: Program, generator: Generator, inputs: Inputs, options: Options) -> list[FailedCheck]:
    """The failures on an input; none if the program does not accept it."""
    models = Models(options.dtype, options.sampling)
    try:
        case = run_machine(program, generator, *inputs, options)
        if options.constructions:
            case = decode_case(case, models, options)
        return list(failures(program, generator, case, models, options))
    except PramError:
        return []


def same_check(check: Check, *failed: Check) -> bool:
    """Whether one of the failed checks is the same check, with the same cause."""
    return any((c.what, c.process, c.cause) == (check.what, check.process, check.cause) for c in failed)


def inputs_size(inputs: Inputs) -> tuple[int, int]:
    """The length of an input as text, then the sum of its numbers."""
    params, arrays = inputs
    numbers = [*params.values(), *(int(w) for value in arrays.values() for w in np.ravel(value))]
    return len(input_text(inputs)), sum(numbers)


Start = tuple[Callable[[Choose], Inputs], Inputs, Choices]


def _choices(program: Program, generator: Generator, found: Inputs, options: Options, sizes: Sequence[int]) -> Start | None:
    """A maker of inputs, the input found, and the choices that make it; None if there are none."""
    if not generator.draws_from_ranges:
        return _sidecar_choices(generator, found, options.seed, sizes)
    make = input_maker(program, found[0], options.word_bits, found[1])
    try:
        return make, found, choices_of(program, found, make, options.word_bits)
    except ValueError:  # too large to be made from choices
        return None


def _sidecar_choices(generator: Generator, found: Inputs, seed: int, sizes: Sequence[int]) -> Start | None:
    def drawn(size: int, number: int) -> Inputs:
        try:
            return draw_one(generator, size, number, seed)
        except PramError:
            raise NoCase(f"the sidecar has no input {number} of size {size}") from None

    def make(choose: Choose) -> Inputs:
        return drawn(choose(range(1, max(sizes) + 1)), choose(range(NUMBERS)))

    for size in sizes:
        for number in range(NUMBERS):
            with suppress(NoCase):
                if repr(drawn(size, number)) == repr(found):
                    return make, found, [size - 1, number]
    return None


def input_text(inputs: Inputs, winner: Winner | None = None, expected: dict[str, Any] | None = None) -> str:
    """An input as JSON for a file, with the winner and the oracle's outputs if they are known."""
    params, arrays = inputs
    known = {"winner": None if winner is None else str(winner), "expected": expected}
    more = {key: value for key, value in known.items() if value is not None}
    return json.dumps(plain({"params": params, "arrays": arrays} | more))
