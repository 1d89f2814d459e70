"""What is left of a check that failed: the input, made small, in a file, and the command that repeats it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.models.atomic import write_whole
from lockstep.pram.errors import PramError
from lockstep.pram.inputs import plain
from lockstep.pram.program import Program
from lockstep.pram.sidecar import Generator, Inputs, SidecarFailed, draw_one, generator_for
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT
from lockstep.pram.winner import Winner
from lockstep.proofs_check.fuzzing.inputs import input_maker, picks_of
from lockstep.proofs_check.fuzzing.shrinking import Choose, NoCase, Picks, shrink
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import Failed, Models, Options, decode_case, failures, run_machine

#: Of each size, so many of the sidecar's inputs are looked at for a smaller one.
NUMBERS = 20
#: Fields of Options that `verify` takes as flags of the same name; they are shown where they are not the default.
FLAGS = ("dtype", "word_bits", "max_context", "engine", "device", "max_steps")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Failing:
    """A failed check, and the input on which it fails: `found` as it came up, `inputs` as it was shrunk.

    winner: under which it fails, where the mode leaves that open. expected: the oracle's outputs for `inputs`, if one says.
    """

    check: Check
    found: Inputs
    inputs: Inputs
    winner: Winner | None = None
    expected: dict[str, Any] | None = None


def shrink_failing(program: Program, failed: Failed, options: Options, *, use_sidecar: bool = True, sizes: Sequence[int] = (),
                   seconds: float = 20, progress: Progress = lambda done, total: None) -> Failing:  # fmt: skip
    """The input of a failure, made smaller while the same check fails in the same way.

    What a model does wrong is wrong on any input in the declared ranges. What the machine's run is held against, oracle and
    claims, may hold of the sidecar's inputs only: of those, smaller ones are looked for among its own.
    """
    check, found = failed.check, (failed.case.params, failed.case.arrays)
    generator = generator_of(program, check, use_sidecar, options.word_bits)
    narrowed = replace(options, constructions=(check.process,) if check.process else ())

    def failing(inputs: Inputs) -> Failed | None:
        return next((f for f in failures_on(program, generator, inputs, narrowed) if same_check(check, f.check)), None)

    start = _choices(program, generator, found, options, sizes) if seconds and failed.case.job is not None else None
    if start is None or not failing(found):
        return _failing(failed, found, failed)
    small = shrink(*start, lambda inputs: failing(inputs) is not None, inputs_size, seconds, progress)
    return _failing(failed, small, failing(small) or failed)


def _failing(failed: Failed, inputs: Inputs, last: Failed) -> Failing:
    """`last` is the failure on `inputs`."""
    verdict = last.case.executions[0].verdict
    winner = last.winner if last.case.winner_open else None
    found = (failed.case.params, failed.case.arrays)
    return Failing(failed.check, found, inputs, winner, verdict.expected if verdict else None)


@dataclass(frozen=True)
class Kept:
    """What is said of a failing input: what failed, where it is, how small it became, and how to repeat it."""

    check: str
    input: str
    found: str
    shrunk: str
    command: str
    program: str = ""

    def __str__(self) -> str:
        became = f"shrunk from {self.found} to {self.shrunk}" if self.shrunk != self.found else self.shrunk
        files = f"{self.program} and {self.input}" if self.program else self.input
        return f"{self.check} fails on {files} ({became}); to repeat it:\n{self.command}"


def keep_input(program: Program, file: Path, failed: Failed, options: Options, directory: Path, given: Path | None,
               use_sidecar: bool = True, timeout: float = DEFAULT_TIMEOUT, **how: Any) -> Kept:  # fmt: skip
    """Shrink a failing input (as `shrink_failing`) and write it to DIRECTORY/NAME-failing.json.

    Args: given: the input file, if there was one; if nothing smaller is found, it is named instead.
    """
    failing = shrink_failing(program, failed, options, use_sidecar=use_sidecar, **how)
    check, path = failing.check, directory / f"{file.stem}-failing.json"
    if given is not None and failing.inputs == failing.found:
        path = given
    else:
        write_input(path, failing.inputs, failing.winner, failing.expected)
    no_sidecar = bool(check.process) or not use_sidecar
    command = repeat_command(file, path, check, options, no_sidecar=no_sidecar, winner=failing.winner, timeout=timeout)
    return Kept(name(check), str(path), shown(failing.found), shown(failing.inputs), command)


def keep_sidecars_input(program: Path, error: SidecarFailed, options: Options, directory: Path, given: Path | None,
                        timeout: float = DEFAULT_TIMEOUT) -> Kept:  # fmt: skip
    """Write the input on which a sidecar failed, as it is, to DIRECTORY/NAME-failing.json, unless it was given in a file."""
    path = given or directory / f"{program.stem}-failing.json"
    if given is None:
        write_input(path, error.inputs)
    check = Check(f"`{error.function}`", "", "", "", False)
    command = repeat_command(program, path, check, options, timeout=timeout)
    return Kept(check.what, str(path), shown(error.inputs), shown(error.inputs), command)


def name(check: Check) -> str:
    """`mdm: every token`."""
    return f"{check.process}: {check.what}" if check.process else check.what


def generator_of(program: Program, check: Check, use_sidecar: bool, word_bits: int | None) -> Generator:
    """Where inputs come from and who judges outputs, as far as it matters to a check."""
    return generator_for(program, use_sidecar and not check.process, word_bits)


def failures_on(program: Program, generator: Generator, inputs: Inputs, options: Options) -> list[Failed]:
    """The failures on an input; none if the program does not take it."""
    models = Models(options.dtype)
    try:
        case = run_machine(program, generator, *inputs, options)
        if options.constructions:
            case = decode_case(case, models, options)
        return list(failures(program, generator, case, models, options))
    except PramError:
        return []


def same_check(check: Check, *failed: Check) -> bool:
    """Whether it is among those that failed, for the same cause."""
    return any((c.what, c.process, c.cause) == (check.what, check.process, check.cause) for c in failed)


def inputs_size(inputs: Inputs) -> int:
    """First how long it is, then how large its numbers are."""
    params, arrays = inputs
    numbers = [*params.values(), *(int(w) for value in arrays.values() for w in np.ravel(value))]
    return len(written(inputs)) << 64 | min(sum(numbers), (1 << 64) - 1)


Start = tuple[Callable[[Choose], Inputs], Inputs, Picks]


def _choices(program: Program, generator: Generator, found: Inputs, options: Options, sizes: Sequence[int]) -> Start | None:
    """How inputs are made of choices, and the choices that make the one found; None if none do."""
    if not generator.draws_itself:
        return _sidecar_choices(generator, found, options.seed, sizes)
    make = input_maker(program, found[0], options.word_bits, found[1])
    try:
        return make, found, picks_of(program, found, make, options.word_bits)
    except ValueError:  # too large to be made choice by choice
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


# -- files and commands ---------------------------------------------------------------------------------


def write_input(path: Path, inputs: Inputs, winner: Winner | None = None, expected: dict[str, Any] | None = None) -> None:
    write_whole(path, (written(inputs, winner, expected) + "\n").encode())


def written(inputs: Inputs, winner: Winner | None = None, expected: dict[str, Any] | None = None) -> str:
    """An input as its file has it, with who wins and the oracle's outputs where they are known."""
    params, arrays = inputs
    known = {"winner": None if winner is None else str(winner), "expected": expected}
    more = {key: value for key, value in known.items() if value is not None}
    return json.dumps(plain({"params": params, "arrays": arrays} | more))


