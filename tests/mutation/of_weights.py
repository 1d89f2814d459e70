"""Mutants of single weights, in every matrix of a model."""

from __future__ import annotations

from mutation.circuits import column, weight
from mutation.planting import Planting
from mutation.table import Mutant

WEIGHTS = "weights"
#: Heads of masked diffusion and of both schedules: layer, name.
QUERIES = ((1, "fetch", 0), (1, "masked.previous", 3), (2, "x", 0), (2, "y", 2), (3, "memory", 0))


def row(breaks: str, plant: Planting, check: str) -> Mutant:
    return Mutant(WEIGHTS, breaks, plant, check)


MUTANTS = (
    *(row(f"a query of head {head}, negated", weight(layer, "q", head, nth), "agreement of mdm") for layer, head, nth in QUERIES),
    *(
        row(f"a query of head {head}, halved", weight(layer, "q", head, nth, "a half"), "certificate of mdm")
        for layer, head, nth in QUERIES
    ),
    *(row(f"a key of head {head} is 0", weight(layer, "k", head, nth, "0"), "residuals of mdm") for layer, head, nth in QUERIES),
    *(
        row(f"a key of head {head}, one more", weight(layer, "k", head, nth, "one more"), "certificate of mdm")
        for layer, head, nth in QUERIES
    ),
    row("a query of head target, one more", weight(3, "q", "target", 0, "one more"), "certificate of ap-mdm"),
    row("a key of head target, negated", weight(3, "k", "target", 0), "agreement of ap-mdm"),
    row("a key of head hit, negated", weight(3, "k", "hit", 0), "agreement of ap-mdm one-step"),
    row("a query of head hit, one more", weight(3, "q", "hit", 0, "one more"), "certificate of ap-mdm one-step"),
    row("a value of head fetch is 0", weight(1, "v", "fetch", 0, "0"), "proof of mdm"),
    row("a value of head x, one more", weight(2, "v", "x", 0, "one more"), "proof of ap-mdm"),
    row("an output of head memory, negated", weight(3, "o", "memory", 0), "proof of mdm"),
    row("an output of head counter, negated", weight(1, "o", "counter", 0), "proof of ap-mdm one-step"),
    row("program counters are read negative", column(1, "o", "pc"), "agreement of mdm"),
    row("gathered values are negative", column(1, "o", "value"), "agreement of mdm"),
    row("words from memory are negative", column(3, "o", "out"), "agreement of mdm"),
    row("WORD is never emitted", column(1, "w_out", "emit.WORD"), "agreement of mdm"),
    row("register 0 is asked for", column(1, "w_out", "x.index"), "agreement of mdm"),
    row("layer 2 writes the complement", column(2, "w_out", "out"), "agreement of mdm"),
    row("a weight into a hidden unit of layer 1, one more", weight(1, "w_in", nth=40, becomes="one more"), "proof of mdm"),
    row("a weight into a hidden unit of layer 2 is 0", weight(2, "w_in", nth=5, becomes="0"), "proof of ap-mdm one-step"),
    Mutant(
        WEIGHTS,
        "a weight into a hidden unit that never fires is 0",
        weight(2, "w_in", nth=8, becomes="0"),
        "proof of ap-mdm one-step",
        "of the two units of a conjunction the second is relu(s) with s <= 0, with this weight and without it",
    ),
    row("a bias of layer 1, one more", weight(1, "b_in", nth=9, becomes="one more"), "proof of ap-mdm"),
    row("a bias of layer 2, one more", weight(2, "b_in", nth=4, becomes="one more"), "proof of mdm"),
    row("a weight out of a hidden unit of layer 3, negated", weight(3, "w_out", nth=2), "proof of mdm"),
    row("a kind enters with twice its flag", weight(0, "embedding.kind", nth=1, becomes="one more"), "proof of mdm"),
    row("a bit enters negative", weight(0, "embedding.one", nth=0), "agreement of mdm"),
    row("a kind leaves with less than its score", weight(0, "unembedding.kind", nth=0, becomes="a half"), "proof of ap-mdm"),
    row("a rail of a bit that is 1 is 0", weight(0, "unembedding.one", nth=0, becomes="0"), "agreement of ap-mdm one-step"),
    row("a rail of a bit that is 0, negated", weight(0, "unembedding.zero", nth=0), "proof of ap-mdm one-step"),
    row("an edit bit reads its field negated", weight(0, "control_weight", nth=0), "proof of ap-mdm"),
    row("an edit bit is set at 0", weight(0, "control_bias", nth=1, becomes="0"), "certificate of ap-mdm"),
)
