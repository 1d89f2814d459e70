"""Decoders that get something wrong."""

from __future__ import annotations

from collections.abc import Iterator

from lockstep.models.decode import Decoder
from lockstep.models.editing import DecodingStep
from lockstep.models.sequence import Change


class Liar(Decoder):
    """A decoder that gets one position wrong once it is unmasked, and says that it changed, or not."""

    at = 0
    admits = True

    def __iter__(self) -> Iterator[DecodingStep]:
        mask, most = self.sequence.mask, self.model.vocabulary.size
        for step in super().__iter__():
            tokens, rows = step.sequence.copy(), step.change.rows
            if tokens[self.at] != mask:
                tokens[self.at] += 1 if tokens[self.at] + 1 < most else -1
            if not self.admits:
                rows = rows[rows != self.at]
            yield DecodingStep(step.number, Change(rows, step.change.length), tokens)