def repeat_command(program: Path, input: Path, check: Check, options: Options, no_sidecar: bool = False,
                   winner: Winner | None = None, timeout: float = DEFAULT_TIMEOUT) -> str:  # fmt: skip
    """The `lockstep verify` that fails in the same way, with every option that matters to it."""
    if winner is not None and not winner.fixed:
        options = replace(options, max_context=0)  # no model shows it
    words: list[Any] = ["lockstep", "verify", program, "--input", input]
    words += process_flags((check.process,) if check.process else options.constructions)
    if options.order != "parallel":
        words += ["--order", options.order, "--seed", options.seed]
    default = {field.name: field.default for field in fields(Options)}
    for name in FLAGS:
        if (value := getattr(options, name)) != default[name]:
            words += [f"--{name.replace('_', '-')}", value]
    if winner := winner or options.winner:
        words += ["--winner", winner]
    if timeout != DEFAULT_TIMEOUT and not no_sidecar:
        words += ["--sidecar-timeout", f"{timeout:g}"]
    if options.strict:
        words.append("--strict")
    if no_sidecar:
        words.append("--no-sidecar")
    return shlex.join(str(word) for word in words)


def process_flags(constructions: Sequence[str]) -> list[str]:
    """--process and, if it says more, --schedule for these constructions."""
    processes = {name.split()[0] for name in constructions}
    schedules = {name.partition(" ")[2] or "two-step" for name in constructions if name != "mdm"}
    flags = ["--process", *(processes if len(processes) == 1 else ["all"])]
    if schedules - {"two-step"}:
        flags += ["--schedule", "all" if len(schedules) > 1 else "one-step"]
    return flags


def shown(inputs: Inputs) -> str:
    """`n 3, 7 cells`."""
    params, arrays = inputs
    cells = sum(int(np.size(value)) for value in arrays.values())
    return ", ".join([*(f"{k} {v}" for k, v in params.items()), f"{cells} cell{'' if cells == 1 else 's'}"])
