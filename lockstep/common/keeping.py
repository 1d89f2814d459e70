"""Writes the input of a failed check to a file, and the command that repeats the failure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.common.finding import short_path
from lockstep.compiler.names import ERASING, SCHEDULES, process_of, schedule_of
from lockstep.models.atomic import write_atomically
from lockstep.pram.program import Program
from lockstep.pram.sidecar import Inputs, SidecarFailed
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT
from lockstep.pram.winner import Winner
from lockstep.proofs_check.failing import ShrunkFailure, input_text, shrink_failing
from lockstep.proofs_check.failing import name as name_of
from lockstep.proofs_check.report import Check
from lockstep.proofs_check.verification import FailedCheck, Options
from lockstep.proofs_check.verification.cases import usual_max_context

#: Fields of Options that are flags of `verify` with the same name. The command has those that are not the default.
FLAGS = ("dtype", "word_bits", "max_context", "engine", "device", "max_steps")


@dataclass(frozen=True)
class KeptInput:
    """A failing input in a file: the check that failed, the file, the sizes before and after shrinking, the command that repeats it.

    page: a page that plays the run and the decode on this input; "" if there is none.
    """

    check: str
    input: str
    found: str
    shrunk: str
    command: str
    program: str = ""
    page: str = ""

    def __str__(self) -> str:
        became = f"shrunk from {self.found} to {self.shrunk}" if self.shrunk != self.found else self.shrunk
        files = f"{self.program} and {self.input}" if self.program else self.input
        seen = f"; {self.page} shows it" if self.page else ""
        return f"{self.check} fails on {files} ({became}){seen}; to repeat it:\n{self.command}"


def keep_input(program: Program, file: Path, failed: FailedCheck, options: Options, directory: Path, given: Path | None,
               use_sidecar: bool = True, timeout: float = DEFAULT_TIMEOUT,
               show: Callable[[ShrunkFailure, Path], str] = lambda failing, path: "", **how: Any) -> KeptInput:  # fmt: skip
    """Shrink a failing input (as `shrink_failing`) and write it to DIRECTORY/NAME-failing.json.

    Args: given: the user's input file, if there is one. If no smaller input fails, nothing is written and this file is named.
          show: writes a page of the failure to DIRECTORY/NAME-failing.html, and returns its name, or "".
    """
    failing = shrink_failing(program, failed, options, use_sidecar=use_sidecar, **how)
    check, path = failing.check, directory / f"{file.stem}-failing.json"
    if given is not None and failing.inputs == failing.found:
        path = given
    else:
        write_input(path, failing.inputs, failing.winner, failing.expected)
    no_sidecar = bool(check.process) or not use_sidecar
    command = repeat_command(file, path, check, options, no_sidecar=no_sidecar, winner=failing.winner, timeout=timeout)
    page = show(failing, directory / f"{file.stem}-failing.html")
    sizes = size_text(failing.found), size_text(failing.inputs)
    return KeptInput(name_of(check), str(short_path(path)), *sizes, command, page=page)


def keep_sidecars_input(program: Path, error: SidecarFailed, options: Options, directory: Path, given: Path | None,
                        timeout: float = DEFAULT_TIMEOUT) -> KeptInput:  # fmt: skip
    """Write the input on which a sidecar failed to DIRECTORY/NAME-failing.json, unless the user gave it in a file."""
    path = given or directory / f"{program.stem}-failing.json"
    if given is None:
        write_input(path, error.inputs)
    check = Check(f"`{error.function}`", "", "", "", False)
    command = repeat_command(program, path, check, options, timeout=timeout)
    return KeptInput(check.what, str(short_path(path)), size_text(error.inputs), size_text(error.inputs), command)


def write_input(path: Path, inputs: Inputs, winner: Winner | None = None, expected: dict[str, Any] | None = None) -> None:
    write_atomically(path, (input_text(inputs, winner, expected) + "\n").encode())


def repeat_command(program: Path, input: Path, check: Check, options: Options, no_sidecar: bool = False,
                   winner: Winner | None = None, timeout: float = DEFAULT_TIMEOUT) -> str:  # fmt: skip
    """The `lockstep verify` command that fails in the same way, with all options that matter."""
    if winner is not None and not winner.fixed:
        options = replace(options, max_context=0)  # a model needs a fixed winner, so the machine alone is run
    words: list[Any] = ["lockstep", "verify", short_path(program), "--input", short_path(input)]
    constructions = (check.process,) if check.process else options.constructions
    words += process_flags(constructions)
    if options.every is not None and ERASING in constructions:
        words += ["--every", options.every]
    if options.order is not None:
        words += ["--order", options.order, "--seed", options.seed]
    words += sampler_flags(options, written=options.order is not None)
    default = {field.name: field.default for field in fields(Options)} | {"max_context": usual_max_context(options.engine)}
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


def sampler_flags(options: Options, written: bool) -> list[str]:
    """The options about a sampler. written: whether the seed stands there already."""
    if options.sampler is None:
        return []
    flags = ["--sampler", options.sampler] + ([] if written else ["--seed", str(options.seed)])
    if options.temperature != 1:
        flags += ["--temperature", f"{options.temperature:.15g}"]
    return flags + (["--noise", str(options.noise)] if options.noise is not None else [])


def process_flags(constructions: Sequence[str]) -> list[str]:
    """--process and, where it is needed, --schedule for these constructions."""
    processes = {process_of(name) for name in constructions}
    alone = len(processes) == 1
    schedules = {schedule_of(name) or (SCHEDULES[0] if alone else "") for name in constructions} - {""}
    flags = ["--process", *(processes if alone else ["all"])]
    if schedules - {SCHEDULES[0]}:
        flags += ["--schedule", *(schedules if len(schedules) == 1 else ["all"])]
    return flags


def size_text(inputs: Inputs) -> str:
    """An input's size in words, such as `n 3, 7 cells`."""
    params, arrays = inputs
    cells = sum(int(np.size(value)) for value in arrays.values())
    return ", ".join([*(f"{k} {v}" for k, v in params.items()), f"{cells} cell{'' if cells == 1 else 's'}"])
