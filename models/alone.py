"""What a model says of tokens that are masked alone: each in a pass of its own, by the dense engine."""

from __future__ import annotations

import numpy as np

from lockstep.models.drawing import Logits
from lockstep.models.engines import ENGINES, MAX_CONTEXT, Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.transformer import Tokens, Transformer

#: Sequences that one pass takes.
TOGETHER = 8


def logits_alone(model: Transformer, tokens: Tokens, positions: Positions, rows: Tokens, device: str = "cpu") -> Logits:
    """The logits of some rows of a sequence [N], each as if it alone were masked, beside the masks that are there.

    Raises: Unsuitable: the sequence is too long for the dense engine.
    """
    if len(tokens) > MAX_CONTEXT["dense"]:
        raise Unsuitable(f"{len(tokens)} tokens are too many for the dense engine, which masks tokens alone")
    found: list[Logits] = []
    for first in range(0, len(rows), TOGETHER):
        chunk = rows[first : first + TOGETHER]
        sequences = np.repeat(tokens[None], len(chunk), axis=0)
        sequences[np.arange(len(chunk)), chunk] = model.vocabulary.mask
        session = ENGINES["dense"](model, list(sequences), [positions] * len(chunk), device)
        session.predict(range(len(chunk)))
        found += [session.logits(number, chunk[number : number + 1]) for number in range(len(chunk))]
    return Logits(*(np.concatenate([getattr(each, part) for each in found]) for part in ("kinds", "ones", "zeros")))
