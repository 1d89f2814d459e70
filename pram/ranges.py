"""The ranges from which inputs are drawn: the declared ones, or small words."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.pram.errors import fail
from lockstep.pram.job import Array
from lockstep.pram.program import Program
from lockstep.pram.word import largest_word

#: Inputs without a declared range are drawn from 0 .. DEFAULT_HIGH; of signed words, from -DEFAULT_HIGH.
DEFAULT_HIGH = 15


@dataclass(frozen=True)
class InputRange:
    """An input array, and the least and the largest word to draw for its cells."""

    array: Array
    low: int
    high: int


def input_ranges(program: Program, params: dict[str, int], word_bits: int | None = None) -> list[InputRange]:
    """Return the range of each input for these parameters, in the order of addresses.

    Raises: PramError: the program refuses the parameters, or a declared range is empty although its array has cells.
    """
    top = largest_word(program.word_bits(params, DEFAULT_HIGH, word_bits), program.symbols.signed)
    ranges = []
    for array in (a for a in program.layout(params) if a.is_input):
        low = (max(-DEFAULT_HIGH, -top) if program.symbols.signed else 0) if array.low is None else array.low
        high = min(DEFAULT_HIGH, top) if array.high is None else array.high
        if array.size and high < low:
            at = program.symbols.arrays[array.name].at
            raise fail(f"the declared range {low} .. {high} of `{array.name}` is empty", program.source, at)
        ranges.append(InputRange(array, low, high))
    return ranges
