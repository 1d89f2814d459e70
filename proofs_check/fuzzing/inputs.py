"""Makes inputs of a program from choices, so that Hypothesis can draw and shrink them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lockstep.pram.errors import PramError, fail
from lockstep.pram.inputs import read_array
from lockstep.pram.program import Program
from lockstep.pram.ranges import InputRange, input_ranges
from lockstep.pram.requiring import Required, arrays_of
from lockstep.proofs_check.fuzzing.shrinking import Choices, Choose, NoCase, strategy

Inputs = tuple[dict[str, int], dict[str, Any]]
#: Inputs with more cells are not made from choices.
MOST_CELLS = 2000
#: Inputs that fulfil `requires` have one of so many choices of parameters at most, the smallest.
MOST_PARAMS = 1000


def program_inputs(program: Program, largest: int = 6, word_bits: int | None = None, least: int = 0) -> st.SearchStrategy[Inputs]:
    """A strategy for inputs: parameters are least .. largest, cells are in their declared ranges.

    Where the program has `requires`, the inputs fulfil it; if no parameters from `least` on do, they are from 0 on. Smaller
    parameters and words come first.
    Raises: PramError: no parameters up to `largest` fulfil what it requires.
    """
    if program.contracts.requires:
        required = Required(program, word_bits)
        chosen = _fulfilling(required, least, largest)
        return strategy(lambda choose: _required_input(required, chosen[choose(range(len(chosen)))], choose))
    return strategy(input_maker(program, dict.fromkeys(program.given, largest), word_bits, least=least))


def _fulfilling(required: Required, least: int, largest: int) -> list[dict[str, int]]:
    """The parameters least .. largest that the program takes, smaller sums first."""
    given, found, refused = required.program.given, [], None
    for values in sorted(product(range(least, largest + 1), repeat=len(given)), key=sum):
        params = dict(zip(given, values))
        with suppress(PramError):
            failed = required.refused(required.program.values(params))
            refused = failed or refused
            if failed is None and required.shapes(params).possible:
                found.append(params)
        if len(found) == MOST_PARAMS:
            break
    if not found and least:
        return _fulfilling(required, 0, largest)
    if not found:
        at = (refused or required.parts[0]).clause.at
        raise fail(f"no parameters up to {largest} fulfil this", required.program.source, at)
    return found


def _required_input(required: Required, params: dict[str, int], choose: Choose, most: int = 0) -> Inputs:
    """An input of these parameters that fulfils what the program requires. Where nothing is said, words may be up to `most`."""
    shapes = required.shapes(params)
    words = np.zeros(len(shapes.low), np.int64)
    if len(words) > MOST_CELLS:
        raise NoCase(f"more than {MOST_CELLS} cells")
    shapes.high = np.maximum(shapes.high, np.minimum(shapes.most, most))
    for cell in range(len(words)):
        words[cell] = choose(shapes.words_of(cell))
    if required.fulfil(params, shapes, words, choose.index) is not None:
        raise NoCase("not what the program requires")
    return params, arrays_of(shapes.arrays, words)


def input_maker(program: Program, largest: dict[str, int], word_bits: int | None = None,
                given: dict[str, Any] | None = None, least: int = 0) -> Callable[[Choose], Inputs]:  # fmt: skip
    """A function that makes an input from choices.

    Args: largest: the largest value of each parameter; least: the least of all. given: where no range is declared, words may
          be as large as the largest word of these arrays.
    """
    most = max((int(word) for value in (given or {}).values() for word in np.ravel(value)), default=0)
    if program.contracts.requires:
        return _maker_of_required(Required(program, word_bits), largest, most)

    def make(choose: Choose) -> Inputs:
        params = {name: choose(range(least, largest[name] + 1)) for name in program.given}
        try:
            ranges = input_ranges(program, params, word_bits)
        except PramError:
            raise NoCase("no input has these parameters") from None
        if sum(each.array.size for each in ranges) > MOST_CELLS:
            raise NoCase(f"more than {MOST_CELLS} cells")
        return params, {each.array.name: _cells(each, choose, most) for each in ranges}

    return make


def _maker_of_required(required: Required, largest: dict[str, int], most: int) -> Callable[[Choose], Inputs]:
    def make(choose: Choose) -> Inputs:
        params = {name: choose(range(largest[name] + 1)) for name in required.program.given}
        try:
            if required.refused(required.program.values(params)) is None:
                return _required_input(required, params, choose, most)
        except PramError:
            pass
        raise NoCase("no input has these parameters")

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
