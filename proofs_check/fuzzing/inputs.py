"""Makes inputs of a program from choices, so that Hypothesis can draw and shrink them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lockstep.pram.errors import PramError
from lockstep.pram.inputs import read_array
from lockstep.pram.program import Program
from lockstep.pram.ranges import InputRange, input_ranges
from lockstep.proofs_check.fuzzing.shrinking import Choices, Choose, NoCase, strategy

Inputs = tuple[dict[str, int], dict[str, Any]]
#: Inputs with more cells are not made from choices.
MOST_CELLS = 2000


def program_inputs(program: Program, largest: int = 6, word_bits: int | None = None) -> st.SearchStrategy[Inputs]:
    """A strategy for inputs: parameters are 0 .. largest, cells are in their declared ranges."""
    return strategy(input_maker(program, dict.fromkeys(program.given, largest), word_bits))


def input_maker(program: Program, largest: dict[str, int], word_bits: int | None = None,
                given: dict[str, Any] | None = None) -> Callable[[Choose], Inputs]:  # fmt: skip
    """A function that makes an input from choices.

    Args: largest: the largest value of each parameter. given: where no range is declared, words may be as large as the
          largest word of these arrays.
    """
    most = max((int(word) for value in (given or {}).values() for word in np.ravel(value)), default=0)

    def make(choose: Choose) -> Inputs:
        params = {name: choose(range(largest[name] + 1)) for name in program.given}
        try:
            ranges = input_ranges(program, params, word_bits)
        except PramError:
            raise NoCase("no input has these parameters") from None
        if sum(each.array.size for each in ranges) > MOST_CELLS:
            raise NoCase(f"more than {MOST_CELLS} cells")
        return params, {each.array.name: _cells(each, choose, most) for each in ranges}

    return make


def _cells(each: InputRange, choose: Choose, most: int) -> Any:
    high = each.high if each.array.high is not None else max(each.high, most)
    words = [choose(range(each.low, high + 1)) for _ in range(each.array.size)]
    return np.array(words, dtype=object).reshape(each.array.shape).tolist() if each.array.shape else words[0]


def choices_of(program: Program, inputs: Inputs, make: Callable[[Choose], Inputs], word_bits: int | None = None) -> Choices:
    """The choices that make this input.

    Raises: ValueError: there are none. NoCase (a ValueError): the input has more than MOST_CELLS cells.
    """
    params, _ = inputs
    values = iter([*(params[name] for name in program.given), *_words(program, inputs, word_bits)])
    choices: Choices = []

    class Follow(Choose):
        """Picks the next value, whatever its index."""

        def __call__(self, options: Sequence[Any]) -> Any:
            value = next(values)
            choices.append(options.index(value))
            return value

    make(Follow(lambda number: 0))
    return choices


def _words(program: Program, inputs: Inputs, word_bits: int | None) -> Iterator[int]:
    params, arrays = inputs
    for each in input_ranges(program, params, word_bits):
        yield from read_array(each.array, arrays[each.array.name]).tolist()
