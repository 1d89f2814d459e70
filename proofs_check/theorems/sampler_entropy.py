"""The verdict of entropy:GAMMA, the bound of the EB-Sampler, and of the same bound with the last token counted."""

from __future__ import annotations

from lockstep.compiler.names import MDM
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.samplers.forms import PARALLEL
from lockstep.proofs_check.samplers.judging import ENTROPY

THEOREM = Theorem(
    name=ENTROPY,
    place=66,
    statement="The EB-Sampler takes rows while the sum of their entropies, without the largest, is at most GAMMA: so its last row "
    "counts for nothing. From H on, the sum of the rows that are ready in step 1, it takes a row that is not ready, and "
    "is wrong in step 1. A bit of a ready row has 1.9e-6 nats, so GAMMA 0.1 is wrong on up to about a thousand "
    "processors. Below the entropy of one word it is right. entropy-sum:GAMMA counts the last row as well: it is right if "
    "and only if GAMMA < H + ln(V - 1) in every step of parallel order that leaves rows that are not ready, and takes the "
    "decoding steps of parallel order from the largest H of all steps on.",
    measured="right or wrong, decoding steps, and the step of the first wrong token",
    decided="equality with counting, and with a decode; for a GAMMA between the entropy of a word and H, by counting alone",
    source="EB-Sampler, arXiv 2505.24857",
    forms={MDM: {"decoding steps, entropy-sum:GAMMA": PARALLEL}},
    elsewhere=("compare --samplers",),
)
