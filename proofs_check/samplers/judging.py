"""Which closed form speaks about a rule on a run, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

from lockstep.models.processes import THRESHOLD
from lockstep.models.samplers.anchor import Anchor
from lockstep.models.samplers.blocks import Blocks
from lockstep.models.samplers.cap import Cap
from lockstep.models.samplers.entropy import Entropy
from lockstep.models.samplers.entropy_sum import EntropySum
from lockstep.models.samplers.factor import Factor
from lockstep.models.samplers.joint import Joint
from lockstep.models.samplers.parallel import Parallel
from lockstep.models.samplers.reading import Rules
from lockstep.models.samplers.remasking import NEWEST
from lockstep.models.samplers.rescale import Rescale
from lockstep.models.samplers.rule import Rule
from lockstep.models.samplers.threshold import Threshold
from lockstep.models.samplers.top import Top
from lockstep.proofs_check.samplers import forms
from lockstep.proofs_check.samplers.counting import Truth
from lockstep.proofs_check.samplers.forms import Level, Verdict

#: The names of theorems of samplers.
THRESHOLDS, TOP, BLOCKS, FACTOR, ENTROPY = (
    f"sampler {form}" for form in ("threshold:P", "top:K", "blocks:B", "factor:F", "entropy:GAMMA")
)
WRITING_BACK = "writing back"
#: Orders that put a ready row before one that is not, wherever they stand.
SURE = ("confidence", "margin", "entropy")


@dataclass(frozen=True)
class Judgement:
    """What a theorem says of a rule on a run."""

    theorem: str
    verdict: Verdict


def judge(truth: Truth, rules: Rules) -> Judgement | None:
    """What a closed form says of a sampler on a run; None if none speaks about it: then `count` decides, or a decode."""
    if writes_back(rules):
        return _named(WRITING_BACK, _writing_back(truth, rules))
    return _picking(truth, rules.rule)


def writes_back(rules: Rules) -> bool:
    """Whether a sampler may change tokens that it has written. Given tokens stay as they are, so writing them back changes nothing."""
    return any(not isinstance(back, Anchor) for back in rules.back)


def _picking(truth: Truth, rule: Rule) -> Judgement | None:
    match rule:
        case Blocks(size, inner):
            return _named(BLOCKS, _in_blocks(truth, size, inner))
        case Top(most, first):
            return _named(TOP, _top(truth, most, first))
        case Factor(factor):
            return _named(FACTOR, forms.factor(truth.levels, factor, truth.vocabulary.size))
        case Entropy(most, "entropy"):
            return _named(ENTROPY, forms.entropy_published(truth.levels, most, truth.ready["WORD"].entropy))
        case EntropySum(most, "entropy"):
            return _named(ENTROPY, forms.entropy_corrected(truth.levels, most, truth.unready.entropy))
        case Parallel() | Threshold():
            return _named(THRESHOLDS, _threshold(truth, rule))
    return None


def _writing_back(truth: Truth, rules: Rules) -> Verdict | None:
    """joint:P:Q edits every written row of its reach from Q < 1 / (V - 1) on, and else none. What `wino` and `,newest` mask again, in
    blocks that divide 3 P, has nothing written behind it: right, if the decode ends."""
    match rules.rule:
        case Joint(least, edited) if not any(isinstance(back, (Cap, Rescale)) for back in rules.back):
            if edited >= truth.unready.confidence:
                return _threshold(truth, Threshold(least, "confidence"))
            return Verdict(False, wrong=2) if least >= truth.unready.confidence else None
        case Blocks(size, inner) if truth.sizes.block % size == 0 and not isinstance(inner, Joint):
            again = [back for back in rules.back if isinstance(back, (Cap, Rescale))]
            return Verdict(True) if all(back.where == NEWEST for back in again) else None
    return None


def _named(theorem: str, verdict: Verdict | None) -> Judgement | None:
    return None if verdict is None else Judgement(theorem, verdict)


def _top(truth: Truth, most: int, first: str) -> Verdict | None:
    if most == 1 and first != "random":
        return Verdict(True, forms.ONE_BY_ONE(truth.sizes.letters))
    if not truth.together or first == "random":
        return None
    return forms.top(truth.sizes, most, first == "left-to-right")


def _threshold(truth: Truth, rule: Parallel | Threshold) -> Verdict | None:
    """threshold:P takes every row from 1 / (V - 1) on, and rows that are ready alone above."""
    least = rule.least if isinstance(rule, Threshold) else THRESHOLD
    if least <= truth.unready.confidence:
        return forms.everything(truth.levels)
    if _takes_what_is_ready(truth, rule):
        return Verdict(True, len(truth.levels))
    return Verdict(True) if waits(truth, rule) else None


def _takes_what_is_ready(truth: Truth, rule: Rule) -> bool:
    """Whether a rule takes all rows that are ready, and no others."""
    match rule:
        case Parallel():
            return True
        case Threshold(least):
            return truth.unready.confidence < least <= truth.least_confidence
    return False


def _in_blocks(truth: Truth, size: int, inner: Rule) -> Verdict | None:
    sizes = truth.sizes
    if sizes.block % size == 0:
        return Verdict(True, _steps_of_dividing(truth, size, inner))
    if truth.together and _takes_what_is_ready(truth, inner):
        return forms.in_blocks(sizes, size)
    if truth.together and isinstance(inner, Top) and inner.first in SURE:
        return forms.in_blocks_top(sizes, size, inner.most)
    return Verdict(True) if waits(truth, inner) else None


def waits(truth: Truth, rule: Rule) -> bool:
    """Whether a rule takes no row that is not ready, however many are, if there is one that is ready."""
    match rule:
        case Parallel():
            return True
        case Threshold(least, first):
            return least > truth.unready.confidence and first != "random"
        case Factor(factor):
            return forms.factor([Level(1, 0, 0, True)], factor, truth.vocabulary.size).right
        case EntropySum(most, "entropy"):
            return most < truth.unready.entropy
        case Top(1, first):
            return first != "random"
    return False


def _steps_of_dividing(truth: Truth, size: int, inner: Rule) -> int | None:
    """All masks of a block are ready when its turn comes."""
    letters = truth.sizes.letters | {"B": size}
    if _takes_what_is_ready(truth, inner):
        return forms.DIVIDING(letters)
    return forms.DIVIDING_TOP(letters | {"K": inner.most}) if isinstance(inner, Top) else None
