"""Probes: more inputs that try to reach the lines and conditions that no run has reached.

They use every style of drawing, and very large words. They run on the machine only, and only while something is unreached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lockstep.pram.contracts.holding import Unmet
from lockstep.pram.drawing import (
    STYLES,
    Inputs,
    Words,
    cell_choice,
    draw_styled,
    fill_array,
    largest_input_word,
    program_constants,
)
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Machine, NoHalt
from lockstep.pram.program import Program
from lockstep.pram.ranges import DEFAULT_HIGH, InputRange, input_ranges
from lockstep.pram.reached import Reached, unreached
from lockstep.pram.requiring import Required, words_of

#: The most sizes that are probed, and the most processors and cells of a probe.
MOST_SIZES, MOST_ROOM = 8, 1 << 14
#: The most probes whose cells are all one edge, for all sizes together.
MOST_EDGES = 32
#: The most steps of one probe, and of all probes. A step counts once more for every PROCESSORS_PER_STEP processors.
STEPS_EACH, STEPS_IN_ALL, PROCESSORS_PER_STEP = 20_000, 100_000, 1 << 10
#: The numbers of probes start here, so that no other input has the same number.
FIRST_NUMBER = 1 << 20


@dataclass(frozen=True)
class Probe:
    """An input. `ordinary`: its words are in the declared ranges, or in 0 .. 15 if none is declared."""

    inputs: Inputs
    ordinary: bool


@dataclass(frozen=True)
class Refused:
    """A probe that the machine refused, with the error."""

    probe: Probe
    error: PramError


@dataclass(frozen=True)
class Probing:
    """The results of probes.

    reached:  what earlier runs and the runs of `found` have reached.
    found:    the probes that ran to their end and reached something new.
    failures: ordinary probes that the machine refused, one for each place. The program is wrong for such an input.
    notes:    other probes that the machine refused. A program need not accept words as large as theirs.
    steps:    of all probes together.
    """

    reached: Reached
    found: tuple[Probe, ...] = ()
    failures: tuple[Refused, ...] = ()
    notes: tuple[Refused, ...] = ()
    steps: int = 0


def reach(program: Program, reached: Reached, sizes: Iterable[int], seed: int = 0, word_bits: int | None = None,
          max_steps: int = DEFAULT_MAX_STEPS) -> Probing:  # fmt: skip
    """Run probes on the machine until everything is reached, or no probes or no steps are left.

    Args:   reached: what the runs so far have reached.
            max_steps: the limit of a run; a run that does not halt within it counts as refused. A probe that takes more than
            STEPS_EACH steps ends earlier, and counts as nothing.
    Raises: PramError: as `lockstep.pram.drawing.draw`.
    """
    found = Probing(reached)
    for probe in probes(program, sizes, seed, word_bits):
        if found.steps >= STEPS_IN_ALL or not unreached(program, found.reached):
            break
        found = _try(program, probe, found, word_bits, max_steps)
    return found


def _try(program: Program, probe: Probe, before: Probing, word_bits: int | None, max_steps: int) -> Probing:
    """Run one more probe, and return `before` with its result added."""
    try:
        job = program.instantiate(*probe.inputs, word_bits)
    except Unmet:
        return before
    machine, weight = Machine(job), _step_weight(job)
    limit = min(max_steps, STEPS_EACH // weight)
    error = _error(machine, limit)
    after = replace(before, steps=before.steps + weight * machine.costs.time)
    if error is None:
        both = before.reached | machine.reached
        if unreached(program, both) == unreached(program, before.reached):
            return after
        return replace(after, reached=both, found=(*before.found, probe))
    if isinstance(error, NoHalt) and limit < max_steps:
        return after
    if probe.ordinary:
        return replace(after, failures=_one_more(before.failures, probe, error))
    return replace(after, notes=_one_more(before.notes, probe, error))


def _error(machine: Machine, max_steps: int) -> PramError | None:
    """Run to the end. Return the error if the machine refuses the run, else None."""
    try:
        for _ in machine.steps(max_steps):
            pass
    except PramError as error:
        return error
    return None


def _step_weight(job: Job) -> int:
    return 1 + job.processors // PROCESSORS_PER_STEP


def _one_more(refused: tuple[Refused, ...], probe: Probe, error: PramError) -> tuple[Refused, ...]:
    places = {each.error.diagnostics[0].span for each in refused}
    return refused if error.diagnostics[0].span in places else (*refused, Refused(probe, error))


# -- probes ----------------------------------------------------------------------------------------


def probes(program: Program, sizes: Iterable[int], seed: int = 0, word_bits: int | None = None) -> Iterator[Probe]:
    """Yield different inputs: for some of the sizes, one in each style; then inputs of edges; then one in each extreme style.

    Raises: PramError: as `lockstep.pram.drawing.draw`.
    """
    seen = set()
    for inputs in _series(program, _chosen(program, sizes, word_bits), seed, word_bits):
        if repr(inputs) not in seen:
            seen.add(repr(inputs))
            yield Probe(inputs, is_ordinary(program, inputs, word_bits))


def _series(program: Program, sizes: list[int], seed: int, word_bits: int | None) -> Iterator[Inputs]:
    for number, style in enumerate(STYLES):
        for size in sizes:
            yield draw_styled(program, size, style, _random(seed, size, number), word_bits)
    for number, size in enumerate(sizes * (MOST_EDGES // max(1, len(sizes)))):
        yield _at_edge(program, size, number, _random(seed, 0, 0), word_bits)
    for number, style in enumerate(EXTREMES):
        for size in sizes:
            yield _extreme(program, size, style, _random(seed, size, len(STYLES) + number), word_bits)


def _random(seed: int, size: int, number: int) -> np.random.Generator:
    return np.random.default_rng((seed, size, FIRST_NUMBER + number))


def _at_edge(program: Program, size: int, number: int, rng: np.random.Generator, word_bits: int | None) -> Inputs:
    """Return an input whose cells all are one edge. If the program compares a cell with a constant, one edge equals it."""
    params = _params(program, size, word_bits)
    constants, top = program_constants(program, params), largest_input_word(program, params, word_bits)

    def make(each: InputRange) -> Words:
        edges = cell_choice(each, constants, top).edges
        return np.full(each.array.size, rng.permutation(edges)[number % len(edges)])

    return params, {each.array.name: fill_array(each, make) for each in input_ranges(program, params, word_bits)}


def _params(program: Program, size: int, word_bits: int | None) -> dict[str, int]:
    """Return the parameters of inputs of a size."""
    if not program.contracts.requires:
        return dict.fromkeys(program.given, size)
    return draw_styled(program, size, "uniform", _random(0, size, 0), word_bits)[0]


def _extreme(program: Program, size: int, style: str, rng: np.random.Generator, word_bits: int | None) -> Inputs:
    """Return an input in a style of EXTREMES; arrays with a declared range are uniform."""
    params, arrays = draw_styled(program, size, "uniform", rng, word_bits)
    top = largest_input_word(program, params, word_bits)

    def make(each: InputRange) -> Words:
        small = np.reshape(np.array(arrays[each.array.name], np.int64), each.array.size)
        return EXTREMES[style](rng, small, top) if each.array.high is None else small

    return params, {each.array.name: fill_array(each, make) for each in input_ranges(program, params, word_bits)}


def _chosen(program: Program, sizes: Iterable[int], word_bits: int | None) -> list[int]:
    """Return some of the sizes that are small enough to run often."""
    some = _spread(sorted(set(sizes)), 8 * MOST_SIZES)
    return _spread([size for size in some if _footprint(program, size, word_bits) <= MOST_ROOM], MOST_SIZES)


def _spread(sizes: list[int], most: int) -> list[int]:
    """Return at most `most` of the sizes, evenly spread, with the least and the largest."""
    return sizes if len(sizes) <= most else [sizes[index * (len(sizes) - 1) // (most - 1)] for index in range(most)]


def _footprint(program: Program, size: int, word_bits: int | None) -> int:
    job = program.outline(_params(program, size, word_bits), DEFAULT_HIGH, word_bits)
    return job.processors + job.space


def _word_ends(top: int) -> Words:
    """Return words near the least, the middle and the largest word."""
    middle = top >> 1
    return np.array([0, 1, middle - 1, middle, middle + 1, middle + 2, top - 1, top])


def _one_end(rng: np.random.Generator, words: Words, top: int) -> Words:
    changed = words.copy()
    changed[rng.integers(len(words))] = rng.choice(_word_ends(top))
    return changed


#: Styles that replace small words, int64 [cells], by words up to the largest word `top`.
EXTREMES: dict[str, Callable[[np.random.Generator, Words, int], Words]] = {
    "one end": _one_end,
    "large": lambda rng, words, top: rng.integers(0, 1 << (top.bit_length() // 2), len(words)),
    "ends": lambda rng, words, top: rng.choice(_word_ends(top), len(words)),
    "largest words": lambda rng, words, top: np.full(len(words), top),
}


def is_ordinary(program: Program, inputs: Inputs, word_bits: int | None = None) -> bool:
    """Return whether all words are in their ranges: declared, required or default."""
    params, arrays = inputs
    if program.contracts.requires:
        shapes = Required(program, word_bits).shapes(params)
        words = words_of(shapes.arrays, arrays)
        return bool(((words >= shapes.low) & (words <= shapes.high)).all())
    for each in input_ranges(program, params, word_bits):
        words = np.ravel(np.array(arrays[each.array.name], dtype=np.int64))
        if ((words < each.low) | (words > each.high)).any():
            return False
    return True


__all__ = ["Probe", "Probing", "Refused", "is_ordinary", "probes", "reach"]
