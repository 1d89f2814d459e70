"""A sampler on one run: counted without a model, judged by a closed form, and decoded by the model; held against each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lockstep.compiler.compile import Compiled
from lockstep.models.decode import Decoder, TooLong
from lockstep.models.samplers import sampler
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Tokens
from lockstep.proofs_check.samplers.counting import Counted, Truth, count
from lockstep.proofs_check.samplers.judging import Judgement, judge


@dataclass(frozen=True)
class Held:
    """A sampler on a run.

    counted: without a model. judged: by a closed form, if one speaks about it. decoded: by the model, if that was done.
    """

    sampler: str
    counted: Counted
    judged: Judgement | None
    decoded: Counted | None = None

    @property
    def differences(self) -> tuple[str, ...]:
        """How the three differ; none if they agree."""
        return (*self._from_form(), *self._from_decode())

    def _from_form(self) -> Iterator[str]:
        if self.judged is None:
            return
        said, counted, name = self.judged.verdict, self.counted, self.judged.theorem
        if said.right != counted.right:
            yield f"{name} says {'right' if said.right else 'wrong'}, and counting {'right' if counted.right else 'wrong'}"
        elif (said.steps or said.wrong or counted.steps) != counted.steps:
            yield f"{name} says step {said.steps or said.wrong}, and counting {counted.steps}"

    def _from_decode(self) -> Iterator[str]:
        if self.decoded is None:
            return
        if self.decoded.wrong != self.counted.wrong:
            yield f"the first wrong token is {self.decoded.wrong} in the decode, and {self.counted.wrong} by counting"
        elif not np.array_equal(self.decoded.order, self.counted.order):
            at = int(np.flatnonzero(self.decoded.order != self.counted.order)[0])
            yield f"position {at} is unmasked in step {self.decoded.order[at]}, and by counting in step {self.counted.order[at]}"


def hold(truth: Truth, text: str, compiled: Compiled | None = None, sampling: Sampling | None = None) -> Held:
    """Count a sampler on a run, and judge it by its closed form.

    Args:   text: as users write it. compiled: also decode by this model; None: do not. sampling: the other options of the decode.
    Raises: ValueError: there is no such sampler.
    """
    rules, options = sampler(text), sampling or Sampling()
    counted, judged = count(truth, rules, options.seed), judge(truth, rules.rule)
    decoded = None if compiled is None else decode_beside(compiled, truth, replace(options, sampler=text))
    return Held(rules.text, counted, judged, decoded)


def decode_beside(compiled: Compiled, truth: Truth, sampling: Sampling) -> Counted:
    """Decode by the model, up to the end or the first token that is not the machine's.

    Raises: NotFinished: the rule takes nothing, but masks remain. TooLong: the engine gives up before a token is wrong.
    """
    start = truth.layout.tokens()
    decoder = Decoder(compiled.model, start, truth.layout.positions(), compiled.process, sampling)
    order, number = np.zeros(len(start), np.int64), 0
    for number, rows, tokens in _steps(decoder, truth):
        order[rows] = number
        if wrong := rows[tokens[rows] != truth.final[rows]].tolist():
            return Counted(number, order, truth.wrong(number, min(wrong), int(tokens[min(wrong)])))
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
