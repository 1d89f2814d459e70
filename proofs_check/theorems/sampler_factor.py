"""The verdict of factor:F, the rule of Fast-dLLM."""

from __future__ import annotations

from lockstep.compiler.names import MDM
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.samplers.forms import PARALLEL
from lockstep.proofs_check.samplers.judging import FACTOR

THEOREM = Theorem(
    name=FACTOR,
    place=65,
    statement="factor:F is right if and only if F <= (r + 2) (1 - 1 / (V - 1)) in every decoding step of parallel order that leaves "
    "rows that are not ready; r rows are ready in it, and V is the number of tokens. If all processors halt together, r "
    "is 3 P. So the usual F, 1, is always right. It takes the decoding steps of parallel order, if F is above (r + 1) (1 "
    "- c) for the least probability c of a ready row.",
    measured="right or wrong, decoding steps, and the step of the first wrong token",
    decided="equality with counting, and with a decode",
    source="Fast-dLLM, arXiv 2505.22618",
    forms={MDM: {"decoding steps, factor:1": PARALLEL}},
    elsewhere=("compare --samplers",),
)
