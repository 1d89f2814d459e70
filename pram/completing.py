"""Completes inputs with the parameters that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lockstep.pram.inputs import UNNAMED, InputFile
from lockstep.pram.program import Program
from lockstep.pram.syntax import Name, Shared


def completed(program: Program, given: InputFile) -> InputFile:
    """Return an input with the parameters that follow from it.

    In a file without parameters of their own, a number with the name of a parameter is that parameter, and an array without
    a name is the only input array. A parameter that is not given is the extent of an array that is declared with it.
    """
    arrays = dict(given.arrays)
    names = [name for name, array in program.symbols.arrays.items() if array.role in ("input", "inout")]
    if UNNAMED in arrays and len(names) == 1:
        arrays[names[0]] = arrays.pop(UNNAMED)
    params = dict(given.params)
    for name in [n for n in arrays if n in program.given and n not in params and n not in program.symbols.arrays]:
        value = arrays.pop(name)
        params[name] = value[0] if isinstance(value, list) and len(value) == 1 else value
    for name in (n for n in names if n in arrays):
        params |= {
            n: e for n, e in _extents(program.symbols.arrays[name], arrays[name]) if n in program.given and n not in params
        }
    return replace(given, params=params, arrays=arrays)


def _extents(array: Shared, value: Any) -> Iterator[tuple[str, int]]:
    """Yield the name and the extent of each axis of a given array that is declared with just a name, as in `A[n]`."""
    for dimension in array.dimensions:
        if not isinstance(value, (list, tuple)):
            return
        if isinstance(dimension, Name):
            yield dimension.name, len(value)
        value = value[0] if value else None
