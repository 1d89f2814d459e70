"""A sampler on one run: counted without a model, judged by a closed form, and decoded by the model; held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lockstep.compiler.compile import Compiled
from lockstep.models.decode import Decoder, TooLong
from lockstep.models.editing import MaskedAgain
from lockstep.models.samplers import sampler
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.samplers.counting import Counted, Truth, count
from lockstep.proofs_check.samplers.judging import Judgement, judge, writes_back


@dataclass(frozen=True)
class Held:
    """A sampler on a run.

    counted: without a model; None if it may change what it has written. judged: by a closed form, if one speaks about it. decoded: by
    the model, if that was done.
    """

    sampler: str
    counted: Counted | None
    judged: Judgement | None
    decoded: Counted | None = None

    @property
    def outcome(self) -> Counted | None:
        """What becomes of the run; None if it was neither counted nor decoded."""
        return self.counted or self.decoded

    @property
    def differences(self) -> tuple[str, ...]:
        """How the three differ; none if they agree."""
        return (*self._from_form(), *self._from_decode())

    def _from_form(self) -> Iterator[str]:
        found = self.outcome
        if self.judged is None or found is None or not found.ended:
            return
        said, name, how = self.judged.verdict, self.judged.theorem, "counting" if self.counted else "the decode"
        if said.right != found.right:
            yield f"{name} says {'right' if said.right else 'wrong'}, and {how} {'right' if found.right else 'wrong'}"
        elif (said.steps or said.wrong or found.steps) != found.steps:
            yield f"{name} says step {said.steps or said.wrong}, and {how} {found.steps}"

    def _from_decode(self) -> Iterator[str]:
        if self.decoded is None or self.counted is None:
            return
        if self.decoded.wrong != self.counted.wrong:
            yield f"the first wrong token is {self.decoded.wrong} in the decode, and {self.counted.wrong} by counting"
        elif not np.array_equal(self.decoded.order, self.counted.order):
            at = int(np.flatnonzero(self.decoded.order != self.counted.order)[0])
            yield f"position {at} is unmasked in step {self.decoded.order[at]}, and by counting in step {self.counted.order[at]}"


def hold(truth: Truth, text: str, compiled: Compiled | None = None, sampling: Sampling | None = None) -> Held:
    """Count a sampler on a run, and judge it by its closed form.

    Args:   text: as users write it. compiled: also decode by this model; None: do not. sampling: the other options of the decode.
    Raises: ValueError: there is no such sampler. As `decode_beside`.
    """
    rules, options = sampler(text), sampling or Sampling()
    counted = None if writes_back(rules) else count(truth, rules, options.seed)
    decoded = None if compiled is None else decode_beside(compiled, truth, replace(options, sampler=text))
    return Held(rules.text, counted, judge(truth, rules), decoded)


def decode_beside(compiled: Compiled, truth: Truth, sampling: Sampling) -> Counted:
    """Decode by the model, up to the end or the first token that is not the machine's.

    Raises: NotFinished: the sampler takes nothing, and masks remain. TooLong: the engine gives up before a token is wrong.
    """
    start, mask = truth.layout.tokens(), truth.vocabulary.mask
    decoder = Decoder(compiled.model, start, truth.layout.positions(), compiled.process, sampling)
    order, number = np.zeros(len(start), np.int64), 0
    try:
        for number, rows, tokens in _steps(decoder, truth):
            order[rows] = np.where(tokens[rows] == mask, 0, number)  # a row may be masked again
            if wrong := rows[(tokens[rows] != truth.final[rows]) & (tokens[rows] != mask)].tolist():
                return Counted(number, order, truth.wrong(number, min(wrong), int(tokens[min(wrong)])))
    except MaskedAgain:
        return Counted(number, order, None, ended=False)
    return Counted(number, order, None)


def _steps(decoder: Decoder, truth: Truth) -> Iterator[tuple[int, Tokens, Tokens]]:
    """Number, unmasked rows and sequence of each decoding step. A wrong token may be one that the engine cannot follow."""
    before, steps = decoder.sequence.tokens.copy(), iter(decoder)
    try:
        for step in steps:
            yield step.number, step.change.rows, step.sequence
            before[step.change.rows] = step.sequence[step.change.rows]
    except TooLong:
        after = decoder.sequence.tokens
        rows = np.flatnonzero(after != before)
        if (after[rows] == truth.final[rows]).all():
            raise
        yield decoder.editor.number, rows, after
