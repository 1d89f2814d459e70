"""Engines compute predictions while a sequence is edited. All give the same tokens, and `dense` is the reference.

An engine starts a *session* on one or several sequences. The decoding loop tells the session what each decoding step
changed. A session sees weights, tokens and positions, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lockstep.models.engines.active import ActiveSession
from lockstep.models.engines.dense import DenseSession
from lockstep.models.engines.native.modules import usable
from lockstep.models.engines.session import Session, Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.transformer import Transformer


def _indexed(model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions]) -> Session:
    if model.device.type != "cpu":
        raise Unsuitable(f"it computes on the CPU, not on {model.device.type}")
    from lockstep.models.engines.indexed import IndexedSession  # imports Numba, which is slow

    return IndexedSession(model, sequences, positions)


def _native(model: Transformer, sequences: Sequence[NDArray[np.int64]], positions: Sequence[Positions]) -> Session:
    if model.device.type != "cpu":
        raise Unsuitable(f"it computes on the CPU, not on {model.device.type}")
    from lockstep.models.engines.native.session import NativeSession

    return NativeSession(model, sequences, positions)


#: An engine starts a session from a model, start sequences [N] and their positions. It may raise Unsuitable.
Engine = Callable[[Transformer, Sequence[NDArray[np.int64]], Sequence[Positions]], Session]

ENGINES: dict[str, Engine] = {"dense": DenseSession, "active": ActiveSession, "indexed": _indexed, "native": _native}
#: What takes over where an engine gives up; the others leave it to `dense`.
SUCCESSORS = {"native": "indexed"}

#: The longest context of each engine. `dense` and `active` store scores of pairs of rows, `indexed` about two kilobytes a row,
#: `native` about 300 bytes.
MAX_CONTEXT = {"dense": 6000, "active": 12_000, "indexed": 4_000_000, "native": 5_000_000}
#: The fast engines, the fastest first, with the pairs of rows that the dense engine has scored by the time that each has started.
FAST = {"native": 2_000_000, "indexed": 100_000_000}


def available() -> list[str]:
    """The engines that work here: `native` must have been compiled, for this kind of CPU."""
    return [name for name in ENGINES if name != "native" or usable()]


def pick(length: int, steps: int) -> str:
    """The engine that is likely to be fastest for a context of so many tokens and so many decoding steps."""
    fast = next(name for name in FAST if name in available())
    return "dense" if length * length * steps <= FAST[fast] else fast


__all__ = ["ENGINES", "MAX_CONTEXT", "SUCCESSORS", "Engine", "Session", "Unsuitable", "available", "pick"]
