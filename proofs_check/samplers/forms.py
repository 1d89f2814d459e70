"""Closed forms of samplers: when a rule is right whatever the program computes, and in how many decoding steps it ends.

P processors, T steps of the machine, `out` outputs, V tokens. Rows that are generated are counted from 0: block t of the run is
3 P (t - 1) .. 3 P t - 1, V rows first, then C, then A, and outputs come last. Those of `top` and of blocks are for runs in which all
processors halt in step T: then a block is ready when the one before it is full, and outputs when every C of block T is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from lockstep.proofs_check.closed_forms import ClosedForm

#: What parallel order takes, and one token at a time.
PARALLEL = ClosedForm("T + min(1, out)")
ONE_BY_ONE = ClosedForm("3 * P * T + out")
#: top:K takes K tokens in each step, and is wrong in the step that finds fewer rows ready.
TOP = ClosedForm("ceil((3 * P * T + out) / K)")
TOP_LEFT = ClosedForm("3 * P % K")
TOP_WRONG = ClosedForm("ceil(3 * P / K)")
#: Blocks whose size divides 3 P, with an inner rule that takes all that is ready, or K tokens.
DIVIDING = ClosedForm("3 * P * T / B + ceil(out / B)")
DIVIDING_TOP = ClosedForm("3 * P * T / B * ceil(B / K) + out / B * ceil(B / K) + ceil(out % B / K)")


@dataclass(frozen=True)
class Verdict:
    """What a closed form says. steps: decoding steps of a right decode; None: it does not say. wrong: the step that takes the first
    wrong token; None: it does not say, or all are right."""

    right: bool
    steps: int | None = None
    wrong: int | None = None


@dataclass(frozen=True)
class Sizes:
    """Processors, steps of the machine, and outputs."""

    processors: int
    time: int
    outputs: int

    @property
    def block(self) -> int:
        """The rows of a block of the run."""
        return 3 * self.processors

    @property
    def total(self) -> int:
        """The rows that are generated."""
        return self.block * self.time + self.outputs

    @property
    def letters(self) -> dict[str, int]:
        return {"P": self.processors, "T": self.time, "out": self.outputs}


def top(sizes: Sizes, taken: int, leftmost: bool = False) -> Verdict:
    """top:K: right if and only if K divides 3 P. A run of one step has no second block, and its outputs wait for counters alone: these
    are taken first, or, if the leftmost rows are taken, before the last of the block."""
    letters = sizes.letters | {"K": taken}
    right = TOP_LEFT(letters) == 0
    if sizes.time == 1:
        before = sizes.block // taken * taken  # the rows that are taken before any output
        counters = before >= 2 * sizes.processors if leftmost else taken <= sizes.block
        right = right or counters or not sizes.outputs
    return Verdict(right, TOP(letters)) if right else Verdict(False, wrong=TOP_WRONG(letters))


def in_blocks(sizes: Sizes, size: int) -> Verdict:
    """blocks:B with a rule that takes all that is ready in its block: right, and a step for each piece of a block of the run."""
    steps = 0
    for window in _windows(sizes, size):
        pieces = len(_cuts(sizes, window)) - 1
        steps += pieces + _outputs_wait(sizes, window)
    return Verdict(True, steps)


def in_blocks_top(sizes: Sizes, size: int, taken: int) -> Verdict:
    """blocks:B+top:K: right if and only if each piece of a block of the run, but the last of its window, is a multiple of K, and
    outputs are not taken before the counters in their window."""
    right = all(_top_in_window(sizes, window, taken) for window in _windows(sizes, size))
    return Verdict(right, forced_steps(sizes, taken, size) if right else None)


def forced_steps(sizes: Sizes, taken: int, size: int | None = None) -> int:
    """The decoding steps of blocks:B+top:K, or of top:K, right or wrong."""
    return sum(ceil(len(window) / taken) for window in _windows(sizes, size or sizes.total))


def _top_in_window(sizes: Sizes, window: range, taken: int) -> bool:
    cuts = _cuts(sizes, window)
    if any((end - begin) % taken for begin, end in zip(cuts, cuts[1:-1])):
        return False
    if not _outputs_wait(sizes, window):
        return True
    trace = sizes.block * sizes.time
    begin, end = trace - 2 * sizes.processors, trace - sizes.processors  # the counters of block T, which are taken first
    counters = end - max(cuts[-2], begin)
    return ceil(counters / taken) * taken <= trace - cuts[-2]


def _windows(sizes: Sizes, size: int) -> Iterator[range]:
    return (range(start, min(start + size, sizes.total)) for start in range(0, sizes.total, size))


def _cuts(sizes: Sizes, window: range) -> list[int]:
    """Where blocks of the run begin in a window, with its two ends. Outputs belong to the last block."""
    inner = [begin for begin in range(sizes.block, sizes.block * sizes.time, sizes.block) if window.start < begin < window.stop]
    return [window.start, *inner, window.stop]


def _outputs_wait(sizes: Sizes, window: range) -> bool:
    """Whether a window has outputs, and counters of block T, for which they wait."""
    trace = sizes.block * sizes.time
    return window.start < trace - sizes.processors and window.stop > trace


# -- forms for any halts -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """The rows that become ready together in parallel order: how many, the sum of their entropies, the largest of 1 - confidence,
    and whether any masked row is not ready."""

    rows: int
    entropy: float
    doubt: float
    others: bool


def factor(levels: Sequence[Level], most: float, vocabulary: int) -> Verdict:
    """factor:f takes the n surest tokens while (n + 1) (1 - c_n) < f: right if and only if f <= (rows + 2) (1 - 1 / (V - 1)) for the
    rows that are ready in each step."""
    wrong = _first(level.others and most > (level.rows + 2) * (1 - 1 / (vocabulary - 1)) for level in levels)
    if wrong:
        return Verdict(False, wrong=wrong)
    return Verdict(True, len(levels) if all((level.rows + 1) * level.doubt < most for level in levels) else None)


def entropy_published(levels: Sequence[Level], most: float, word: float) -> Verdict | None:
    """entropy:gamma as published, sum - max <= gamma: wrong in step 1 from the sum of the first rows on; right below the entropy of a
    word, which each block takes last. word: this entropy. None: in between, it depends on how the sums of blocks fall."""
    if levels[0].others and most >= levels[0].entropy:
        return Verdict(False, wrong=1)
    return Verdict(True) if most < word or not any(level.others for level in levels) else None


def entropy_corrected(levels: Sequence[Level], most: float, unready: float) -> Verdict:
    """entropy:gamma with the last token counted, sum <= gamma: right if and only if gamma is less than the entropy of a row that is
    not ready with those of the rows that are. unready: this entropy, ln(V - 1)."""
    wrong = _first(level.others and most >= level.entropy + unready for level in levels)
    if wrong:
        return Verdict(False, wrong=wrong)
    return Verdict(True, len(levels) if all(most >= level.entropy for level in levels) else None)


def everything(levels: Sequence[Level]) -> Verdict:
    """A rule that takes every row: wrong in step 1, unless all rows are ready then."""
    wrong = _first(level.others for level in levels)
    return Verdict(False, wrong=wrong) if wrong else Verdict(True, len(levels))


def _first(found: Iterator[bool]) -> int | None:
    """The number, from 1, of the first that is true; None if none is."""
    return next((number for number, each in enumerate(found, 1) if each), None)
