"""Draws random inputs for programs without a sidecar: every parameter is the size, and cells come from declared ranges.

Where a program has `requires`, inputs fulfil it (`requiring.py`).

The first input of each size is uniform. Later inputs take the styles in turn: smallest, largest, equal and sorted words, the
ends of ranges, and constants of the program with their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.contracts.shapes import Shapes
from lockstep.pram.job import Array
from lockstep.pram.program import Program
from lockstep.pram.ranges import DEFAULT_HIGH, InputRange, input_ranges
from lockstep.pram.requiring import Inputs as Inputs
from lockstep.pram.requiring import Start, draw_for, draw_near
from lockstep.pram.syntax import Number, Print, walk
from lockstep.pram.word import MAX_WORD_BITS, largest_word

Words = NDArray[np.int64]


@dataclass(frozen=True)
class CellChoice:
    """Which words one input array may contain.

    cells:     the number of cells to draw.
    low, high: the least and the largest word, for most styles.
    edges:     words at which a program is likely to behave differently: ends of the range, and its constants.
    """

    cells: int
    low: int
    high: int
    edges: Words


#: Draws the cells of one array, int64 [cells]. `fraction` is a number in 0 .. 1, the same for all arrays of one input.
Style = Callable[[np.random.Generator, CellChoice, float], Words]


def _uniform(rng: np.random.Generator, choice: CellChoice, fraction: float) -> Words:
    return rng.integers(choice.low, choice.high + 1, choice.cells)


def _equal(rng: np.random.Generator, choice: CellChoice, fraction: float) -> Words:
    return np.full(choice.cells, choice.low + int(fraction * (choice.high - choice.low + 1)))


def _edges(rng: np.random.Generator, choice: CellChoice, fraction: float) -> Words:
    """Edges in random order, repeated only if there are more cells than edges."""
    return rng.permutation(np.resize(rng.permutation(choice.edges), choice.cells))


def _mixed(rng: np.random.Generator, choice: CellChoice, fraction: float) -> Words:
    """Each cell is an edge or a uniform word."""
    return np.where(rng.random(choice.cells) < 0.5, _edges(rng, choice, fraction), _uniform(rng, choice, fraction))


STYLES: dict[str, Style] = {
    "uniform": _uniform,
    "edges": _edges,
    "largest": lambda rng, choice, fraction: np.full(choice.cells, choice.high),
    "smallest": lambda rng, choice, fraction: np.full(choice.cells, choice.low),
    "equal": _equal,
    "ascending": lambda rng, choice, fraction: np.sort(_uniform(rng, choice, fraction)),
    "mixed": _mixed,
    "descending": lambda rng, choice, fraction: np.sort(_uniform(rng, choice, fraction))[::-1],
}

#: Styles of the inputs after the first. Each size starts two styles later, so that few inputs of few sizes cover all styles.
STYLE_ORDER = ("edges", "largest", "smallest", "equal", "ascending", "mixed", "descending", "edges")


#: Called with the number of draws that `requires` rejected.
Note = Callable[[int], None]


def unnoted(rejected: int) -> None:
    """Do nothing."""


def draw(program: Program, size: int, number: int, seed: int, word_bits: int | None = None, note: Note = unnoted) -> Inputs:
    """Return input `number` of a size. It depends only on the arguments.

    Raises: PramError: the size exceeds a limit, a declared range is empty, or no input was found that the program requires.
    """
    return draw_styled(program, size, style_of(size, number), np.random.default_rng((seed, size, number)), word_bits, note)


def style_of(size: int, number: int) -> str:
    """Return the style, a key of STYLES, of input `number` of a size."""
    return STYLE_ORDER[(2 * (size - 1) + number - 1) % len(STYLE_ORDER)] if number else "uniform"


def random_inputs(
    program: Program, size: int, rng: np.random.Generator, word_bits: int | None = None, note: Note = unnoted
) -> Inputs:
    """Draw an input uniformly; every parameter is `size`.

    Raises: PramError: as `draw`.
    """
    return draw_styled(program, size, "uniform", rng, word_bits, note)


def draw_styled(program: Program, size: int, style: str, rng: np.random.Generator, word_bits: int | None = None,
                note: Note = unnoted) -> Inputs:  # fmt: skip
    """Draw an input in a style of STYLES; every parameter is `size`, or near it if the program requires that."""
    if program.contracts.requires:
        return draw_near(program, size, _start(program, style, rng, word_bits), rng, word_bits, note)
    params = {name: size for name in program.given}
    program.outline(params, DEFAULT_HIGH, word_bits)  # check all limits before drawing a cell
    return params, random_arrays(program, params, rng, word_bits, style)


def random_arrays(program: Program, params: dict[str, int], rng: np.random.Generator, word_bits: int | None = None,
                  style: str = "uniform") -> dict[str, Any]:  # fmt: skip
    """Draw the input arrays for these parameters, uniformly unless `style` says otherwise.

    Raises: PramError: the program refuses the parameters, a declared range is empty, or no such input is what it requires.
    """
    if program.contracts.requires:
        return draw_for(program, params, _start(program, style, rng, word_bits), rng, word_bits, unnoted)
    fraction = 0.0 if style == "uniform" else rng.random()
    constants = program_constants(program, params)
    top = largest_input_word(program, params, word_bits)
    ranges = input_ranges(program, params, word_bits)
    return {e.array.name: fill_array(e, lambda e: STYLES[style](rng, cell_choice(e, constants, top), fraction)) for e in ranges}


def _start(program: Program, style: str, rng: np.random.Generator, word_bits: int | None) -> Start:
    """Return what makes words in a style, for cells that have shapes."""

    def start(params: dict[str, int], shapes: Shapes) -> Words:
        fraction = 0.0 if style == "uniform" else rng.random()
        constants, words = program_constants(program, params), [np.zeros(0, np.int64)]
        for array in (array for array in shapes.arrays if array.size):
            words.append(STYLES[style](rng, _shaped_choice(array, shapes, constants), fraction))
        return np.concatenate(words)

    return start


def _shaped_choice(array: Array, shapes: Shapes, constants: set[int]) -> CellChoice:
    """Return the choice of words for an input with shapes: those of all its cells."""
    cells = slice(array.base, array.base + array.size)
    low, high = int(shapes.low[cells].min()), int(shapes.high[cells].max())
    return cell_choice(InputRange(replace(array, high=None), low, max(low, high)), constants, int(shapes.most[cells].max()))


def fill_array(each: InputRange, make: Callable[[InputRange], Words]) -> Any:
    """Return an input of the words that `make` returns, int64 [cells]: a list, or a number for a scalar.

    `make` is not called for an empty array.
    """
    words = make(each).tolist() if each.array.size else []
    return words if each.array.shape else words[0]


def cell_choice(each: InputRange, constants: set[int], top: int) -> CellChoice:
    """Return the choice of words for an input.

    Without a declared range, edges may be any word: a program that compares a cell with 100 should be run on 100.
    """
    last = top if each.array.high is None else each.high
    ends = {word for word in (each.low, each.low + 1, each.high - 1, each.high) if each.low <= word <= each.high}
    near = {word for c in constants for word in (c - 1, c, c + 1) if each.low <= word <= last}
    return CellChoice(each.array.size, each.low, each.high, np.array(sorted(ends | near), np.int64))


def program_constants(program: Program, params: dict[str, int]) -> set[int]:
    """Return the numbers in the statements of a program, and the values of its parameters."""
    written = {node.value for statement in program.tree.body for node in walk(statement, (Print,)) if isinstance(node, Number)}
    return written | set(program.values(params).values())


def largest_input_word(program: Program, params: dict[str, int], word_bits: int | None = None) -> int:
    """Return the largest word that an input may contain. A word size that is not declared grows with the input."""
    return largest_word(program.word_bits(params, (1 << MAX_WORD_BITS) - 1, word_bits), program.symbols.signed)
