"""Engines: how a forward pass is computed. All give the same tokens; `dense` is the reference."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from models.engines.dense import forward as dense_forward
from models.transformer import Transformer

#: An engine maps (model, tokens [N], positions [N, d]) to the residual stream after the last layer, [N, d].
Engine = Callable[[Transformer, Tensor, Tensor], Tensor]

ENGINES: dict[str, Engine] = {"dense": dense_forward}
