"""The verdict of top:K, LLaDA's low-confidence remasking, which takes K rows whether they are ready or not."""

from __future__ import annotations

from lockstep.compiler.names import MDM
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.samplers.forms import ONE_BY_ONE, TOP, TOP_LEFT, TOP_WRONG
from lockstep.proofs_check.samplers.judging import TOP as NAME

THEOREM = Theorem(
    name=NAME,
    place=63,
    statement="If all processors halt in step T >= 2, top:K is right if and only if K divides 3 P, by confidence, margin, entropy "
    "or from left to right. If T is 1, by the first three: if and only if there are no outputs, or K is at most 3 P; from "
    "left to right: if there are none, or K divides 3 P, or the steps before the outputs take 2 P rows, which holds the "
    "counters. If it is wrong, its first wrong token is the first row behind block 1. top:1 is right on every run, and "
    "takes a decoding step for each token.",
    measured="right or wrong, decoding steps, and the step of the first wrong token",
    decided="equality with counting, and with a decode. If processors halt in different steps, K | 3 P is neither needed nor "
    "enough: rows of a processor that has halted are ready ahead of time, and counting decides",
    source="LLaDA, arXiv 2502.09992; Dream, arXiv 2508.15487",
    forms={
        MDM: {
            "decoding steps, top:K": TOP,
            "0 if top:K is right, T >= 2": TOP_LEFT,
            "step of the first wrong token, top:K": TOP_WRONG,
            "decoding steps, one": ONE_BY_ONE,
        }
    },
    elsewhere=("compare --samplers",),
)
