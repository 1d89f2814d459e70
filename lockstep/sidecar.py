"""Inputs and expected outputs: from a sidecar NAME.py beside the program, or drawn from declared ranges."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pram.errors import PramError, Source, Span, fail
from pram.program import Program

Inputs = tuple[dict[str, int], dict[str, Any]]

#: Inputs without a declared range are drawn from 0 .. this.
DEFAULT_HIGH = 15


@dataclass(frozen=True)
class Generator:
    """Where inputs come from, and what outputs they should give.

    accepts: (params, arrays, outputs) -> whether the outputs are right; None without an oracle.
    """

    origin: str
    inputs: Callable[[int, np.random.Generator], Inputs]
    accepts: Callable[[dict[str, int], dict[str, Any], dict[str, Any]], bool] | None


def generator_for(program: Program, use_sidecar: bool = True, word_bits: int | None = None) -> Generator:
    """The sidecar's generator and oracle if there is one, else random inputs in declared ranges.

    Raises: PramError: the sidecar does not load, or lacks `inputs` or `oracle`.
    """
    path = Path(program.source.name).with_suffix(".py")
    if not (use_sidecar and program.source.name.endswith(".pram") and path.is_file()):
        return Generator("declared ranges", lambda size, rng: random_inputs(program, size, rng, word_bits), None)
    module = _load(path)
    inputs, oracle = (_guarded(path, name, getattr(module, name)) for name in ("inputs", "oracle"))
    accepts = _guarded(path, "accepts", module.accepts) if hasattr(module, "accepts") else _equality(oracle)
    return Generator(f"oracle in {path.name}", _pair_of_dictionaries(path, inputs), accepts)


def draw(generator: Generator, sizes: Iterable[int], random: int, seed: int) -> Iterable[Inputs]:
    """`random` inputs of each size, without repetitions; the same seed draws the same."""
    seen = set()
    for size in sizes:
        for number in range(random):
            inputs = generator.inputs(size, np.random.default_rng((seed, size, number)))
            if repr(inputs) not in seen:
                seen.add(repr(inputs))
                yield inputs


def _guarded(path: Path, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; what it raises is reported at its place in the sidecar."""

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # a sidecar is the user's own code: whatever it raises is theirs to mend
            raise _sidecar_error(path, f"`{name}` fails", error) from error

    return call


def _pair_of_dictionaries(path: Path, inputs: Callable[..., Any]) -> Callable[[int, np.random.Generator], Inputs]:
    def call(size: int, rng: np.random.Generator) -> Inputs:
        match inputs(size, rng):
            case (dict() as params, dict() as arrays):
                return params, arrays
        raise fail("`inputs` must return two dictionaries: params, arrays", Source(str(path), ""))

    return call


def _sidecar_error(path: Path, what: str, error: Exception) -> PramError:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == path.resolve()]
    message = f"{what}: {type(error).__name__}: {error}"
    if not frames:
        return fail(message, Source(str(path), ""))
    last = frames[-1]
    return fail(message, Source(str(path), path.read_text(errors="replace")), Span(last.lineno or 1, (last.colno or 0) + 1))


def _equality(oracle: Callable[..., dict[str, Any]]) -> Callable[[dict[str, int], dict[str, Any], dict[str, Any]], bool]:
    return lambda params, arrays, outputs: outputs == oracle(params, arrays)


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"sidecar_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # as in _guarded
        raise _sidecar_error(path, "sidecar does not load", error) from error
    for name in ("inputs", "oracle"):
        if not callable(getattr(module, name, None)):
            raise fail(f"sidecar has no function `{name}`", Source(str(path), ""))
    return module


def random_inputs(program: Program, size: int, rng: np.random.Generator, word_bits: int | None = None) -> Inputs:
    """Every given parameter is `size`; inputs are drawn from their declared ranges."""
    params = {name: size for name in program.given}
    arrays: dict[str, Any] = {}
    top = (1 << program.word_bits(params, DEFAULT_HIGH, word_bits)) - 1
    for array in program.layout(params):
        if array.is_input:
            low = array.low or 0
            high = min(DEFAULT_HIGH, top) if array.high is None else array.high
            if array.size and high < low:
                raise program_error(program, f"the declared range {low} .. {high} of `{array.name}` is empty", array.name)
            values = rng.integers(low, high + 1, array.size).tolist() if array.size else []
            arrays[array.name] = values if array.shape else values[0]
    return params, arrays


def program_error(program: Program, message: str, array: str) -> Exception:
    return fail(message, program.source, program.symbols.arrays[array].at)
