"""What `cap` and `rescale` have in common: tokens are masked again by chance (ReMDM, arXiv 2503.00307).

ReMDM masks every token again with chance sigma, in a schedule of a fixed number of steps. alpha is the share of tokens that are
unmasked: alpha_t before a step, alpha_s after it. sigma is at most (1 - alpha_s) / alpha_t. Here another rule says how many masks a
step unmasks, so there is no schedule, and alpha is the share of generated positions that hold a token. As in ReMDM, what a step
unmasks it does not mask again; and once all is unmasked, nothing is.

With `,newest` only tokens of the block that the step fills are masked again, those of this step included. No later block is written
then. Whether an exact model gives the same token again depends on what the block itself holds: docs/samplers.md. This is not published.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lockstep.models.samplers.rule import State, Written
from lockstep.models.transformer import Tokens

#: Which tokens may be masked again.
ANYWHERE, NEWEST = "anywhere", "newest"


def largest_sigma(step: Written) -> float:
    """The largest chance that ReMDM allows in a step, from the shares of generated positions that hold tokens."""
    generated = step.start == step.mask
    before, after = ((tokens[generated] != step.mask).mean() for tokens in (step.before, step.after))
    return float(min(1, (1 - after) / before)) if before > 0 else 1.0


def masked_again(step: Written, state: State, where: str, sigma: Callable[[float], float]) -> tuple[Tokens, Tokens]:
    """Mask tokens again. sigma: from the largest chance to the one that each has."""
    if where == NEWEST:
        held = step.reach[step.after[step.reach] != step.mask]
    else:
        held = np.flatnonzero((step.start == step.mask) & (step.before != step.mask))
    rows = held[state.random.random(len(held)) < sigma(largest_sigma(step))]
    return rows, np.full(len(rows), step.mask)
