"""The names that options take, as types. They stand apart from their tables, so that commands can use them without the engines.

`tests/test_names.py` compares each with its table.
"""

from __future__ import annotations

from typing import Literal

#: Keys of `lockstep.models.transformer.DTYPES`.
DtypeName = Literal["float64", "float32"]
#: Processes that decode in parallel order, which each of them takes.
ParallelName = Literal["mdm", "ap-mdm", "arm", "revision"]
#: Keys of `lockstep.models.processes.PROCESSES`. The others write one token in a decoding step, in an order that is chosen.
ProcessName = Literal[ParallelName, "ao-mdm", "masked-arm"]
#: Orders that give each position its turn before the first decoding step.
FixedOrderName = Literal["left-to-right", "right-to-left", "permutation", "most-confident"]
#: Keys of `lockstep.models.orders.ORDERS`.
OrderName = Literal["parallel", FixedOrderName, "random", "random-subsets"]
#: Keys of `lockstep.models.engines.ENGINES`, and `auto`, which picks one of them by size.
EngineName = Literal["auto", "dense", "active", "indexed", "native"]
#: Keys of `lockstep.models.faults.KINDS`: what a token changes to.
FaultKind = Literal["random", "plausible"]
#: Where torch computes.
DeviceName = Literal["cpu", "cuda"]
