"""An autoregressive model adapted to masked diffusion, without training: what DiffuLLaMA (arXiv 2410.17891) does to learned weights.

On exact weights the adaptation is one move. A row of autoregression predicts the token behind it; a row of masked diffusion predicts
its own. So the columns of the position encodings that speak of the next token move down by one row, and attention sees all rows. No
weight changes.

From left to right, the adapted model writes the same tokens: a MASK has no flag, so no row finds what is still masked. In parallel it
does not: nothing tells a row that the block before it is complete. Those are the heads `masked.previous` and `masked.own` of
`lockstep.compiler.mdm`, and autoregression needs neither.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lockstep.compiler import arm
from lockstep.compiler.compile import Compiled
from lockstep.models.batch import Start
from lockstep.models.positions import Positions, packed
from lockstep.models.transformer import Transformer


def as_masked_diffusion(compiled: Compiled, layout: arm.Layout) -> tuple[Transformer, Start]:
    """Adapt a model of autoregression to masked diffusion.

    Returns: the same weights with full attention; and the start, in which everything behind the prompt is MASK. Decode them by `mdm`
             in the order left-to-right.
    """
    tokens = np.full(layout.length, compiled.model.vocabulary.mask, np.int64)
    given = layout.tokens()
    tokens[: len(given)] = given
    circuit, offsets = compiled.circuit, compiled.circuit.offsets()
    following = [offsets[name] + j for name in arm.NEXT_FIELDS for j in range(circuit.fields[name].width)]
    return replace(compiled.model, causal=False), (tokens, _moved_down(layout.positions(), following))


def _moved_down(positions: Positions, columns: list[int]) -> Positions:
    """The same encodings, with the values of some columns one row lower. These columns hold bits."""
    moves = packed(np.isin(positions.bit_columns, columns)[None])
    bits = positions.bits & ~moves
    bits[1:] |= positions.bits[:-1] & moves
    return replace(positions, bits=bits)
