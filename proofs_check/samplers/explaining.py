"""Why a sampler is right or wrong on a run, in plain words, by the theorem that speaks about it."""

from __future__ import annotations

from math import log

from lockstep.models.samplers import sampler
from lockstep.models.samplers.blocks import Blocks
from lockstep.models.samplers.entropy import Entropy
from lockstep.models.samplers.entropy_sum import EntropySum
from lockstep.models.samplers.factor import Factor
from lockstep.models.samplers.rule import Rule
from lockstep.models.samplers.threshold import Threshold
from lockstep.models.samplers.top import Top
from lockstep.proofs_check.samplers.counting import Counted, Truth
from lockstep.proofs_check.samplers.holding import Held
from lockstep.proofs_check.samplers.judging import waits


def explain(truth: Truth, held: Held) -> tuple[str, ...]:
    """Sentences that say whether a sampler is right on a run, what goes wrong first, and why."""
    counted, rule = held.counted, sampler(held.sampler).rule
    if held.judged is None:
        why = "No closed form speaks about it on this run: this was counted from the machine's run, step by step."
    else:
        why = f"{_why(truth, rule, counted)} Theorem: {held.judged.theorem}."
    return (*_what(held.sampler, counted), why)


def _what(text: str, counted: Counted) -> tuple[str, ...]:
    wrong = counted.wrong
    if wrong is None:
        return (
            f"{text} is right on this run: none of its {_rows(counted.steps, 'decoding step')} takes a row that is not ready.",
        )
    return (
        f"{text} is wrong on this run: decoding step {wrong.step} takes {_rows(counted.taken)}, "
        f"and {counted.early} of them {'is' if counted.early == 1 else 'are'} not ready; "
        f"{_rows(counted.ready)} {'is' if counted.ready == 1 else 'are'}.",
        f"The first one that is not is {wrong.place}: the model writes {wrong.found} there, and the machine has {wrong.expected}.",
    )


def _why(truth: Truth, rule: Rule, counted: Counted) -> str:
    match rule:
        case Top(most):
            return _of_top(truth, most)
        case Blocks(size, inner):
            return _of_blocks(truth, size, inner, counted)
        case Factor(factor):
            return _of_factor(truth, factor, counted)
        case Entropy(most):
            return _of_entropy(truth, most, counted)
        case EntropySum(most):
            return _of_entropy_sum(truth, most)
        case Threshold(least):
            return _of_threshold(truth, least)
    return "It takes only rows whose tokens are certain, and those are the rows that are ready."


def _of_top(truth: Truth, most: int) -> str:
    if most == 1:
        return "It takes one row in each step, the one that comes first, and a row that is ready always comes first."
    size = truth.sizes.block
    if truth.sizes.time == 1:
        return f"The run has one step, so only outputs can be taken too early, in a step that finds fewer than {most} rows ready."
    ready = f"The {size} rows of a block of the run, 3 P, are ready together, and {most} are taken in each step."
    if size % most == 0:
        return f"{ready} {most} divides {size}, so no step needs rows of the next block."
    left = size % most
    return f"{ready} {most} does not divide {size}: step {-(-size // most)} finds {left} left, and takes {most - left} of the next block."


def _of_blocks(truth: Truth, size: int, inner: Rule, counted: Counted) -> str:
    block = truth.sizes.block
    if block % size == 0:
        return f"{size} divides the {block} rows of a block of the run, 3 P: all masks are ready when their turn comes, whichever go first."
    if waits(truth, inner):
        return "The leftmost mask is always ready, and the rule inside takes no row that is not ready while another is."
    if counted.right:
        return f"{size} does not divide the {block} rows of a block of the run, 3 P, but no step here needs more rows than are ready."
    return (
        f"{size} does not divide the {block} rows of a block of the run, 3 P: so the masks of this block of {size} are ready in parts, "
        "and a step that takes a fixed number of rows finds too few of them."
    )


def _of_factor(truth: Truth, factor: float, counted: Counted) -> str:
    unready = 1 - truth.unready.confidence
    least = min((level.rows for level in truth.levels if level.others), default=0)
    if counted.right:
        counts = f"({least} + 2) (1 - 1 / (V - 1)) = {(least + 2) * unready:.6g}"
        return f"A row that is not ready counts at least {counts}, and F is {factor:g}."
    rows = truth.levels[counted.steps - 1].rows
    return (
        f"A row that is not ready counts (r + 2) (1 - 1 / (V - 1)), with r = {rows} rows ready: {(rows + 2) * unready:.6g}. "
        f"F is {factor:g}, and the rule takes rows while they count less."
    )


def _of_entropy(truth: Truth, most: float, counted: Counted) -> str:
    ready = truth.levels[0].entropy
    if counted.right:
        return f"The rows that are ready last in a block have more entropy than {most:g}, so none is taken with them that is not ready."
    return (
        f"The rows that are ready in step 1 have {ready:.3g} nats together, and GAMMA is {most:g}. The last row that is taken counts for "
        "nothing in this rule: so it takes one that is not ready. entropy-sum:GAMMA counts it, too."
    )


def _of_entropy_sum(truth: Truth, most: float) -> str:
    unready = log(truth.vocabulary.size - 1)
    return f"A row that is not ready has ln(V - 1) = {unready:.3f} nats alone, and GAMMA is {most:g}."


def _of_threshold(truth: Truth, least: float) -> str:
    unready = truth.unready.confidence
    return f"The token of a row that is not ready has probability 1 / (V - 1) = {unready:.3g}, and P is {least:g}."


def _rows(number: int, what: str = "row") -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
