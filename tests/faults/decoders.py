"""Decoders that get something wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lockstep.compiler.compile import Compiled, Layout
from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep
from lockstep.models.sampling import Sampling
from lockstep.models.sequence import Change


@dataclass(frozen=True)
class Recorded:
    """The steps of a decode, to be told again: what a decoder does next does not depend on what anybody says of it."""

    steps: tuple[DecodingStep, ...]
    mask: int
    most: int

    @staticmethod
    def of(compiled: Compiled, layout: Layout, sampling: Sampling) -> Recorded:
        start, vocabulary = layout.tokens(), compiled.model.vocabulary
        steps = Decoder(compiled.model, start, layout.positions(), compiled.process, sampling)
        return Recorded(tuple(replace(s, sequence=s.sequence.copy()) for s in steps), vocabulary.mask, vocabulary.size)

    def liar(self, at: int, admits: bool) -> Callable[..., Liar]:
        """What takes the place of `Decoder`."""
        return lambda *arguments: Liar(self, at, admits)


@dataclass(frozen=True)
class Liar:
    """A decoder that gets one position wrong once it is unmasked, and says that it changed, or not."""

    recorded: Recorded
    at: int
    admits: bool
    engine: str = "dense"

    def __iter__(self) -> Iterator[DecodingStep]:
        for step in self.recorded.steps:
            tokens, rows = step.sequence.copy(), step.change.rows
            if tokens[self.at] != self.recorded.mask:
                tokens[self.at] += 1 if tokens[self.at] + 1 < self.recorded.most else -1
            if not self.admits:
                rows = rows[rows != self.at]
            yield DecodingStep(step.number, Change(rows, step.change.length), tokens)
