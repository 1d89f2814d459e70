"""Inputs and expected outputs of a program: from its sidecar NAME.py, or drawn from declared ranges.

child.py    runs a sidecar in a process of its own
process.py  starts that process and talks to it: time limits, crashes
judging.py  compares outputs with those of the oracle
files.py    fingerprints of the files that a sidecar read
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.pram.contracts.holding import Unmet
from lockstep.pram.drawing import Inputs, random_inputs
from lockstep.pram.drawing import draw as draw_in_ranges
from lockstep.pram.errors import InputError, PramError, Source, Span, did_you_mean, fail
from lockstep.pram.inputs import input_error, plain
from lockstep.pram.job import Array
from lockstep.pram.program import Program
from lockstep.pram.ranges import DEFAULT_HIGH
from lockstep.pram.sidecar.files import UNKNOWN, fingerprint
from lockstep.pram.sidecar.judging import Verdict, WrongForm, compare, describe_value, type_name
from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT, UNKNOWN_READS, SidecarEnded, SidecarProcess, load_sidecar
from lockstep.pram.texts import read_text

#: Larger sizes are checked before the sidecar draws an input; PROBE_SIZES are the small sizes that this check draws.
MAX_UNCHECKED_SIZE, PROBE_SIZES = 1 << 20, (1, 2, 3, 8, 100)
#: The first inputs are drawn twice, to check that the same `rng` gives the same input.
DRAWN_TWICE = 10


class SidecarFailed(PramError):
    """A sidecar's `oracle` or `accepts` failed on an input."""

    def __init__(self, error: PramError, function: str, inputs: Inputs) -> None:
        super().__init__(error.diagnostics)
        self.function, self.inputs = function, inputs


