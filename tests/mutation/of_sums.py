"""Mutants of heads that add up: what a share is, which heads have one, how far the reference may be, and what engines check."""

from __future__ import annotations

from typing import Any

from lockstep.models.engines import distances, indexed, lookups, plan, shares
from lockstep.models.engines.indexed import IndexedSession, LayerTables
from mutation.planting import Attribute, Rewrite
from mutation.table import Mutant

AREA, CHECK = "sums of engines", "sums by indexed"


def row(breaks: str, function: Any, old: str, new: str, equivalent: str = "") -> Mutant:
    return Mutant(AREA, breaks, Rewrite(function, old, new), CHECK, equivalent)


MUTANTS = (
    row("what does not fit in one integer is not read", lookups.parted, "for p in parts", "for p in parts[:1]"),
    row("rows weigh nothing beside the sink", shares.Share.of, "math.exp(-exponent) + 2 * unit", "2 * unit"),
    row("the sums of a share do not round", shares.Share.of, "math.exp(-exponent) + 2 * unit", "math.exp(-exponent)"),
    row("O may be any factor", shares.Share.of, "(rounded + 16 * unit)", "(16 * unit)"),
    row("exp and division do not round", shares.Share.of, "(rounded + 16 * unit)", "rounded"),
    row("a factor does not count", shares.Share.of, "(factor * a_row)", "a_row"),
    row("shares are not replaced by sums", shares._ideal, "np.rint(to_float64(o[head]) * math.exp(-share.exponent))", "o[head]"),
    row("weights of which too little is left are no reason", shares._share,
        "share if share.more < min(share.most, MOST_MORE) else None", "share"),
    row("other rows may weigh something", lookups._adding, "min(steps, default=vanishing) + share.exponent < vanishing", "False"),
    row("silence may cost little", lookups._adding, "[found.silence] if found.silence else []", ""),
    row("a head adds up several numbers", lookups._adding, "len(reads.low) != 1 or ", ""),
    row("numbers may be below 0", lookups._adding, "reads.low[0] != 0 or ", ""),
    row("keys that are found score more than the sink", plan._head_plan, "p.share.exponent if p.share else 0", "0"),
    row("a row may weigh almost nothing", plan._head_plan, "math.ceil(VANISHING[model.dtype]) if p.share else 0",
        "p.share.exponent if p.share else 0"),
    row("sums may be larger than what is read", plan._head_plan, "p.share.most, p.share.more, p.largest",
        "p.share.most, p.share.more, 1 << 39"),
    row("the number of rows does not limit a sum", plan._head_plan, "p.share.most, p.share.more, p.largest",
        "1 << 50, p.share.more, p.largest"),
    row("a head may ask for a share", distances._Follow.through_heads,
        'self._bear_nothing("a head asks for a share", lookup.queries, lookup.keys, lookup.bias[None], lookup.asks[None])', "pass"),
    row("copies of shares are exact", distances._Follow._found,
        "off + self._rounded(np.count_nonzero(size, axis=1), size @ x.size)", "0.0"),
    row("shares are exact", distances._Follow._found, "LARGEST_OFF / np.abs(lookup.writes).max(axis=1)", "0 * off"),
    row("what gates write is exact", distances._Follow._add_gates, "off + self._rounded(terms + 1, largest + before + off)", "off"),
    row("gates that pass on a distance are exact", distances._Follow.through_gates, "steepest * error", "0.0"),
    row("an edit bit may read a share", distances._Follow.at_readout,
        'self._bear_nothing("a control bit reads a share", to_float64(model.control_weight))', "pass"),
    Mutant(AREA, "logits may be far off", Attribute(distances, "LARGEST_LOGIT_OFF", 1e9, "1/4 -> 10^9"), CHECK),
    row("a sum may have any number of terms", distances._Follow._rounded, "terms.max(initial=0) > MOST_TERMS", "False"),
    row("a gate bears a distance at its end", distances._slope, "np.inf) + off", "np.inf)"),
    row("a gate bears a distance at its start", distances._slope, "(kinks - off)", "kinks"),
    row("any integer is a value of a form", distances._slope, "float(np.gcd.reduce(np.abs(form[form != 0]).astype(np.int64)))", "1.0"),
    row("a share that is too far is none the less a sum", LayerTables.propagate, "raise Unsuitable(FAR_FROM_SUM)", "pass"),
    row("the first row may give something", LayerTables.start, "self.sink.value[self.heads.sums[:, 0] > 0].any()", "False"),
    row("sums may run over into the number of rows", LayerTables.__init__, ">= 1 << MOST_SUM_BITS", "< 0"),
    row("an edit takes a token that roundings choose", IndexedSession._require_certain,
        'raise Unsuitable("a token is the best one by too little")', "pass"),
    row("masks that stay masks must be certain", IndexedSession._require_certain, " & ~remask", ""),
    row("masks that are deleted must be certain", IndexedSession._require_certain, " & ~delete", ""),
    row("probabilities are as near as without shares", indexed._unclear, "-2 * off", "0 * off"),
    row("probabilities above the threshold are as near as without shares", indexed._unclear, "THRESHOLD + margin, 2 * off",
        "THRESHOLD + margin, 0 * off"),
)  # fmt: skip
