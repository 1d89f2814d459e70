"""Learned parity: a model that was trained on words of two letters, and proved on its weights for words of any length."""

from __future__ import annotations

from lockstep.proofs_check.catalog import Theorem

THEOREM = Theorem(
    name="learned parity",
    place=55,
    statement="The model of a file of `train parity` tells the parity of words of any length, in the decoding steps of front "
    "elimination. That is a claim about windows of three tokens: rails, which nobody learned, keep all other rows out.",
    measured="all windows that can occur, the margins of their control logits, and the rails, on the weights",
    decided="by interval bounds that include all rounding in float64; a model for which one fails is not written and not decoded",
    source="arXiv 2510.06190 reports 100 % on words of any length, learned from words of length 2",
    elsewhere=("train parity", "task parity --model"),
)
