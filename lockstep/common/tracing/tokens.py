"""The tokens of a trace. They are those of the model, but a pair of masked-arm has the bits of its value only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import masked_arm
from lockstep.compiler.compile import Layout
from lockstep.models.tokens import Vocabulary

Tokens = NDArray[np.int64]


class TraceTokens:
    """Turns tokens of a model into those of its trace. `vocabulary` has the kinds of the trace."""

    def __init__(self, vocabulary: Vocabulary, value_bits: int | None = None) -> None:
        """value_bits: of the pairs of masked-arm; None if there are no pairs."""
        self.own, self.pairs, self.value_bits = vocabulary, value_bits is not None, value_bits or 0
        self.kinds = [name for name, _ in self.own.kinds]
        self.is_pair = np.array([self.pairs and name.endswith(masked_arm.PAIR) for name in self.kinds])
        kinds = ((name, self.value_bits if pair else bits) for (name, bits), pair in zip(self.own.kinds, self.is_pair))
        self.vocabulary = Vocabulary(tuple(kinds))
        self._first, self._traced = (np.array([v.offsets[name] for name in self.kinds]) for v in (self.own, self.vocabulary))

    @staticmethod
    def of(layout: Layout) -> TraceTokens:
        """Those of a layout."""
        return TraceTokens(layout.circuit.vocabulary, layout.value_bits if isinstance(layout, masked_arm.Layout) else None)

    def traced(self, tokens: Tokens) -> Tokens:
        """The same tokens as the trace numbers them."""
        return self._split(tokens)[0] if self.pairs else tokens

    def places(self, tokens: Tokens) -> Tokens:
        """The position that each pair names; -1 for other tokens."""
        return self._split(tokens)[1]

    def _split(self, tokens: Tokens) -> tuple[Tokens, Tokens]:
        kind = np.searchsorted(self._first, tokens, side="right") - 1
        value, pair = tokens - self._first[kind], self.is_pair[kind]
        low = np.where(pair, value & (1 << self.value_bits) - 1, value)
        return self._traced[kind] + low, np.where(pair, value >> self.value_bits, -1)
