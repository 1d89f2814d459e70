"""From where the cells of inputs are drawn: their declared ranges, or small words."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.pram.errors import fail
from lockstep.pram.job import Array
from lockstep.pram.program import Program

#: Inputs without a declared range are drawn from 0 .. this.
DEFAULT_HIGH = 15


@dataclass(frozen=True)
class InputRange:
    """An input, and the least and largest word that its cells may be drawn as."""

    array: Array
    low: int
    high: int


def input_ranges(program: Program, params: dict[str, int], word_bits: int | None = None) -> list[InputRange]:
    """The inputs of a program with these parameters, in the order of their addresses.

    Raises: PramError: the parameters do not fit, or a declared range is empty and there are cells to draw from it.
    """
    top = (1 << program.word_bits(params, DEFAULT_HIGH, word_bits)) - 1
    ranges = []
    for array in (a for a in program.layout(params) if a.is_input):
        low = array.low or 0
        high = min(DEFAULT_HIGH, top) if array.high is None else array.high
        if array.size and high < low:
            at = program.symbols.arrays[array.name].at
            raise fail(f"the declared range {low} .. {high} of `{array.name}` is empty", program.source, at)
        ranges.append(InputRange(array, low, high))
    return ranges
