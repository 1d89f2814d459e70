"""Inputs and expected outputs: from a sidecar NAME.py beside the program, or drawn from declared ranges."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from inspect import unwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lockstep.drawing import Inputs as Inputs
from lockstep.drawing import random_inputs
from pram.errors import PramError, Source, Span, fail
from pram.program import Program, read_text
from pram.ranges import DEFAULT_HIGH

Draw = Callable[[int, np.random.Generator], Inputs]

#: Inputs up to this size are drawn before anything is asked, and a sidecar is probed at these.
QUICK, PROBES = 1 << 20, (1, 2, 3, 8, 100)


@dataclass(frozen=True)
class Generator:
    """Where inputs come from, and what outputs they should give.

    accepts: (params, arrays, outputs) -> whether the outputs are right; None without an oracle.
    """

    origin: str
    inputs: Draw
    accepts: Callable[[dict[str, int], dict[str, Any], dict[str, Any]], bool] | None


def generator_for(program: Program, use_sidecar: bool = True, word_bits: int | None = None) -> Generator:
    """The sidecar's generator and oracle if there is one, else random inputs in declared ranges.

    Raises: PramError: the sidecar does not load, or lacks `inputs` or `oracle`.
    """
    return generator_from(program, sidecar_of(program) if use_sidecar else None, word_bits)


def sidecar_of(program: Program) -> Source | None:
    """NAME.py beside NAME.pram, if there is one."""
    path = Path(program.source.name).with_suffix(".py")
    if program.source.name.endswith(".pram") and path.is_file():
        return Source(str(path), read_text(path))
    return None


def generator_from(program: Program, sidecar: Source | None, word_bits: int | None = None) -> Generator:
    """As `generator_for`, of a sidecar's text, which need not be a file on this machine."""
    if sidecar is None:
        return Generator("declared ranges", lambda size, rng: random_inputs(program, size, rng, word_bits), None)
    module = _load(sidecar)
    inputs = _pair_of_dictionaries(sidecar, _guarded(sidecar, "`inputs` fails", module.inputs))
    accepts = _judgement(sidecar, module.accepts) if hasattr(module, "accepts") else _equality(sidecar, module.oracle)
    return Generator(f"oracle in {Path(sidecar.name).name}", _within_limits(program, inputs, word_bits), accepts)


def draw(generator: Generator, sizes: Iterable[int], random: int, seed: int) -> Iterable[Inputs]:
    """`random` inputs of each size, without repetitions; the same seed draws the same."""
    seen = set()
    for size in sizes:
        for number in range(random):
            inputs = draw_one(generator, size, number, seed)
            if repr(inputs) not in seen:
                seen.add(repr(inputs))
                yield inputs


def draw_one(generator: Generator, size: int, number: int, seed: int) -> Inputs:
    """The input of a size that has this number; what others are drawn makes no difference."""
    return generator.inputs(size, np.random.default_rng((seed, size, number)))


def plain(value: Any) -> Any:
    """Arrays as lists and their numbers as Python's, within dictionaries, lists and tuples: of NumPy, or what else has `tolist`."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case tuple():
            return tuple(plain(each) for each in value)
    return value.tolist() if hasattr(value, "tolist") else value


def _guarded(
    sidecar: Source, what: str, function: Callable[..., Any], whose: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """The same function; what it raises is reported at its place in the sidecar.

    Args: what: is said to go wrong. whose: the function at which errors are shown that the sidecar raises nowhere.
    """

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # a sidecar is the user's own code: whatever it raises is theirs to mend
            raise _sidecar_error(sidecar, what, error, _definition(sidecar, whose or function)) from error

    return call


def _definition(sidecar: Source, function: Callable[..., Any]) -> Span | None:
    """Where the sidecar defines a function; None if it has it from elsewhere."""
    code = getattr(unwrap(function), "__code__", None)
    return Span(code.co_firstlineno, 1) if code is not None and code.co_filename == sidecar.name else None


def _pair_of_dictionaries(sidecar: Source, inputs: Callable[..., Any]) -> Draw:
    def call(size: int, rng: np.random.Generator) -> Inputs:
        match inputs(size, rng):
            case (dict() as params, dict() as arrays):
                return plain(params), arrays
        raise fail("`inputs` must return two dictionaries: params, arrays", sidecar)

    return call


def _within_limits(program: Program, inputs: Draw, word_bits: int | None) -> Draw:
    """The same; of a huge size, what is beyond the machine's limits is refused before it is drawn.

    A sidecar may make of a size what it likes, so it is asked for small ones first: only if it takes the size for every
    parameter there, that is what it is held to do here.
    """

    def call(size: int, rng: np.random.Generator) -> Inputs:
        params = dict.fromkeys(program.given, size)
        if size > QUICK:
            try:
                program.outline(params, DEFAULT_HIGH, word_bits)
            except PramError:
                if _takes_the_size(program, inputs):
                    raise
        return inputs(size, rng)

    return call


def _takes_the_size(program: Program, inputs: Draw) -> bool:
    """Whether every parameter is the size, in small inputs."""
    try:
        return all(inputs(size, np.random.default_rng(0))[0] == dict.fromkeys(program.given, size) for size in PROBES)
    except PramError:
        return False


def _sidecar_error(sidecar: Source, what: str, error: Exception, otherwise: Span | None = None) -> PramError:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == sidecar.name]
    message = f"{what}: {type(error).__name__}: {error}"
    if frames:
        return fail(message, sidecar, Span(frames[-1].lineno or 1, (frames[-1].colno or 0) + 1))
    if isinstance(error, SyntaxError) and error.filename == sidecar.name:
        return fail(message, sidecar, Span(error.lineno or 1, error.offset or 1))
    return fail(message, sidecar, otherwise)


Judge = Callable[[dict[str, int], dict[str, Any], dict[str, Any]], bool]


def _judgement(sidecar: Source, accepts: Callable[..., Any]) -> Judge:
    """The sidecar's own; a NumPy array of several truth values is none, and an error."""
    answer = _guarded(sidecar, "`accepts` fails", accepts)
    truth = _guarded(sidecar, "`accepts` returns no truth value", _truth, accepts)
    return lambda params, arrays, outputs: truth(answer(*deepcopy((params, arrays, outputs))))


def _truth(answer: Any) -> bool:
    if answer is None:
        raise TypeError("it returns nothing")
    return bool(answer)


def _equality(sidecar: Source, oracle: Callable[..., Any]) -> Judge:
    """Whether outputs are what the oracle returns, be it in lists or in NumPy arrays."""
    answer = _guarded(sidecar, "`oracle` fails", oracle)
    equal = _guarded(sidecar, "what `oracle` returns cannot be compared with outputs", lambda a, b: bool(a == plain(b)), oracle)
    return lambda params, arrays, outputs: equal(outputs, answer(*deepcopy((params, arrays))))  # it may sort in place


def _load(sidecar: Source) -> ModuleType:
    module = ModuleType(f"sidecar_{Path(sidecar.name).stem}")
    module.__file__ = sidecar.name
    try:
        exec(compile(sidecar.text, sidecar.name, "exec", dont_inherit=True), module.__dict__)
    except Exception as error:  # as in _guarded
        raise _sidecar_error(sidecar, "sidecar does not load", error) from error
    for name in ("inputs", "oracle"):
        if not callable(getattr(module, name, None)):
            raise fail(f"sidecar has no function `{name}`", sidecar)
    return module
