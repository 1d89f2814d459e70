"""Which masked position comes first. FIRST is the table: the suffixes of rules that prefer some positions, as in `top:4,margin`.

Ties go to the left.

- confidence: LLaDA's `low_confidence`, Dream's `maskgit_plus` (MaskGIT, arXiv 2202.04200): the largest probability of the best token.
- margin: Dream's `topk_margin` (arXiv 2502.06768): the largest gap between the two best tokens.
- entropy: Dream's `entropy`: the least entropy.
- left-to-right: the leftmost.
- random: Dream's `origin` (arXiv 2107.03006): drawn from the seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lockstep.models.drawing import Matrix
from lockstep.models.samplers.guesses import Guesses
from lockstep.models.samplers.rule import State
from lockstep.models.transformer import Tokens


def _sorted(key: Callable[[Guesses], Matrix]) -> Callable[[Guesses, State], Tokens]:
    return lambda guesses, state: np.argsort(key(guesses), kind="stable")


#: From guesses, their indices in the order of preference.
FIRST: dict[str, Callable[[Guesses, State], Tokens]] = {
    "confidence": _sorted(lambda guesses: -guesses.confidence),
    "margin": _sorted(lambda guesses: -guesses.margin),
    "entropy": _sorted(lambda guesses: guesses.entropy),
    "left-to-right": lambda guesses, state: np.arange(len(guesses)),
    "random": lambda guesses, state: state.random.permutation(len(guesses)),
}
