"""The verdict of blocks:B, semi-autoregressive decoding: only masks of the first block that has one."""

from __future__ import annotations

from lockstep.compiler.names import MDM
from lockstep.proofs_check.catalog import Theorem
from lockstep.proofs_check.samplers.forms import DIVIDING, DIVIDING_TOP
from lockstep.proofs_check.samplers.judging import BLOCKS

THEOREM = Theorem(
    name=BLOCKS,
    place=64,
    statement="blocks:B is right for every B, on every run, with a rule that takes no row that is not ready while another is: "
    "threshold:0.9, factor:1, entropy-sum:0.1, one. The leftmost mask is always ready. If B divides 3 P, blocks:B with "
    "any inner rule is right on every run, even a random one: all masks of the block are ready when its turn comes. So is "
    "Diffusion-of-Thought, a block of one step of the machine, B = 3 P. If all processors halt in step T, blocks:B+top:K "
    "is right if and only if, in each window of B rows, each piece of a block of the run is a multiple of K, but for the "
    "last piece, and the counters of block T are full before a row is taken that waits for them.",
    measured="right or wrong, and decoding steps",
    decided="equality with counting, and with a decode; for other B, decoding steps by a sum over windows",
    source="SSD-LM, arXiv 2210.17432; BD3-LM, arXiv 2503.09573; Diffusion-of-Thought, arXiv 2402.07754",
    forms={
        MDM: {"decoding steps, blocks:B+threshold, B | 3 P": DIVIDING, "decoding steps, blocks:B+top:K, B | 3 P": DIVIDING_TOP}
    },
    elsewhere=("compare --samplers",),
)