@dataclass
class Generator:
    """Makes inputs and judges outputs.

    sidecar:  the loaded NAME.py, or None.
    expected: the expected outputs of an input file, or None.
    rejected: how many draws did not fulfil what the program requires.
    """

    program: Program
    sidecar: SidecarProcess | None = None
    word_bits: int | None = None
    expected: dict[str, Any] | None = None
    rejected: int = 0
    _read: dict[str, str] = field(default_factory=dict)
    _drawn: int = 0
    _blind: bool = False

    @property
    def judge_label(self) -> str:
        """Text that says who judges: `oracle in NAME.py`, `the input file` or `no oracle`."""
        if self.sidecar is not None and self.judge_function:
            return f"{self.judge_function} in {Path(self.sidecar.source.name).name}"
        return "no oracle" if self.expected is None else "the input file"

    @property
    def judge_function(self) -> str:
        """The sidecar's function that judges: `accepts`, else `oracle`, else ""."""
        functions = self.sidecar.functions if self.sidecar else {}
        return next((name for name in ("accepts", "oracle") if name in functions), "")

    @property
    def has_judge(self) -> bool:
        """Whether outputs are judged; False for a program without outputs."""
        return (bool(self.judge_function) or self.expected is not None) and self.program.has_outputs

    def _has_cells(self, params: dict[str, int]) -> bool:
        return any(array.size for array in self._output_arrays(params))

    @property
    def draws_from_ranges(self) -> bool:
        """Whether inputs come from declared ranges, not from the sidecar."""
        return self.sidecar is None or "inputs" not in self.sidecar.functions

    # -- inputs --------------------------------------------------------------------------------

    def inputs(self, size: int, rng: np.random.Generator) -> Inputs:
        """Return an input of a size.

        Raises: PramError: the sidecar fails or does not return an input, or the size exceeds the machine's limits.
        """
        if self.draws_from_ranges:
            return random_inputs(self.program, size, rng, self.word_bits, self.reject)
        self._check_huge_size(size)
        return self._draw_from_sidecar(size, rng)

    def reject(self, draws: int) -> None:
        """Count draws that did not fulfil what the program requires."""
        self.rejected += draws

    def _draw_from_sidecar(self, size: int, rng: np.random.Generator) -> Inputs:
        """Return the sidecar's input; the first ones are drawn twice."""
        drawn = self._call("inputs", size, rng)
        self._drawn += 1
        if self._drawn <= DRAWN_TWICE and pickle.dumps(self._call("inputs", size, rng)) != pickle.dumps(drawn):
            raise self.error(
                "`inputs` returned two different inputs for the same `rng`; take all randomness from `rng`", "inputs"
            )
        match drawn:
            case (dict() as params, dict() as arrays):
                return params, arrays
            case (params, arrays):
                found = f"{type_name(params)} and {type_name(arrays)}"
            case _:
                found = type_name(drawn)
        raise self.error(f"`inputs` must return two dictionaries, params and arrays, not {found}", "inputs")

    def _check_huge_size(self, size: int) -> None:
        """Refuse a huge size that exceeds the machine's limits, before the sidecar draws an input.

        A sidecar may choose parameters other than the size. So it first draws small inputs: the size is refused only if every
        parameter was the size in these.
        """
        if size > MAX_UNCHECKED_SIZE:
            try:
                self.program.outline(dict.fromkeys(self.program.given, size), DEFAULT_HIGH, self.word_bits)
            except PramError:
                if self._uses_size_for_parameters():
                    raise

    def _uses_size_for_parameters(self) -> bool:
        """Return whether every parameter is the size in small inputs."""
        given = self.program.given
        try:
            return all(
                self._draw_from_sidecar(size, np.random.default_rng(0))[0] == dict.fromkeys(given, size) for size in PROBE_SIZES
            )
        except PramError:
            return False

    @contextmanager
    def blaming_sidecar(self) -> Iterator[None]:
        """Make an InputError that the body raises point at the sidecar, if the sidecar made the input. An Unmet names it."""
        try:
            yield
        except InputError as error:
            if self.draws_from_ranges:
                raise
            raise self.error(f"`inputs` returns a wrong input: {error.message}", "inputs") from None
        except Unmet as error:
            if self.draws_from_ranges or self.sidecar is None:
                raise
            raise error.of(f"`inputs` in {Path(self.sidecar.source.name).name}") from None

    # -- outputs -------------------------------------------------------------------------------

    def judge(self, params: dict[str, int], arrays: dict[str, Any], outputs: dict[str, Any]) -> Verdict | None:
        """Return whether a run's outputs are right; None if nobody judges them.

        Raises: SidecarFailed: the sidecar fails, or does not return a verdict or this program's outputs.
                InputError: the input file's "expected" does not hold this program's outputs.
        """
        as_expected = self._compare_with_file(params, outputs) if self.expected is not None else None
        if not self.has_judge or not self._has_cells(params):
            return None
        if not self.judge_function:
            return as_expected
        try:
            verdict = self._verdict(params, arrays, outputs)
        except PramError as error:
            raise SidecarFailed(error, self.judge_function, (params, arrays)) from error
        return as_expected if verdict.right and as_expected is not None and not as_expected.right else verdict

    def _verdict(self, params: dict[str, int], arrays: dict[str, Any], outputs: dict[str, Any]) -> Verdict:
        if self.judge_function == "accepts":
            return self._accepted(self._call("accepts", params, arrays, outputs))
        returned = self._call("oracle", params, arrays)
        try:
            return compare(self._output_arrays(params), returned, outputs)
        except WrongForm as error:
            raise self.error(f"`oracle` does not return this program's outputs: {error}", "oracle") from None

    def _compare_with_file(self, params: dict[str, int], outputs: dict[str, Any]) -> Verdict:
        try:
            verdict = compare(self._output_arrays(params), plain(self.expected), outputs, "the file")
            if verdict.unjudged:  # an oracle may leave out inouts, a file may not
                raise WrongForm(f"it lacks the output `{verdict.unjudged[0]}`")
            return verdict
        except WrongForm as error:
            raise input_error(f'"expected" does not hold this program\'s outputs: {error}', "expected") from None

    def _output_arrays(self, params: dict[str, int]) -> list[Array]:
        return [array for array in self.program.layout(params) if array.is_output]

    def _accepted(self, answer: Any) -> Verdict:
        if not isinstance(answer, bool):
            raise self.error(f"`accepts` returns {describe_value(answer)}; it must return True or False", "accepts")
        return Verdict(answer, "" if answer else f"{self.judge_label} returned False")

    # -- the sidecar ---------------------------------------------------------------------------

    def _call(self, function: str, *arguments: Any) -> Any:
        assert self.sidecar is not None
        try:
            return self.sidecar.call(function, *arguments, note=self._note)
        except SidecarEnded:
            self._blind = True
            raise

    def _note(self, paths: Iterable[str]) -> None:
        """Record the files that a call read, with fingerprints. A file that changed between two calls is UNKNOWN."""
        assert self.sidecar is not None
        for path in paths:
            if path == UNKNOWN_READS:
                self._blind = True
                continue
            name = self.sidecar.name_of(path)
            found = fingerprint(self.sidecar.folder, name)
            self._read[name] = found if self._read.get(name, found) == found else UNKNOWN

    def error(self, message: str, function: str) -> PramError:
        """Return an error at the definition of one of the sidecar's functions."""
        assert self.sidecar is not None
        return fail(message, self.sidecar.source, self.sidecar.functions.get(function))

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """The files that the sidecar has read for this generator: their names and fingerprints.

        If a call was cut off, or another process read files for it, the list may be incomplete. Then it has an entry that
        equals no later fingerprint.
        """
        if self.sidecar is None:
            return ()
        loaded = {self.sidecar.name_of(path): found for path, found in self.sidecar.loaded if path != UNKNOWN_READS}
        found = tuple(sorted((loaded | self._read).items()))
        blind = self._blind or any(path == UNKNOWN_READS for path, _ in self.sidecar.loaded)
        return (*found, (".", UNKNOWN)) if blind else found


