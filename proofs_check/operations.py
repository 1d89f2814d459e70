"""Multiply-adds that a serial machine needs for a decode.

What is counted: each product of a weight or an activation with an activation is one multiply-add. In each layer of a forward
pass these are, for each row, Q, K, V, O, W_in and W_out, and for each pair of a row and a row that it attends to, the score
and the mixing of the value. After the last layer it is the readout of each row that the pass computes: the scores of the
kinds and bits of a token and, in models that have them, the control bits. Products with zero weights count. Sums alone do
not count: embeddings, biases, softmax, ReLU.

A row of an encoder attends to all rows, and each pass computes all rows anew: a token that changes may change every one of
them. A row of a causal model attends to itself and to the rows before it. So its keys and values may be kept. Then each pass
computes new rows alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lockstep.models.processes import PROCESSES
from lockstep.models.transformer import Transformer

#: Passes: how many, and the context that each of them sees.
Passes = Iterable[tuple[int, int]]


@dataclass(frozen=True)
class Prices:
    """What a forward pass costs in all layers: `row` for each row, `pair` for each pair of a row and a row that it attends to."""

    row: int
    pair: int
    causal: bool

    @staticmethod
    def of(model: Transformer) -> Prices:
        """The prices of a model, from the shapes of its weights."""
        layers, head = model.layers, model.unembedding
        row = sum(w.size for x in layers for w in (x.q, x.k, x.v, x.o, x.w_in, x.w_out))
        row += head.kind.size + head.one.size + head.zero.size
        row += model.control_weight.size if model.control_weight is not None else 0
        pair = sum(heads * width for x in layers for heads, width, _ in (x.k.shape, x.v.shape))
        return Prices(int(row), int(pair), model.causal)

    def decode(self, passes: Passes) -> int:
        """The multiply-adds of a decode whose passes compute each row anew."""
        total = 0
        for (number, context), times in Counter(passes).items():  # a long decode makes many passes over one context
            total += times * number * (self.row * context + self.pair * self._pairs(context))
        return total

    def decode_keeping(self, passes: Passes) -> int:
        """The multiply-adds of a decode that keeps keys and values. A sequence that became shorter is computed anew.

        Raises: ValueError: the model is an encoder, whose rows change with every token.
        """
        if not self.causal:
            raise ValueError("rows of an encoder change with every token, so no keys and values can be kept")
        total, kept = 0, 0
        for _, context in passes:
            kept = kept if context >= kept else 0
            total += self.row * (context - kept) + self.pair * (self._pairs(context) - self._pairs(kept))
            kept = context
        return total

    def _pairs(self, context: int) -> int:
        """The pairs of a row and a row that it attends to."""
        return context * (context + 1) // 2 if self.causal else context * context


def passes_made(context: Sequence[int], process: str) -> list[tuple[int, int]]:
    """The passes of a decode, from the context at its start and after each decoding step.

    A process that ends at a fixed point makes one pass more, which changes nothing. One that appends may erase before a pass.
    """
    made = PROCESSES[process]
    if made.appends:
        return [(1, length - 1) for length in context[1:]]
    seen = context[:-1] if made.ends_without_masks else context
    return [(1, length) for length in seen]
