"""Why a sampler is right or wrong on a run, in plain words, by the theorem that speaks about it."""

from __future__ import annotations

from math import log

from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.samplers import sampler
from lockstep.models.samplers.blocks import Blocks
from lockstep.models.samplers.entropy import Entropy
from lockstep.models.samplers.entropy_sum import EntropySum
from lockstep.models.samplers.factor import Factor
from lockstep.models.samplers.joint import Joint
from lockstep.models.samplers.rule import Rule
from lockstep.models.samplers.threshold import Threshold
from lockstep.models.samplers.top import Top
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, run
from lockstep.proofs_check.decoding import pick_engine
from lockstep.proofs_check.samplers.counting import Counted, Truth
from lockstep.proofs_check.samplers.holding import Held, hold
from lockstep.proofs_check.samplers.judging import waits, writes_back


def explain_job(
    job: Job, sampling: Sampling, compiled: Compiled | None = None, max_steps: int = DEFAULT_MAX_STEPS
) -> tuple[str, ...]:
    """The sentences of `explain` on the run of a job. A sampler that may change what it has written is decoded.

    Args:   sampling: names the sampler. compiled: the model; None: one with the least widths.
    Raises: PramError: the machine refuses the run.
    """
    assert sampling.sampler is not None, "no sampler"
    if sampling.temperature != 1 or sampling.noise is not None:
        return ("What is known of samplers holds at temperature 1, without noise: so nothing is said about this decode.",)
    time = run(job, max_steps=max_steps).time
    model = compiled or compile_job(job, time)
    truth = Truth.of(model, job, time)
    decodes = writes_back(sampler(sampling.sampler))
    chosen = pick_engine(sampling, len(truth.final), len(truth.masked), causal=False)
    return explain(truth, hold(truth, sampling.sampler, model if decodes else None, chosen))


def explain(truth: Truth, held: Held) -> tuple[str, ...]:
    """Sentences that say whether a sampler is right on a run, what goes wrong first, and why. Nothing is said of what was not found."""
    found, rules = held.outcome, sampler(held.sampler)
    if found is None:
        return (f"{held.sampler} may change what it has written, so only a decode says whether it is right.",)
    if held.judged is None:
        why = "No closed form speaks about it on this run: this was counted from the machine's run, step by step."
        why = (
            why if held.counted else "No theorem speaks about it on this run: it may change what it has written, and was decoded."
        )
    elif held.counted is None:
        why = f"{_of_writing_back(truth, rules.rule)} Theorem: {held.judged.theorem}."
    else:
        why = f"{_why(truth, rules.rule, found)} Theorem: {held.judged.theorem}."
    return (*_what(held.sampler, found, counted=held.counted is not None), why)


def _what(text: str, found: Counted, counted: bool) -> tuple[str, ...]:
    wrong = found.wrong
    if not found.ended:
        return (
            f"{text} writes no wrong token on this run, but masks tokens again and again: it was stopped after {found.steps:,} steps.",
        )
    if wrong is None:
        early = "takes a row that is not ready" if counted else "writes a wrong token"
        return (f"{text} is right on this run: none of its {_rows(found.steps, 'decoding step')} {early}.",)
    first = f"{wrong.place}: the model writes {wrong.found} there, and the machine has {wrong.expected}."
    if not counted:
        return (f"{text} is wrong on this run: decoding step {wrong.step} writes the first wrong token, {first}",)
    return (
        f"{text} is wrong on this run: decoding step {wrong.step} takes {_rows(found.taken)}, "
        f"and {found.early} of them {'is' if found.early == 1 else 'are'} not ready; "
        f"{_rows(found.ready)} {'is' if found.ready == 1 else 'are'}.",
        f"The first one that is not is {first}",
    )


def _of_writing_back(truth: Truth, rule: Rule) -> str:
    if isinstance(rule, Joint):
        unready = truth.unready.confidence
        least = f"1 / (V - 1) = {unready:.3g}. Q is {rule.edited:g}"
        edits = "each becomes the first of equals, BOS" if rule.edited < unready else "none is edited"
        return f"Rows that hold a token score all tokens equally, {least}, so {edits}."
    return "What is masked again lies in the block of the run that is being filled, and nothing is written behind it."


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
