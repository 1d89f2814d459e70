"""Mutants of verdicts of samplers: each closed form off by one somewhere, what counting takes for ready, and what is said of a run."""

from __future__ import annotations

from typing import Any

from lockstep.commands.compare import samplers
from lockstep.commands.compare.samplers import SamplerComparison
from lockstep.proofs_check.closed_forms import ClosedForm
from lockstep.proofs_check.constructions.readiness import Waiting
from lockstep.proofs_check.samplers import certainties, counting, explaining, forms, holding, judging, writing_back
from lockstep.proofs_check.samplers.counting import Truth
from lockstep.proofs_check.samplers.holding import Held
from mutation.planting import Attribute, Entry, Rewrite
from mutation.table import Mutant

AREA = "verdicts of samplers"
FORMS, DECODED, CERTAIN, BACK = "forms of samplers", "samplers decoded", "certainties", "tokens written back"
WORDS, ROWS, ORDER = "why samplers are wrong", "comparisons of samplers", "order of samplers"


def row(breaks: str, function: Any, old: str, new: str, check: str = FORMS, equivalent: str = "") -> Mutant:
    return Mutant(AREA, breaks, Rewrite(function, old, new), check, equivalent)


def form(breaks: str, name: str, text: str) -> Mutant:
    """Another text of a closed form."""
    return Mutant(AREA, breaks, Attribute(forms, name, ClosedForm(text), f"{getattr(forms, name).text} -> {text}"), FORMS)


