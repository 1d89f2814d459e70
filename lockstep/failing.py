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

from lockstep.sidecar import Generator, Inputs, draw_one, generator_for
from lockstep.verification import Models, Options, Report, case_checks, run_case
from models.whole import write_whole
from pram.errors import PramError
from pram.inputs import plain
from pram.program import Program
from proofs_check.inputs import input_maker, picks_of
from proofs_check.report import Check
from proofs_check.shrinking import Choose, NoCase, Picks, shrink

#: Of each size, so many of the sidecar's inputs are looked at for a smaller one.
NUMBERS = 20
#: Fields of Options that `verify` takes as flags of the same name; they are shown where they are not the default.
FLAGS = ("dtype", "word_bits", "max_context", "engine", "device", "max_steps")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Failing:
    """A failed check, and the input on which it fails: `found` as it came up, `inputs` as it was shrunk."""

    check: Check
    found: Inputs
    inputs: Inputs


def shrink_failing(program: Program, report: Report, options: Options, *, use_sidecar: bool = True, sizes: Sequence[int] = (),
                   seconds: float = 20, progress: Progress = lambda done, total: None) -> Failing | None:  # fmt: skip
    """The input of the first check that failed, made smaller while the same check fails; None if none fails by itself.

    What a model does wrong is wrong on any input in the declared ranges. What the machine's run is held against, oracle and
    claims, may hold of the sidecar's inputs only: of those, smaller ones are looked for among its own.
    """
    if report.failing is None:
        return None
    case, check = report.failing
    generator = judge(program, check, use_sidecar, options.word_bits)
    narrowed = replace(options, constructions=(check.process,) if check.process else ())
    found = (case.params, case.arrays)

    def fails(inputs: Inputs) -> bool:
        return same_check(check, failed_checks(program, generator, inputs, narrowed))

    start = _choices(program, generator, found, options, sizes) if seconds else None
    if start is None or not fails(found):
        return Failing(check, found, found)
    return Failing(check, found, shrink(*start, fails, inputs_size, seconds, progress))


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


def keep_input(program: Program, file: Path, report: Report, options: Options, directory: Path, given: Path | None,
               use_sidecar: bool = True, **how: Any) -> Kept | None:  # fmt: skip
    """Shrink a report's failing input (as `shrink_failing`) and write it to DIRECTORY/NAME-failing.json.

    Args: given: the input file, if there was one; if nothing smaller is found, it is named instead.
    """
    failing = shrink_failing(program, report, options, use_sidecar=use_sidecar, **how)
    if failing is None:
        return None
    check, path = failing.check, directory / f"{file.stem}-failing.json"
    if given is not None and failing.inputs == failing.found:
        path = given
    else:
        write_input(path, failing.inputs)
    command = repeat_command(file, path, check, options, no_sidecar=bool(check.process) or not use_sidecar)
    return Kept(name(check), str(path), shown(failing.found), shown(failing.inputs), command)


def name(check: Check) -> str:
    """`mdm: every token`."""
    return f"{check.process}: {check.what}" if check.process else check.what


def judge(program: Program, check: Check, use_sidecar: bool, word_bits: int | None) -> Generator:
    """Where inputs come from and who judges outputs, as far as it matters to a check."""
    return generator_for(program, use_sidecar and not check.process, word_bits)


def failed_checks(program: Program, generator: Generator, inputs: Inputs, options: Options) -> list[Check]:
    """The checks that fail on an input; none if the machine refuses it."""
    models = Models(options.dtype)
    try:
        case = run_case(program, generator, *inputs, models, options)
        return [c for c in case_checks(program, generator, case, models, options) if c.failed]
    except PramError:
        return []


def same_check(check: Check, failed: Sequence[Check]) -> bool:
    return any((c.what, c.process) == (check.what, check.process) for c in failed)


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


def write_input(path: Path, inputs: Inputs) -> None:
    write_whole(path, (written(inputs) + "\n").encode())


def written(inputs: Inputs) -> str:
    """An input as its file has it; a sidecar's may hold NumPy's integers, which JSON does not know."""
    params, arrays = inputs
    return json.dumps(plain({"params": params, "arrays": arrays}))


def repeat_command(program: Path, input: Path, check: Check, options: Options, no_sidecar: bool = False) -> str:
    """The `lockstep verify` that fails in the same way, with every option that matters to it."""
    words: list[Any] = ["lockstep", "verify", program, "--input", input]
    words += process_flags((check.process,) if check.process else options.constructions)
    if options.order != "parallel":
        words += ["--order", options.order, "--seed", options.seed]
    default = {field.name: field.default for field in fields(Options)}
    for name in FLAGS:
        if (value := getattr(options, name)) != default[name]:
            words += [f"--{name.replace('_', '-')}", value]
    words += ["--strict"] * options.strict + ["--no-sidecar"] * no_sidecar
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
