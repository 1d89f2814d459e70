"""`blocks:B`: blocks of positions, one after the other from left to right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import Number, Row, Rule, State
from lockstep.models.transformer import Tokens


@dataclass(frozen=True)
class Blocks:
    """Only masks of the first block that has one; another rule picks among them. Blocks are of B positions, from the first generated one.

    Source: SSD-LM, arXiv 2210.17432 (B 25); LLaDA, arXiv 2502.09992 (B 32 in its README); BD3-LM, arXiv 2503.09573 (B 4, 8, 16).
    A step of Diffusion-of-Thought, arXiv 2402.07754, is a block of one PRAM step, B = 3 P.
    """

    size: int
    inner: Rule

    def pick(self, guesses: Guesses, state: State) -> Tokens:
        blocks = (guesses.rows - state.first) // self.size
        here = np.flatnonzero(blocks == blocks[0])
        found: Tokens = here[self.inner.pick(guesses.take(here), state)]
        return found


ROW = Row("blocks", "where", Blocks, Blocks, (Number("B", 1, usual=32, whole=True),))