def generator_for(
    program: Program, use_sidecar: bool = True, word_bits: int | None = None, timeout: float = DEFAULT_TIMEOUT
) -> Generator:
    """Return a generator that uses the program's sidecar if there is one, else draws inputs from declared ranges.

    Args:   timeout: the seconds that the sidecar may take for each call; 0: no limit.
    Raises: PramError: the sidecar does not load, or has none of `inputs`, `oracle` and `accepts`.
    """
    return generator_from(program, sidecar_of(program) if use_sidecar else None, word_bits, timeout)


def sidecar_of(program: Program) -> Source | None:
    """Return NAME.py beside NAME.pram, or None."""
    path = Path(program.source.name).with_suffix(".py")
    if program.source.name.endswith(".pram") and os.path.lexists(path):
        return Source(str(path), read_text(path))
    return None


def generator_from(
    program: Program, sidecar: Source | None, word_bits: int | None = None, timeout: float = DEFAULT_TIMEOUT
) -> Generator:
    """As `generator_for`, but takes the sidecar's text, which need not be a file on this machine."""
    if sidecar is None:
        return Generator(program, None, word_bits)
    process = load_sidecar(sidecar, timeout)
    _check_functions(process)
    return Generator(program, process, word_bits)


def _check_functions(process: SidecarProcess) -> None:
    """Refuse a sidecar that has none of its functions, or misspells one."""
    missing = [name for name in ("inputs", "oracle", "accepts") if name not in process.functions]
    for name in process.defined:
        hint = did_you_mean(name, missing, cutoff=0.8)
        if hint and name not in process.functions and not name.startswith("_"):
            line = _line_of(process.source, name)
            raise fail(f"a sidecar has no function `{name}`{hint}", process.source, line)
    if len(missing) == 3:
        raise fail("sidecar has none of the functions `inputs`, `oracle` and `accepts`", process.source)


def _line_of(source: Source, name: str) -> Span | None:
    """Return the place of a function's name, if its `def` starts a line."""
    for number, line in enumerate(source.text.split("\n"), 1):
        if line.startswith(f"def {name}("):
            return Span(number, 5)
    return None


def draw(generator: Generator, sizes: Iterable[int], random: int, seed: int) -> Iterable[Inputs]:
    """Yield up to `random` different inputs of each size; the same seed gives the same inputs."""
    seen = set()
    for size in sizes:
        for number in range(random):
            inputs = draw_one(generator, size, number, seed)
            if (key := pickle.dumps(inputs)) not in seen:
                seen.add(key)
                yield inputs


def draw_one(generator: Generator, size: int, number: int, seed: int) -> Inputs:
    """Return input `number` of a size. It does not depend on which other inputs are drawn.

    Raises: PramError: as `Generator.inputs`; if the sidecar fails, the message names the input.
    """
    if generator.draws_from_ranges:
        return draw_in_ranges(generator.program, size, number, seed, generator.word_bits, generator.reject)
    try:
        return generator.inputs(size, np.random.default_rng((seed, size, number)))
    except PramError as error:
        first, *others = error.diagnostics
        which = f"{first.message} (size {size}, input {number}, seed {seed})"
        raise PramError([replace(first, message=which), *others]) from None


__all__ = ["Generator", "Inputs", "SidecarFailed", "draw", "draw_one", "generator_for", "generator_from", "sidecar_of"]