MUTANTS = (
    # top:K
    form("top:K rounds its steps down", "TOP", "(3 * P * T + out) / K"),
    form("top:K divides P", "TOP_LEFT", "P % K"),
    form("top:K is wrong a step early", "TOP_WRONG", "3 * P / K"),
    form("one leaves the outputs out", "ONE_BY_ONE", "3 * P * T"),
    row("top:K in one step is as in many", forms.top, "sizes.time == 1", "sizes.time == 0"),
    row("top:K in two steps is as in one", forms.top, "sizes.time == 1", "sizes.time <= 2"),
    row("top:K in one step: one row more", forms.top, "taken <= sizes.block", "taken <= sizes.block + 1"),
    row("top:K in one step, no outputs", forms.top, " or not sizes.outputs", ""),
    row("top:K from the left: counters end a row later", forms.top, ">= 2 * sizes.processors", "> 2 * sizes.processors"),
    row("top:K of random rows has a closed form", judging._top, 'or first == "random"', ""),
    row("top:1 of random rows is right", judging._top, ' and first != "random"', ""),
    row("top:K: halts need not be together", judging._top, "not truth.together or ", ""),
    # blocks:B
    form("blocks:B has half a window", "DIVIDING", "3 * P * T / B + out / B"),
    form("blocks:B+top:K: outputs without the last window", "DIVIDING_TOP", "3 * P * T / B * ceil(B / K) + out / B * ceil(B / K)"),
    form("blocks:B+top:K: windows rounded down", "DIVIDING_TOP", "3 * P * T / B * (B / K) + out / B * ceil(B / K) + ceil(out % B / K)"),
    row("blocks:B: B divides a row more", judging._in_blocks, "sizes.block % size == 0", "(sizes.block + 1) % size == 0"),
    row("blocks:B: outputs never wait", forms.in_blocks, "pieces + _outputs_wait(sizes, window)", "pieces"),
    row("blocks:B: outputs wait for the A rows", forms._outputs_wait, "trace - sizes.processors and", "trace and"),
    row("blocks:B: outputs wait where there are none", forms._outputs_wait, "window.stop > trace", "window.stop >= trace"),
    row("blocks:B: a window that begins with a block has two pieces", forms._cuts, "window.start < begin", "window.start <= begin"),
    row("blocks:B: outputs are a block of the run", forms._cuts, "sizes.block * sizes.time, sizes.block", "sizes.total, sizes.block"),
    row("blocks:B+top:K: the last piece must be a multiple, too", forms._top_in_window, "cuts[1:-1]", "cuts[1:]"),
    row("blocks:B+top:K: the last piece but one need not be a multiple", forms._top_in_window, "cuts[1:-1]", "cuts[1:-2]"),
    row("blocks:B+top:K: outputs are always there in time", forms._top_in_window, "if not _outputs_wait(sizes, window):", "if True:"),
    row("blocks:B+top:K: counters fill a step less", forms._top_in_window, "ceil(counters / taken)", "(counters // taken)"),
    row("blocks:B+top:K: all V rows come before the counters", forms._top_in_window, "end - max(cuts[-2], begin)", "end - cuts[-2]"),
    row("blocks:B+top:K: halts need not be together", judging._in_blocks, "if truth.together and isinstance(inner, Top)",
        "if isinstance(inner, Top)"),
    row("blocks:B: halts need not be together", judging._in_blocks, "if truth.together and _takes", "if _takes"),
    row("blocks:B: a rule of two rows waits", judging.waits, "case Top(1, first):", "case Top(_, first):"),
    row("blocks:B: random rows wait", judging.waits, 'case Top(1, first):\n            return first != "random"',
        "case Top(1, first):\n            return True"),
    row("blocks:B: factor:F waits for one row more", judging.waits, "[Level(1, 0, 0, True)]", "[Level(2, 0, 0, True)]"),
    # factor:F, entropy:GAMMA, threshold:P
    row("factor:F counts one row less", forms.factor, "(level.rows + 2)", "(level.rows + 1)"),
    row("factor:F takes rows that are not ready for impossible", forms.factor, "* (1 - 1 / (vocabulary - 1))", ""),
    row("factor:F: all tokens are as likely, with MASK", forms.factor, "(vocabulary - 1)", "vocabulary"),
    row("factor:F: parallel from one row less on", forms.factor, "(level.rows + 1) * level.doubt", "level.rows * level.doubt"),
    row("factor:F: no rows are left in any step", forms.factor, "level.others and", "False and"),
    row("factor:F: rows are left in the last step", Truth.__init__, "number < len(steps)", "True"),
    row("entropy:GAMMA counts its last row", forms.entropy_published, "most >= levels[0].entropy", "most >= levels[0].entropy + 1"),
    row("entropy:GAMMA is right up to two words", forms.entropy_published, "most < word", "most < 2 * word"),
    row("entropy-sum:GAMMA does not count its last row", forms.entropy_corrected, "level.entropy + unready for", "level.entropy for"),
    row("entropy-sum:GAMMA: ready rows count nothing", forms.entropy_corrected, "level.entropy + unready for", "unready for"),
    row("entropy-sum:GAMMA is always parallel", forms.entropy_corrected, "if all(most >= level.entropy for level in levels)", "if True"),
    row("threshold:P is right at 1 / (V - 1)", judging._threshold, "least <= truth", "least < 0.5 * truth"),
    row("threshold:P is parallel above its least row", judging._takes_what_is_ready, "< least <= truth.least_confidence", "< least <= 1"),
    # what is ready, and what it says of itself
    row("outputs are ready a counter early", Waiting.released_by, "not self.running", "self.running < 2", DECODED),
    row("blocks are ready a row early", Waiting.released_by, "if not self.missing[step]", "if self.missing[step] < 2", DECODED),
    row("who halts waits for the others", Waiting.released_by, 'role == "C" and self.final[row] == self.halt', "False", DECODED),
    row("rows that are not ready are taken for right", counting.count, "taken[~ready[taken]]", "taken[:0]", DECODED),
    row("the last wrong token is the first", counting.count, "min(early)", "max(early)", DECODED),
    row("random rules draw from another seed", counting.count, "default_rng(seed)", "default_rng(seed + 1)", DECODED),
    row("rows that are not ready give the machine's token", Truth.wrong, "self._bos if found is None else found",
        "int(self.final[position]) if found is None else found", DECODED),
    row("decodes are not compared with counting", Held._from_decode, "self.decoded.wrong != self.counted.wrong", "False", DECODED),
    row("orders are not compared with counting", Held._from_decode, "elif not np.array_equal(self.decoded.order, self.counted.order)",
        "elif False", DECODED),
    row("wrong tokens of a decode are not seen", holding.decode_beside, "tokens[rows] != truth.final[rows]", "tokens[rows] < 0", DECODED),
    row("a row that is not ready has MASK among its tokens", certainties.of_unready, "vocabulary.size - 1", "vocabulary.size", CERTAIN),
    row("a bit more is certain", certainties.of_ready, "own, rest = (1 + wrong) ** bits", "own, rest = (1 + wrong) ** (bits + 1)", CERTAIN),
    row("kinds lead by a bit less", certainties.of_ready, "vocabulary.most_bits + 2", "vocabulary.most_bits + 1", CERTAIN),
    row("tokens without bits have no second", certainties.of_ready, "[wrong] * bool(bits)", "[wrong]", CERTAIN),
    row("other kinds have no entropy", certainties.of_ready, "- log(share)", "", CERTAIN),
    row("tau counts ties", counting.left_to_right, "bisect_left(before", "bisect_right(before", ORDER),
    row("tau is turned round", counting.left_to_right, "rising - falling) /", "falling - rising) /", ORDER),
    # what is written back
    row("tokens that are masked alone come back", writing_back.comes_back, 'field == "output" or truth', "True or truth", BACK),
    row("outputs do not come back", writing_back.comes_back, 'field == "output" or ', 'field != "output" and ', BACK),
    Mutant(AREA, "a masked destination comes back as a register", Entry(writing_back.FILLS, "FILLS", "A", "REG", "NONE -> REG"), BACK),
    row("newest blocks begin a block early", writing_back.newest, "// size * size", "// size * size - size", BACK),
    row("outputs are a block of their own", writing_back.newest, "min(int(written[-1]), layout.first_output - 1)", "int(written[-1])",
        BACK),
    row("rows that prefer a token are flat", writing_back._scores_equally, "(logits.kinds == logits.kinds[:, :1]).all(axis=1)",
        "(logits.kinds < 0).any(axis=1)", BACK),
    row("a token of small probability comes back", writing_back._given_back, "truth.final.copy()\n    tokens[row]",
        "truth.final.copy()\n    tokens[0]", BACK),
    row("samplers that write back are counted", judging.writes_back, "not isinstance(back, Anchor)", "False", BACK),
    row("anchored tokens change", judging.writes_back, "not isinstance(back, Anchor)", "True", BACK),
    row("joint:P:Q edits from 0 on alone", judging._writing_back, "edited >= truth.unready.confidence", "edited > 0", BACK),
    row("joint:P:Q edits in step 1", judging._writing_back, "wrong=2", "wrong=1", BACK),
    row("tokens masked again anywhere are safe", judging._writing_back, "back.where == NEWEST", "True", BACK),
    row("tokens masked again in any block are safe", judging._writing_back, "if truth.sizes.block % size == 0 and", "if", BACK),
    row("a decode without an end is right", counting.Counted.right, " and self.ended", "", BACK),
    # what is said
    row("samplers that are wrong are called right", explaining._what, "wrong is None", "True", WORDS),
    row("what is left of a block is said wrong", explaining._of_top, "left = size % most", "left = most - size % most", WORDS),
    row("closed forms are not named", explaining.explain, "rule, found)} Theorem: {held.judged.theorem}.", "rule, found)}", WORDS),
    row("a decode without an end is said to be right", explaining._what, "not found.ended", "False", BACK),
    row("samplers are explained at any temperature", explaining.explain_job, "sampling.temperature != 1", "False", WORDS),
    row("samplers are explained with noise", explaining.explain_job, "sampling.noise is not None", "False", WORDS),
    row("what writes back is explained without a decode", explaining.explain_job, "model if decodes else None", "None", WORDS),
    row("rows that differ are no failure", SamplerComparison.holds, "row.held.differences", "False", ROWS),
    row("contexts of samplers have no limit", samplers._undecodable, "length > max_context", "False", ROWS),
    row("decoding steps of samplers have no limit", samplers._row, "steps > most", "False", ROWS),
)  # fmt: skip
