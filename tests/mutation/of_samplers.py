"""Mutants of samplers: what they see, what they pick, what they write back, and what they are refused for."""

from __future__ import annotations

from typing import Any

from lockstep.models import alone, editing, picking
from lockstep.models.samplers import guesses, reading, remasking
from lockstep.models.samplers.anchor import Anchor
from lockstep.models.samplers.blocks import Blocks
from lockstep.models.samplers.cap import Cap
from lockstep.models.samplers.entropy import Entropy
from lockstep.models.samplers.entropy_sum import EntropySum
from lockstep.models.samplers.factor import Factor
from lockstep.models.samplers.first import FIRST
from lockstep.models.samplers.joint import Joint
from lockstep.models.samplers.noise import Noise
from lockstep.models.samplers.parallel import Parallel
from lockstep.models.samplers.rescale import Rescale
from lockstep.models.samplers.rule import Number, Written
from lockstep.models.samplers.threshold import Threshold
from lockstep.models.samplers.top import Top
from lockstep.models.samplers.wino import Wino
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.agreement import Beside
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

GUESSES, PICKS, TEXTS = "guesses of samplers", "picks of samplers", "texts of samplers"
BACK, ENGINES = "what samplers write back", "sampled decodes by every engine"
RUNS, AGAIN = "sampled runs beside the machine", "sampled runs that are masked again"


def row(breaks: str, function: Any, old: str, new: str, check: str) -> Mutant:
    return Mutant("samplers", breaks, Rewrite(function, old, new), check)


SEEN = (
    row("other tokens have no probability", guesses._log_of_sum, "rest.sum(axis=1)", "0 * rest.sum(axis=1)", GUESSES),
    row("the margin is the confidence", guesses.guess, " * -np.expm1(_second(tops, gaps, bits, kind))", "", GUESSES),
    row("the second best token is of another kind", guesses._second, "-least[each, bits[kind]]", "-np.inf", GUESSES),
    row("the second best token has another bit that its kind lacks", guesses._second, "least[each, bits[kind]]", "least[:, -1]",
        GUESSES),
    row("the entropy is that of kinds", guesses.guess, "_summed(_entropy_of_bit(gaps))[:, bits] - logs", "-logs", GUESSES),
    row("the entropy of a bit is that of its rarer value", guesses._entropy_of_bit, "np.log1p(rare) + ", "", GUESSES),
    row("temperature multiplies", guesses._scaled, "/ temperature", "* temperature", GUESSES),
    row("noise is left out", guesses._scaled, "exact + getattr(noise, part)", "exact", GUESSES),
    row("guesses are computed in float32", guesses._scaled, "np.float64", "np.float32", GUESSES),
    row("MASK is guessed", guesses.guess, "name == MASK", "name == ''", GUESSES),
    row("a token has bits that its kind lacks", guesses._tokens, "(values & (1 << bits) - 1)", "values", GUESSES),
    row("a chance is that of another value", guesses.chances, "& 1 == 1", "& 1 == 0", GUESSES),
    row("noise is never negative", Noise.draw, "-self.size, self.size", "0, self.size", GUESSES),
)  # fmt: skip

PICKED = (
    row("positions at the threshold stay masked", Parallel.pick, ">= THRESHOLD", "> THRESHOLD", PICKS),
    row("what is not ready is taken", Threshold.pick, ">= self.least", ">= 0", RUNS),
    row("a threshold may take none", Threshold.pick, "if len(ready) else", "if True else", PICKS),
    row("one more than K is taken", Top.pick, "[: self.most]", "[: self.most + 1]", RUNS),
    row("picks are not in order", Top.pick, "np.sort(", "(", PICKS),
    Mutant("samplers", "margin means confidence",
           Entry(FIRST, "lockstep.models.samplers.first.FIRST", "margin", FIRST["confidence"], "that of confidence"), PICKS),
    Mutant("samplers", "left to right means confidence",
           Entry(FIRST, "lockstep.models.samplers.first.FIRST", "left-to-right", FIRST["confidence"], "that of confidence"), PICKS),
    row("factor counts one position less", Factor.pick, "+ 2)", "+ 1)", PICKS),
    row("factor may take none", Factor.pick, "max(1, ", "max(0, ", PICKS),
    row("the EB-Sampler counts its last token", Entropy.pick, " - np.maximum.accumulate(entropies)", "", PICKS),
    row("the corrected bound leaves its last token out", EntropySum.pick, ".cumsum()", ".cumsum() - guesses.entropy[order]", PICKS),
    row("a block is begun too early", Blocks.pick, "blocks == blocks[0]", "blocks <= blocks[0] + 1", RUNS),
    row("blocks begin at position 0", Blocks.pick, "guesses.rows - state.first", "guesses.rows", PICKS),
    row("WINO unmasks without a limit", Wino.pick, "min(max(1, sure), most)", "max(1, sure)", PICKS),
    row("WINO takes what is at its bound", Wino.pick, "> self.least", ">= self.least", PICKS),
    row("JointThreshold may take none", Joint.pick, "if len(sure) else", "if True else", PICKS),
)  # fmt: skip

