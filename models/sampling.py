"""How a sequence is decoded, whatever the process. Torch-free, so that options can be read before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """What one asks of a decode, besides the process.

    order:  which of the positions that are ready a decoding step edits; a name in `lockstep.models.editing.ORDERS`.
    seed:   of the orders that draw.
    engine: who computes predictions; a name in `lockstep.models.engines.ENGINES`. Callers that know how long a decode gets
            also take AUTO, and choose before they start one.
    device: where torch computes, cpu or cuda.
    """

    order: str = "parallel"
    seed: int = 0
    engine: str = "dense"
    device: str = "cpu"


#: The engine is to be chosen by the size of the decode.
AUTO = "auto"
#: All that are ready at once, by the reference.
DEFAULT_SAMPLING = Sampling()
