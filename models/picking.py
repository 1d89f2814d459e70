"""A sampler in the decoding loop: which masks a decoding step unmasks, by the rules of `lockstep.models.samplers`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lockstep.models.drawing import Logits, Matrix
from lockstep.models.processes import Edits
from lockstep.models.samplers import Guesses, Rules, State, guess, sampler
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Tokens

#: The process whose unmaskings a sampler may leave out or force: in the others a step is one edit, or all edits go together.
PROCESS = "mdm"


def check_sampler(process: str, sampling: Sampling) -> Rules | None:
    """The sampler of a decode; None if it has none.

    Raises: ValueError: there is no such sampler, the process takes none, or other options contradict it.
    """
    if sampling.sampler is None:
        if sampling.temperature != 1 or sampling.noise is not None:
            raise ValueError("temperature and noise change what a sampler sees: name one, for example parallel")
        return None
    rules = sampler(sampling.sampler)
    if process != PROCESS:
        raise ValueError(f"a sampler decides which masks {PROCESS} unmasks, and {process} takes none")
    if sampling.order != "parallel":
        raise ValueError(f"a sampler takes the place of an order: leave {sampling.order} out")
    if sampling.sample is not None:
        raise ValueError("a sampler takes best tokens, and a sample draws them: choose one")
    if not 0 < sampling.temperature < np.inf:
        raise ValueError(f"temperature is a number above 0, not {sampling.temperature:g}")
    return rules


class Picker:
    """Picks what each decoding step of one sequence unmasks.

    It keeps the logits of masked rows, and asks for those that may have changed. So all engines lead to the same guesses.

    Args: start: the first sequence, [N].
    """

    def __init__(self, rules: Rules, vocabulary: Vocabulary, start: Tokens, sampling: Sampling) -> None:
        self.rules, self.vocabulary = rules, vocabulary
        masked = np.flatnonzero(start == vocabulary.mask)
        first = int(masked[0]) if len(masked) else len(start)
        self.state = State(first, np.random.default_rng(sampling.seed))
        self.temperature, self.noise = sampling.temperature, sampling.noise
        self.random = np.random.default_rng(sampling.noise.seed if sampling.noise else 0)
        kinds, bits = len(vocabulary.kinds), vocabulary.most_bits
        self.kinds, self.ones, self.zeros = (np.zeros((len(start), part)) for part in (kinds, bits, bits))

    def edits(self, rows: Tokens, tokens: Tokens, logits: Callable[[Tokens], Logits]) -> Edits:
        """The edits of the next step.

        Args: rows: those whose prediction may have changed. tokens: the sequence, [N]. logits: gives those of some rows.
        """
        masked = np.flatnonzero(tokens == self.vocabulary.mask)
        guesses = self._guesses(masked, rows[tokens[rows] == self.vocabulary.mask], logits)
        picked = guesses.take(self.rules.pick(guesses, self.state)) if len(masked) else guesses
        none = np.zeros(len(picked), np.bool_)
        return Edits(picked.rows, picked.token, none, none)

    def _guesses(self, rows: Tokens, new: Tokens, logits: Callable[[Tokens], Logits]) -> Guesses:
        """The guesses for rows, of which `new` have new predictions."""
        if len(new):
            found = logits(new)
            self.kinds[new], self.ones[new], self.zeros[new] = found.kinds, found.ones, found.zeros
        kept = Logits(self.kinds[rows], self.ones[rows], self.zeros[rows])
        return guess(rows, kept, self.vocabulary, self.temperature, self._noise(kept.kinds, kept.ones))

    def _noise(self, kinds: Matrix, bits: Matrix) -> Logits | None:
        return None if self.noise is None else self.noise.draw(self.random, len(kinds), kinds.shape[1], bits.shape[1])