WRITTEN = (
    row("anchoring is left out", Anchor.write, "return rows, step.start[rows]", "return rows[:0], step.start[rows[:0]]",
        "anchored tokens"),
    row("anchoring masks what is generated", Anchor.write, "(step.start != step.mask) & ", "", BACK),
    row("given tokens are masked again", remasking.masked_again, "(step.start == step.mask) & ", "", BACK),
    row("tokens of this step are masked again", remasking.masked_again, "(step.before != step.mask)", "(step.after != step.mask)",
        BACK),
    row("the newest block is the whole sequence", remasking.masked_again, "step.reach[step.after[step.reach] != step.mask]",
        "np.flatnonzero((step.start == step.mask) & (step.after != step.mask))", AGAIN),
    row("the largest chance is the share of masks", remasking.largest_sigma, "(1 - after) / before", "1 - after", BACK),
    row("the cap knows no largest chance", Cap.write, "min(self.eta, largest)", "self.eta", BACK),
    row("rescale caps", Rescale.write, "self.eta * largest", "min(self.eta, largest)", BACK),
    row("WINO masks again after one token", Wino.write, "step.picked <= 1 or ", "", BACK),
    row("WINO masks as many again as it unmasked", Wino.write, "max(0, last - 1)", "last", BACK),
    row("WINO masks the surest again", Wino.write, "np.argsort(chances,", "np.argsort(-chances,", BACK),
    row("edits have the threshold of masks", Joint.write, "> self.edited", "> self.least", BACK),
    row("masks are edited, too", Written.held.fget, "self.before[self.reach] != self.mask", "self.before[self.reach] == self.mask",
        BACK),
    row("tokens are masked together instead of alone", alone.logits_alone, "sequences[np.arange(len(chunk)), chunk]",
        "sequences[:, chunk]", BACK),
    row("edits end with the last mask", picking.Picker.goes_on, "self.left > 0 and not self.idle", "False", AGAIN),
    row("masks that are there again are wrong tokens", Beside._written, "return written", "return changed", AGAIN),
)  # fmt: skip

DECODES = (
    row("new predictions are not seen", picking.Picker.edits, "rows[tokens[rows] == self.vocabulary.mask]", "rows[:0]", RUNS),
    row("the seed of a sampler is ignored", picking.Picker.__init__, "np.random.default_rng(sampling.seed)",
        "np.random.default_rng(0)", ENGINES),
    row("the seed of noise is ignored", picking.Picker.__init__, "sampling.noise.seed if", "0 if", ENGINES),
    row("an engine makes steps itself", Sampling.chooses.fget, " or self.sampler is not None", "", ENGINES),
    row("the order picks although there is a sampler", editing.SequenceEditor._edits, "if self.picker is not None:", "if False:",
        "sampled decodes beside plain Python"),
)  # fmt: skip

REFUSED = (
    row("every process takes a sampler", picking.check_sampler, "if process != PROCESS:", "if False:", "refusals of samplers"),
    row("a sampler and an order go together", picking.check_sampler, 'if sampling.order != "parallel":', "if False:",
        "refusals of samplers"),
    row("a sampler and a sample go together", picking.check_sampler, "if sampling.sample is not None:", "if False:",
        "refusals of samplers"),
    row("temperature may be negative", picking.check_sampler, "not 0 < sampling.temperature < np.inf", "False",
        "refusals of samplers"),
    row("noise without a sampler is ignored", picking.check_sampler, " or sampling.noise is not None", "", "refusals of samplers"),
    row("the first of two rules counts", reading._at_most_one, "if len(found) > 1:", "if False:", TEXTS),
    row("the newest block needs no blocks", reading._written_back, "and where is None:", "and False:", TEXTS),
    row("tokens are masked again twice", reading._written_back, "part.row.name == then.row.name or then.row.suffixes",
        "part.row.name == then.row.name", TEXTS),
    row("0 is in every range", Number.holds, "self.low <= value", "0 <= value", TEXTS),
    row("suffixes are not checked", reading._suffix, "if written not in row.suffixes:", "if False:", TEXTS),
)  # fmt: skip

MUTANTS = (*SEEN, *PICKED, *WRITTEN, *DECODES, *REFUSED)
