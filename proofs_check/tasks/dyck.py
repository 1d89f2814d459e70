"""Dyck-k by editing, checked both ways, on the real weights: all choices explored, and samples counted.

All choices: every token of positive probability at every position is followed. Sequences with more than 2 m letters are left out,
which loses no word of up to 2 m letters: no letter ever vanishes, as `lockstep.proofs_check.tasks.dyck_windows` proves for all neighbours,
and `no_letter_vanishes` sees on every step that is followed.

The language is decided by plain reduction, and the distribution of lengths by a chain that knows nothing of sequences: from L letters a
round goes to L + 2 Bin(L + 1, r), and each round ends the word with probability 1/2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from lockstep.models.tokens import Vocabulary
from lockstep.proofs_check.tasks.choices import Choices, Explored, explore, flows
from lockstep.tasks.dyck import GO, SKIP, START
from lockstep.tasks.kit import Task

#: A word: the number of each letter, and 1 for its inverse.
Word = tuple[tuple[int, int], ...]

#: The least probability of a chi-squared statistic that is not taken for an error.
LEAST_CHANCE = 1e-6
#: The least expected count of a cell of a chi-squared statistic.
LEAST_EXPECTED = 5


def word_of(tokens: Iterable[int], vocabulary: Vocabulary) -> Word | None:
    """The letters behind BOS; None if something else stands there."""
    split = [vocabulary.split(int(token)) for token in tokens][1:]
    if any(not kind.startswith("L") for kind, _ in split):
        return None
    return tuple((int(kind[1:]), bit) for kind, bit in split)


def is_dyck(word: Word, two_sided: bool) -> bool:
    """Whether neighbours that cancel can be taken out until nothing is left: x x^-1, and x^-1 x if it is two-sided."""
    while word:
        for i in range(len(word) - 1):
            (letter, bit), (other, its) = word[i : i + 2]
            if letter == other and (bit, its) in ([(0, 1), (1, 0)] if two_sided else [(0, 1)]):
                word = word[:i] + word[i + 2 :]
                break
        else:
            return False
    return True


def language(k: int, most: int, two_sided: bool) -> set[Word]:
    """All words of Dyck-k of up to so many letters."""
    alphabet = [(letter, bit) for letter in range(k) for bit in (0, 1)]
    return {word for length in range(0, most + 1, 2) for word in product(alphabet, repeat=length) if is_dyck(word, two_sided)}


def chance_of_a_pair(k: int) -> Fraction:
    """How likely a gap is to get a pair of letters: 2 k letters beside SKIP, the least power of two from 2 k on, times two."""
    empty = 1
    while empty < 2 * k:
        empty *= 2
    return Fraction(2 * k, 2 * k + 2 * empty)


def lengths(k: int, most: int) -> dict[int, Fraction]:
    """The probability of each length up to `most`, by the chain of lengths."""
    r, visits = chance_of_a_pair(k), {0: Fraction(1)}
    for length in range(0, most + 1, 2):
        gaps = length + 1
        here = visits.get(length, Fraction(0)) / (1 - (1 - r) ** gaps / 2)
        visits[length] = here
        for pairs in range(1, min(gaps, (most - length) // 2) + 1):
            goes = math.comb(gaps, pairs) * r**pairs * (1 - r) ** (gaps - pairs)
            visits[length + 2 * pairs] = visits.get(length + 2 * pairs, Fraction(0)) + here * goes / 2
    return {length: here / 2 for length, here in visits.items()}


# -- all choices ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What all choices lead to.

    states: how many sequences are reached. words: the fixed points that are words; others: those that are none.
    lengths: the probability of each length, by the model's own probabilities.
    """

    states: int
    words: set[Word]
    others: int
    lengths: dict[int, Fraction]


def follow_all(task: Task, most: int, progress: Callable[[int, int], None] = lambda done, total: None) -> Found:
    """Follow all choices of a generator to all words of up to `most` letters.

    Raises: NotUniform: probabilities are no fractions. AssertionError: a letter vanishes.
    """
    vocabulary = task.circuit.vocabulary
    skip, skips = vocabulary.offsets[SKIP], 1 << vocabulary.bits(SKIP)
    is_letter = {token: int(vocabulary.split(token)[0].startswith("L")) for token in range(vocabulary.size)}
    room = task.positions(min(1 << task.index_bits, 3 * most + 6))
    choices = Choices(task.model(), room, lambda token: skip if skip <= token < skip + skips else token)
    explored = explore(choices, tuple(task.tokens(START).tolist()), is_letter.__getitem__, most, progress)
    no_letter_vanishes(explored, is_letter)
    found = {end: word_of(end, vocabulary) for end in explored.ends}
    return Found(
        len(explored.edges),
        {word for word in found.values() if word is not None},
        sum(word is None for word in found.values()),
        _lengths(explored, vocabulary.offsets[GO], is_letter),
    )


def no_letter_vanishes(explored: Explored, is_letter: Mapping[int, int]) -> None:
    """Raises: AssertionError: letters of a sequence are no longer there after a step, in their order."""
    for state, after in explored.edges.items():
        letters = [token for token in state if is_letter[token]]
        for following in after:
            left = iter(following)
            assert all(letter in left for letter in letters), f"a letter of {state} is not in {following}"


def _lengths(explored: Explored, go: int, is_letter: Mapping[int, int]) -> dict[int, Fraction]:
    """The probability that a word of each length is the end. Every cycle goes through GO GO and a word; no round makes it shorter."""
    homes = [s for s in explored.edges if s[1:3] == (go, go) and all(is_letter[token] for token in s[3:])]
    flow = flows(explored, homes)
    visits = dict(flow(explored.start))
    ends: dict[int, Fraction] = {}
    for home in sorted(homes, key=len):
        after = dict(flow(home))
        here = visits.get(home, Fraction(0)) / (1 - after.pop(home, Fraction(0)))
        for state, chance in after.items():
            assert len(state) > len(home) or state in explored.ends, "a round makes a word shorter"
            visits[state] = visits.get(state, Fraction(0)) + here * chance
    for end in explored.ends:
        ends[len(end) - 1] = ends.get(len(end) - 1, Fraction(0)) + visits.get(end, Fraction(0))
    return ends


# -- samples -------------------------------------------------------------------------------------------


def chi_squared(counts: Counter[int], samples: int, expected: Mapping[int, Fraction]) -> tuple[float, int]:
    """The statistic of the lengths of samples, and its degrees of freedom. Lengths that are rare share a cell with all others.

    Args: counts: of each length; samples that have none are counted in `samples` alone.
    """
    cells = [(counts[length], float(samples * chance)) for length, chance in expected.items()]
    kept = [cell for cell in cells if cell[1] >= LEAST_EXPECTED]
    rest = samples - sum(found for found, _ in kept), samples - sum(wanted for _, wanted in kept)
    if rest[1] >= LEAST_EXPECTED:
        kept.append(rest)
    return sum((found - wanted) ** 2 / wanted for found, wanted in kept), max(0, len(kept) - 1)


def chance_of_more(statistic: float, degrees: int) -> float:
    """The probability that a chi-squared variable exceeds a value: the closed forms for even and for odd degrees of freedom."""
    if not degrees:
        return 1.0
    half, odd = statistic / 2, degrees % 2
    total = math.erfc(math.sqrt(half)) if odd else 0.0
    term = math.exp(-half) * (math.sqrt(half) / math.gamma(1.5) if odd else 1.0)
    for i in range(degrees // 2):
        total += term
        term *= half / (i + 1.5 if odd else i + 1)
    return total
