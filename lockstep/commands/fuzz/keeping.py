"""Makes a failing random program small, and writes it to files, with the command that repeats the failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lockstep.common.finding import short_path
from lockstep.common.keeping import KeptInput, repeat_command, size_text, write_input
from lockstep.models.atomic import write_atomically
from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.failing import inputs_size, name, same_check
from lockstep.proofs_check.fuzzing.campaign import Failure, failed_checks, random_of
from lockstep.proofs_check.fuzzing.random_programs import TextCase, write_program
from lockstep.proofs_check.fuzzing.shrinking import make_at_random, shrink

STEM = "failing"


def shrink_program(seed: int, failure: Failure, seconds: float, progress: Progress = silent) -> tuple[TextCase, TextCase]:
    """The program and input that failed, and the smallest ones found that fail in the same way."""
    found, choices = make_at_random(write_program, random_of(seed, failure.number))
    check, options = failure.check, failure.options
    narrowed = replace(options, constructions=(check.process,)) if check.process else options
    if not seconds:
        return found, found
    return found, shrink(
        write_program, found, choices, lambda case: same_check(check, *failed_checks(case, narrowed)), _size, seconds, progress
    )


def _size(case: TextCase) -> tuple[int, ...]:
    """The size that shrinking minimises. Lines come first, since the table shows them."""
    return _lines(case), len(case.text), *inputs_size((case.params, case.arrays))


def _lines(case: TextCase) -> int:
    return sum(bool(line.strip()) for line in case.text.splitlines())


def keep_program(directory: Path, found: TextCase, small: TextCase, failure: Failure) -> KeptInput:
    """Write DIRECTORY/failing.pram and failing.json."""
    program, input = directory / f"{STEM}.pram", directory / f"{STEM}.json"
    write_atomically(program, small.text.encode())
    write_input(input, (small.params, small.arrays))
    command = repeat_command(program, input, failure.check, failure.options, no_sidecar=(directory / f"{STEM}.py").exists())
    return KeptInput(name(failure.check), str(short_path(input)), _shown(found), _shown(small), command, str(short_path(program)))


def _shown(case: TextCase) -> str:
    return f"{_lines(case)} lines, {size_text((case.params, case.arrays))}"
