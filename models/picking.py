"""A sampler in the decoding loop: which masks a decoding step unmasks, and what it writes back, by `lockstep.models.samplers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lockstep.models.drawing import Logits, Matrix
from lockstep.models.processes import Edits
from lockstep.models.samplers import Guesses, Rules, State, Written, chances, guess, sampler
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import Vocabulary
from lockstep.models.transformer import Tokens

#: The process whose unmaskings a sampler may leave out or force: in the others a step is one edit, or all edits go together.
PROCESS = "mdm"
#: A sampler that writes back makes at most so many steps for each mask of the start, and then SPARE_STEPS more.
STEPS_FOR_A_MASK, SPARE_STEPS = 4, 16

#: Gives the logits of some rows.
Ask = Callable[[Tokens], Logits]


@dataclass(frozen=True)
class Asking:
    """What a sampler may ask of the prediction of a step. logits: as it is. alone: of rows, each as if it alone were masked."""

    logits: Ask
    alone: Ask


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
    """Decides the edits of each decoding step of one sequence.

    It keeps the logits of masked rows, and asks for those that may have changed. So all engines lead to the same guesses.

    Args: start: the first sequence, [N].
    """

    def __init__(self, rules: Rules, vocabulary: Vocabulary, start: Tokens, sampling: Sampling) -> None:
        self.rules, self.vocabulary, self.start = rules, vocabulary, start.copy()
        self.generated = np.flatnonzero(start == vocabulary.mask)
        first = int(self.generated[0]) if len(self.generated) else len(start)
        self.state = State(first, np.random.default_rng(sampling.seed))
        self.temperature, self.noise = sampling.temperature, sampling.noise
        self.random = np.random.default_rng(sampling.noise.seed if sampling.noise else 0)
        kinds, bits = len(vocabulary.kinds), vocabulary.most_bits
        self.kept = Logits(*(np.zeros((len(start), part)) for part in (kinds, bits, bits)))
        self.idle = self.undone = False
        self.left = max((back.edits_on for back in rules.back), default=0)
        self.last: tuple[int, int] | None = None  # the block of the step before, and how many masks it unmasked

    @property
    def most_steps(self) -> float:
        """After so many steps without an end, the sampler masks tokens again and again."""
        return STEPS_FOR_A_MASK * len(self.generated) + SPARE_STEPS if self.rules.back else np.inf

    def goes_on(self, masks: int) -> bool:
        """Whether there is another step if so many masks are left."""
        return masks > 0 or (self.left > 0 and not self.idle)

    def edits(self, rows: Tokens, tokens: Tokens, asking: Asking) -> Edits:
        """The edits of the next step.

        Args: rows: those whose prediction may have changed. tokens: the sequence, [N].
        """
        after = tokens.copy()
        masked = np.flatnonzero(tokens == self.vocabulary.mask)
        if len(masked):
            new = rows[tokens[rows] == self.vocabulary.mask]
            if len(new):
                self._keep(new, asking.logits(new))
            guesses = self._guessed(masked, Logits(*(part[masked] for part in vars(self.kept).values())))
            picked = guesses.take(self.rules.pick(guesses, self.state))
            after[picked.rows] = picked.token
        else:
            self.left -= 1
        unmasked = int((after != tokens).sum())
        self._write_back(tokens, after, masked, unmasked, asking)
        changed = np.flatnonzero(after != tokens)
        self.idle, self.undone = not len(changed), unmasked > 0 and not len(changed)
        none = np.zeros(len(changed), np.bool_)
        return Edits(changed, after[changed], none, none)

    def _keep(self, rows: Tokens, found: Logits) -> None:
        self.kept.kinds[rows], self.kept.ones[rows], self.kept.zeros[rows] = found.kinds, found.ones, found.zeros

    def _guessed(self, rows: Tokens, logits: Logits) -> Guesses:
        return guess(rows, logits, self.vocabulary, self.temperature, self._noise(len(rows)))

    def _noise(self, rows: int) -> Logits | None:
        """The noise of so many rows in this step."""
        if self.noise is None:
            return None
        return self.noise.draw(self.random, rows, len(self.vocabulary.kinds), self.vocabulary.most_bits)

    def _write_back(self, before: Tokens, after: Tokens, masked: Tokens, unmasked: int, asking: Asking) -> None:
        """Change `after` as the rules that write back say, one after the other."""
        block, size = 0, self.rules.block
        if size is not None:
            block = int((masked[0] if len(masked) else len(self.start) - 1) - self.state.first) // size
        reach = self.generated if size is None else self.generated[(self.generated - self.state.first) // size == block]
        last = self.last[1] if self.last is not None and self.last[0] == block else None
        for back in self.rules.back:
            step = Written(self.start, before, after.copy(), self.vocabulary.mask, reach, unmasked, last,
                           lambda rows: self._guessed(rows, asking.logits(rows)), self._alone(before, asking))  # fmt: skip
            rows, tokens = back.write(step, self.state)
            after[rows] = tokens
        self.last = block, unmasked

    def _alone(self, before: Tokens, asking: Asking) -> Callable[[Tokens], Matrix]:
        def found(rows: Tokens) -> Matrix:
            return chances(before[rows], asking.alone(rows), self.vocabulary, self.temperature, self._noise(len(rows)))

        return found
