"""The verdict of threshold:P, and of parallel order, which it equals."""

from __future__ import annotations

from lockstep.compiler.names import MDM
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.samplers.forms import PARALLEL
from lockstep.proofs_check.samplers.judging import THRESHOLDS

THEOREM = Theorem(
    name=THRESHOLDS,
    place=62,
    statement="threshold:P is right if P > 1 / (V - 1), which is the probability of a row that is not ready; its fallback must not "
    "be random. Up to there it takes every row at once, and is wrong in step 1. Up to the least probability of a ready "
    "row, it takes as many decoding steps as parallel order. Processors may halt when they will.",
    measured="right or wrong, and decoding steps",
    decided="equality with counting, and with a decode",
    source="Fast-dLLM, arXiv 2505.22618",
    forms={MDM: {"decoding steps, threshold:P": PARALLEL}},
    elsewhere=("compare --samplers",),
)
