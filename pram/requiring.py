"""Finds inputs that fulfil what a program requires: parameters near a size, then words in their shapes, redrawn where they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from lockstep.pram.contracts.fulfilling import Choose, Part, fulfil, unmet
from lockstep.pram.contracts.meaning import NoValue
from lockstep.pram.contracts.orders import Words
from lockstep.pram.contracts.shapes import Reading, Shapes, Values, conjuncts_of, read_shapes
from lockstep.pram.contracts.translating import names_in
from lockstep.pram.errors import PramError, fail
from lockstep.pram.job import Array
from lockstep.pram.program import Program
from lockstep.pram.ranges import DEFAULT_HIGH, input_ranges
from lockstep.pram.syntax import INF, Number, walk
from lockstep.pram.word import MAX_WORD_BITS, largest_word

Params = dict[str, int]
Inputs = tuple[Params, dict[str, Any]]

#: After so many draws of one size that do not fulfil what the program requires, no input was found.
MOST_DRAWS = 1000
#: So many draws of the same parameters, before others are tried.
DRAWS_EACH = 50
#: How many values each of several parameters may take in the search: of one parameter, of two, and so on.
MOST_VALUES = (200, 40, 12, 8, 5, 4)
MOST_PARAMETERS = len(MOST_VALUES)


class Required:
    """What a program requires of its input, taken apart.

    parts: what `and` joins. of_parameters: those of them that only parameters decide.
    """

    def __init__(self, program: Program, word_bits: int | None = None) -> None:
        self.program, self.word_bits = program, word_bits
        self.parts = tuple(
            Part(clause, condition) for clause in program.contracts.requires for condition in conjuncts_of(clause.condition)
        )
        reading = Reading(())
        inputs = {shared.name for shared in program.symbols.arrays.values()}
        self.of_parameters = tuple(
            part
            for part in self.parts
            if not reading.reads(part.condition) and names_in(part.condition).isdisjoint({*inputs, INF})
        )
        self._reading = reading

    @cached_property
    def _uses_inf(self) -> bool:
        return any(INF in names_in(part.condition) for part in self.parts)

    def refused(self, values: Values) -> Part | None:
        """Return the first part that these parameters alone refuse, or None."""
        return next((part for part in self.of_parameters if not self._holds(part, values)), None)

    def _holds(self, part: Part, values: Values) -> bool:
        try:
            return bool(self._reading.value(part.condition, values))
        except NoValue:
            return False

    def shapes(self, params: Params) -> Shapes:
        """Read the shapes of the inputs for some parameters.

        Raises: PramError: as `lockstep.pram.ranges.input_ranges`.
        """
        ranges, signed = input_ranges(self.program, params, self.word_bits), self.program.symbols.signed
        top = largest_word(self.program.word_bits(params, (1 << MAX_WORD_BITS) - 1, self.word_bits), signed)
        conditions = [part.condition for part in self.parts]
        return read_shapes(conditions, self.program.values(params), ranges, -top if signed else 0, top)

    def values_of(self, params: Params) -> Callable[[Words], Values]:
        """Return a function that gives the values of names for words: those of parameters, and `inf` if it is used."""
        values = self.program.values(params)
        if not self._uses_inf:
            return lambda words: values

        def with_inf(words: Words) -> Values:
            bits = self.program.word_bits(params, int(np.abs(words).max(initial=0)), self.word_bits)
            return {**values, INF: largest_word(bits, self.program.symbols.signed)}

        return with_inf

    def fulfil(self, params: Params, shapes: Shapes, words: Words, choose: Choose) -> Part | None:
        """Change words until they fulfil all parts. Return one that they do not fulfil in the end, or None."""
        return fulfil(shapes, self.parts, words, self.values_of(params), choose)

    def unmet(self, params: Params, shapes: Shapes, words: Words) -> Part | None:
        return unmet(self.parts, shapes, words, self.values_of(params)(words))

    # -- parameters --------------------------------------------------------------------------------

    def near(self, size: int, rng: np.random.Generator) -> Iterator[Params]:
        """Yield parameters: all equal to the size; then others, those nearest to it first. `refused` may refuse them."""
        given = self.program.given
        first = dict.fromkeys(given, size)
        yield first
        if not 0 < len(given) <= MOST_PARAMETERS:
            return
        values = self._values_near(size, MOST_VALUES[len(given) - 1])
        found = [dict(zip(given, chosen)) for chosen in product(values, repeat=len(given))]
        rng.shuffle(found)
        found.sort(key=lambda params: sum(abs(value - size) for value in params.values()))
        yield from (params for params in found if params != first)

    def _values_near(self, size: int, most: int) -> list[int]:
        """Return values for parameters: those next to the size, powers of two, squares, and the numbers in what is required."""
        written = {node.value for part in self.of_parameters for node in walk(part.condition) if isinstance(node, Number)}
        special = {near for number in written for near in (number - 1, number, number + 1)}
        special |= {1 << k for k in range((2 * size).bit_length() + 1)} | {size * size, size // 2, 2 * size, size.bit_length()}
        special |= set(range(4))
        near = sorted({*special, *range(max(0, size - most), size + most)}, key=lambda value: abs(value - size))
        # half of them are next to the size, the others have a reason
        chosen = dict.fromkeys([*near[: most // 2], *sorted(special, key=lambda value: abs(value - size)), *near])
        return [value for value in chosen if value >= 0][:most]


#: Makes the first words of an input, int64 [cells], from its parameters and shapes.
Start = Callable[[Params, Shapes], Words]


def draw_near(program: Program, size: int, start: Start, rng: np.random.Generator, word_bits: int | None,
              note: Callable[[int], None]) -> Inputs:  # fmt: skip
    """Draw an input of a size that fulfils what the program requires.

    Args:   start: makes the words with which a draw begins. note: called with the number of draws that were rejected.
    Raises: PramError: none was found, or the size exceeds a limit.
    """
    required = Required(program, word_bits)
    return _Drawing(required, start, rng, note, f"of size {size} ").draw(_possible(required, size, rng))


def draw_for(program: Program, params: Params, start: Start, rng: np.random.Generator, word_bits: int | None,
             note: Callable[[int], None]) -> dict[str, Any]:  # fmt: skip
    """Draw the input arrays for some parameters, as `draw_near` does."""
    required = Required(program, word_bits)
    return _Drawing(required, start, rng, note, "of these parameters ").draw(
        [(params, required.refused(program.values(params)))]
    )[1]


Candidate = tuple[Params, Part | None]


def _possible(required: Required, size: int, rng: np.random.Generator) -> Iterator[Candidate]:
    """Yield parameters near a size that the program takes, with what they do not fulfil."""
    program, filled = required.program, None
    for number, params in enumerate(required.near(size, rng)):
        try:
            values, inputs = program.values(params), [array for array in program.layout(params) if array.is_input]
            if number == 0:
                filled = {array.name for array in inputs if array.size}
            elif filled is not None and any(not array.size and array.name in filled for array in inputs):
                continue  # what it requires of cells would say nothing
            if (refused := required.refused(values)) is None:
                program.outline(params, DEFAULT_HIGH, required.word_bits)  # check all limits before drawing a cell
            yield params, refused
        except PramError:
            if number == 0 and required.refused({**dict.fromkeys(program.symbols.params, size), **params}) is None:
                raise


class _Drawing:
    """Draws until an input fulfils everything, and counts what was rejected."""

    def __init__(
        self, required: Required, start: Start, rng: np.random.Generator, note: Callable[[int], None], what: str
    ) -> None:
        self.required, self.start, self.rng, self.note, self.what = required, start, rng, note, what
        self.draws = self.impossible = 0
        self.failed: Part | None = None

    def draw(self, candidates: Iterator[Candidate] | Sequence[Candidate]) -> Inputs:
        tried = 0
        for params, refused in candidates:
            tried += 1
            self.failed = refused or self.failed
            found = self._try(params) if refused is None else None
            if found is not None:
                self.note(self.draws - self.impossible)
                return found
            if self.draws >= MOST_DRAWS:
                break
        assert self.failed is not None
        how = f"in {self.draws} draws" if self.draws else f"among {tried} choices of parameters"
        program, at = self.required.program, self.failed.clause.at
        raise fail(f"no input {self.what}was found {how} that fulfils this", program.source, at)

    def _try(self, params: Params) -> Inputs | None:
        """Draw some inputs for these parameters. Those that cannot be are drawn once, for the error."""
        shapes = self.required.shapes(params)
        one = not len(shapes.low) or not shapes.possible
        for _ in range(1 if one else min(DRAWS_EACH, MOST_DRAWS - self.draws)):
            words = self.start(params, shapes)
            if shapes.possible:
                failed = self.required.fulfil(params, shapes, words, lambda number: int(self.rng.integers(number)))
            else:
                words = np.clip(words, shapes.floor, shapes.roof)
                failed = self.required.unmet(params, shapes, words)
            if failed is None:
                return params, arrays_of(shapes.arrays, words)
            self.failed, self.draws, self.impossible = failed, self.draws + 1, self.impossible + (not shapes.possible)
        return None


def arrays_of(arrays: Sequence[Array], words: Words) -> dict[str, Any]:
    """Return inputs by the names of their arrays, from words, int64 [cells]: flat lists, and numbers for scalars."""
    lists = {array: words[array.base : array.base + array.size].tolist() for array in arrays}
    return {array.name: found if array.shape else found[0] for array, found in lists.items()}


def words_of(arrays: Sequence[Array], given: Mapping[str, Any]) -> Words:
    """Return the words of inputs, int64 [cells]."""
    return np.array([word for array in arrays for word in np.ravel(np.array(given[array.name], np.int64))], np.int64)
