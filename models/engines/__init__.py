"""Engines compute predictions while a sequence is edited. All give the same tokens, and `dense` is the reference.

An engine starts a *session* on one or several sequences. The decoding loop tells the session what each decoding step
changed. A session sees weights, tokens and positions, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockstep.models.engines.native.modules import usable
from lockstep.models.engines.session import Session, Unsuitable
from lockstep.models.positions import Positions
from lockstep.models.transformer import Tokens, Transformer


def _dense(
    model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions], device: str = "cpu", every: bool = False
) -> Session:
    from lockstep.models.engines.caching import CachingSession  # imports PyTorch, which is slow
    from lockstep.models.engines.dense import DenseSession

    return (CachingSession if model.causal else DenseSession)(model, sequences, positions, device)


def _active(
    model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions], device: str = "cpu", every: bool = False
) -> Session:
    if model.causal:
        raise Unsuitable("rows of a causal model never change, and dense computes each row once")
    from lockstep.models.engines.active import ActiveSession  # imports PyTorch

    return ActiveSession(model, sequences, positions, device)


def _indexed(
    model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions], device: str = "cpu", every: bool = False
) -> Session:
    _require_cpu(device)
    from lockstep.models.engines.appending import AppendingSession  # imports Numba, which is slow
    from lockstep.models.engines.indexed import IndexedSession

    return (AppendingSession if model.causal else IndexedSession)(model, sequences, positions, every)


def _native(
    model: Transformer, sequences: Sequence[Tokens], positions: Sequence[Positions], device: str = "cpu", every: bool = False
) -> Session:
    _require_cpu(device)
    from lockstep.models.engines.native.session import NativeSession

    return NativeSession(model, sequences, positions, every=every)


def _require_cpu(device: str) -> None:
    if device != "cpu":
        raise Unsuitable(f"it computes on the CPU, not on {device}")


#: An engine starts a session from a model, start sequences [N], their positions, a device, and whether the tokens of every row count,
#: not those of masked rows alone. It may raise Unsuitable.
Engine = Callable[[Transformer, Sequence[Tokens], Sequence[Positions], str, bool], Session]

ENGINES: dict[str, Engine] = {"dense": _dense, "active": _active, "indexed": _indexed, "native": _native}
#: What takes over where an engine gives up; the others leave it to `dense`.
SUCCESSORS = {"native": "indexed"}

#: The longest context of each engine. `dense` and `active` store scores of pairs of rows, `indexed` about two kilobytes a row,
#: `native` less than 400 bytes, with its position.
MAX_CONTEXT = {"dense": 6000, "active": 12_000, "indexed": 4_000_000, "native": 5_000_000}
#: The pairs of rows that `dense` has scored by the time that `indexed` has started.
PAIRS_BEFORE_INDEXED = 100_000_000
#: The rows of a causal model that it has computed by then.
ROWS_BEFORE_INDEXED = 1000


def available() -> list[str]:
    """The engines that work here: `native` must have been compiled, for this kind of CPU."""
    return [name for name in ENGINES if name != "native" or usable()]


def takes_causal(engine: str) -> bool:
    """Whether an engine computes causal models. Each of their rows is computed once, so `active` would save nothing."""
    return engine != "active"


def pick(length: int, steps: int, causal: bool = False, samples: bool = False) -> str:
    """The engine that is likely to be fastest for a context of so many tokens and so many decoding steps; of samples, if they are."""
    if "native" in available() and not samples:
        return "native"
    small = length <= ROWS_BEFORE_INDEXED if causal else length * length * steps <= PAIRS_BEFORE_INDEXED
    return "dense" if small else "indexed"


__all__ = ["ENGINES", "MAX_CONTEXT", "SUCCESSORS", "Engine", "Session", "Unsuitable", "available", "pick", "takes_causal"]
