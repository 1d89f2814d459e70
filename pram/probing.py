"""Further inputs for what no run reached: every style of drawing, and words as large as there are.

They are run on the machine only, and only while something is left to reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lockstep.pram.drawing import STYLES, Inputs, Words, choice_of, filled, largest_word, program_constants, styled
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Machine, NoHalt
from lockstep.pram.program import Program
from lockstep.pram.ranges import DEFAULT_HIGH, InputRange, input_ranges
from lockstep.pram.reached import Reached, unreached

#: Sizes that are probed; larger ones than MOST_ROOM processors and cells are not.
MOST_SIZES, MOST_ROOM = 8, 1 << 14
#: Edges, all sizes together, that have an input of their own.
MOST_EDGES = 32
#: Steps of one probe, and of all together; a step of many processors counts as several, one for each CROWD.
STEPS_EACH, STEPS_IN_ALL, CROWD = 20_000, 100_000, 1 << 10
#: Probes are drawn with numbers from here on, which no other input has.
FIRST_NUMBER = 1 << 20


@dataclass(frozen=True)
class Probe:
    """An input; `ordinary`: its words are in declared ranges, and in 0 .. 15 where none is declared."""

    inputs: Inputs
    ordinary: bool


@dataclass(frozen=True)
class Refused:
    """A probe that the machine refused, and what it said."""

    probe: Probe
    error: PramError


@dataclass(frozen=True)
class Probing:
    """What probes came to.

    reached:  by the runs before and by those of `found`.
    found:    probes that reached something new, and ran to their end.
    failures: ordinary probes that the machine refused, one for each place: as bad as a refusal of any other input.
    notes:    the same of probes that are not ordinary: a program need not take words as large as these.
    steps:    of all probes together.
    """

    reached: Reached
    found: tuple[Probe, ...] = ()
    failures: tuple[Refused, ...] = ()
    notes: tuple[Refused, ...] = ()
    steps: int = 0


def reach(program: Program, reached: Reached, sizes: Iterable[int], seed: int = 0, word_bits: int | None = None,
          max_steps: int = DEFAULT_MAX_STEPS) -> Probing:  # fmt: skip
    """Run probes on the machine until nothing is unreached, or probes or steps are at an end.

    Args:   reached: by the runs so far. max_steps: of a run; one that does not halt within them is refused. A probe that takes
            more than STEPS_EACH is given up before, and nothing is said of it.
    Raises: PramError: as `lockstep.pram.drawing.draw`.
    """
    found = Probing(reached)
    for probe in probes(program, sizes, seed, word_bits):
        if found.steps >= STEPS_IN_ALL or not unreached(program, found.reached):
            break
        found = _try(program, probe, found, word_bits, max_steps)
    return found


def _try(program: Program, probe: Probe, before: Probing, word_bits: int | None, max_steps: int) -> Probing:
    """Run one more probe: `before`, with what it adds."""
    job = program.instantiate(*probe.inputs, word_bits)
    machine, weight = Machine(job), _weight(job)
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
    """Run to the end, or to what the machine refuses."""
    try:
        for _ in machine.steps(max_steps):
            pass
    except PramError as error:
        return error
    return None


def _weight(job: Job) -> int:
    return 1 + job.processors // CROWD


def _one_more(refused: tuple[Refused, ...], probe: Probe, error: PramError) -> tuple[Refused, ...]:
    places = {each.error.diagnostics[0].span for each in refused}
    return refused if error.diagnostics[0].span in places else (*refused, Refused(probe, error))


# -- probes ----------------------------------------------------------------------------------------


def probes(program: Program, sizes: Iterable[int], seed: int = 0, word_bits: int | None = None) -> Iterator[Probe]:
    """Inputs without repetitions: of each of some sizes one in every style, then one for each of some edges, then extremes.

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
            yield styled(program, size, style, _random(seed, size, number), word_bits)
    for number, size in enumerate(sizes * (MOST_EDGES // max(1, len(sizes)))):
        yield _at_edge(program, size, number, _random(seed, 0, 0), word_bits)
    for number, style in enumerate(EXTREMES):
        for size in sizes:
            yield _extreme(program, size, style, _random(seed, size, len(STYLES) + number), word_bits)


def _random(seed: int, size: int, number: int) -> np.random.Generator:
    return np.random.default_rng((seed, size, FIRST_NUMBER + number))


def _at_edge(program: Program, size: int, number: int, rng: np.random.Generator, word_bits: int | None) -> Inputs:
    """All cells are one of the edges: a cell that is compared with a constant is that constant in one of these."""
    params = dict.fromkeys(program.given, size)
    constants, top = program_constants(program, params), largest_word(program, params, word_bits)

    def make(each: InputRange) -> Words:
        edges = choice_of(each, constants, top).edges
        return np.full(each.array.size, rng.permutation(edges)[number % len(edges)])

    return params, {each.array.name: filled(each, make) for each in input_ranges(program, params, word_bits)}


def _extreme(program: Program, size: int, style: str, rng: np.random.Generator, word_bits: int | None) -> Inputs:
    """An input in a style of EXTREMES, where no range is declared."""
    params, arrays = styled(program, size, "uniform", rng, word_bits)
    top = largest_word(program, params, word_bits)

    def make(each: InputRange) -> Words:
        small = np.reshape(np.array(arrays[each.array.name], np.int64), each.array.size)
        return EXTREMES[style](rng, small, top) if each.array.high is None else small

    return params, {each.array.name: filled(each, make) for each in input_ranges(program, params, word_bits)}


def _chosen(program: Program, sizes: Iterable[int], word_bits: int | None) -> list[int]:
    """Some of the sizes that are small enough to be run often."""
    some = _spread(sorted(set(sizes)), 8 * MOST_SIZES)
    return _spread([size for size in some if _room(program, size, word_bits) <= MOST_ROOM], MOST_SIZES)


def _spread(sizes: list[int], most: int) -> list[int]:
    """So many of them, from the least to the largest."""
    return sizes if len(sizes) <= most else [sizes[index * (len(sizes) - 1) // (most - 1)] for index in range(most)]


def _room(program: Program, size: int, word_bits: int | None) -> int:
    job = program.outline(dict.fromkeys(program.given, size), DEFAULT_HIGH, word_bits)
    return job.processors + job.space


def _word_ends(top: int) -> Words:
    """Words next to the least, the middle and the largest one."""
    middle = top >> 1
    return np.array([0, 1, middle - 1, middle, middle + 1, middle + 2, top - 1, top])


def _one_end(rng: np.random.Generator, words: Words, top: int) -> Words:
    changed = words.copy()
    changed[rng.integers(len(words))] = rng.choice(_word_ends(top))
    return changed


#: Of small words, int64 [cells], and the largest word there is: words as large as that, int64 [cells].
EXTREMES: dict[str, Callable[[np.random.Generator, Words, int], Words]] = {
    "one end": _one_end,
    "large": lambda rng, words, top: rng.integers(0, 1 << (top.bit_length() // 2), len(words)),
    "ends": lambda rng, words, top: rng.choice(_word_ends(top), len(words)),
    "largest words": lambda rng, words, top: np.full(len(words), top),
}


def is_ordinary(program: Program, inputs: Inputs, word_bits: int | None = None) -> bool:
    """Whether all words are in their ranges, declared or not."""
    params, arrays = inputs
    for each in input_ranges(program, params, word_bits):
        words = np.ravel(np.array(arrays[each.array.name], dtype=np.int64))
        if ((words < each.low) | (words > each.high)).any():
            return False
    return True


__all__ = ["Probe", "Probing", "Refused", "is_ordinary", "probes", "reach"]
