"""Samples of a model: one start sequence, decoded many times by a sampler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lockstep.models.batch import Pass, Start
from lockstep.models.decode import Decoding, decode
from lockstep.models.editing import DecodingStep, OutOfPositions
from lockstep.models.engines import Session, Unsuitable
from lockstep.models.sampling import Sampling
from lockstep.models.transformer import Prediction, Tokens, Transformer

#: Samples that one pass takes. The dense engine pads all of them to the longest; the others take one at a time.
TOGETHER = {"dense": 8, "indexed": 256}

#: A sample, or that it outgrew its positions.
Sample = Decoding | OutOfPositions


def decode_samples(
    model: Transformer, start: Start, process: str, sampling: Sampling, numbers: Sequence[int]
) -> Iterator[Sample]:
    """Decode one start sequence once for each number, as with `Sampling.sample` of this number alone.

    A sample that outgrows its positions is refused, and the others go on. It is never cut.

    Args:   numbers: of the samples; the seed is that of `sampling`.
    Yields: the sample of each number, in order.
    Raises: as `lockstep.models.decode.decode`, but for OutOfPositions.
    """
    together = TOGETHER.get(sampling.engine, 1)
    for first in range(0, len(numbers), together):
        chunk = {number: replace(sampling, sample=number) for number in numbers[first : first + together]}
        try:
            if together == 1:
                raise Unsuitable("it takes one sequence at a time")
            yield from _Samples(model, {number: (start, each) for number, each in chunk.items()}, process).samples()
        except Unsuitable:  # decoded alone, each sample gets its own engine and reason
            yield from (_alone(model, start, process, each) for each in chunk.values())


def _alone(model: Transformer, start: Start, process: str, sampling: Sampling) -> Sample:
    try:
        return decode(model, *start, process, sampling)
    except OutOfPositions as refused:
        return refused


class _Samples(Pass):
    """A pass in which a sequence that outgrows its positions ends, and the others go on."""

    def samples(self) -> list[Sample]:
        """Raises: as `Pass.decode`."""
        self.refused: dict[int, OutOfPositions] = {}
        found = self.decode(lambda done: None)
        return [self.refused.get(number, found[number]) for number in self.numbers]

    def _step(self, n: int, rows: Tokens, prediction: Prediction, session: Session) -> DecodingStep | None:
        try:
            return super()._step(n, rows, prediction, session)
        except OutOfPositions as refused:
            self.refused[self.numbers[n]] = refused
            return None
