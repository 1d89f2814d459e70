"""The names that options take, as types. They stand apart from their tables, so that commands can use them without the engines.

`tests/test_names.py` compares each with its table.
"""

from __future__ import annotations

from typing import Literal

#: Keys of `lockstep.models.transformer.DTYPES`.
DtypeName = Literal["float64", "float32"]
#: Keys of `lockstep.models.processes.PROCESSES`.
ProcessName = Literal["mdm", "ap-mdm", "arm"]
#: Keys of `lockstep.models.editing.ORDERS`.
OrderName = Literal["parallel", "left-to-right", "random", "random-subsets"]
#: Keys of `lockstep.models.engines.ENGINES`, and `auto`, which picks one of them by size.
EngineName = Literal["auto", "dense", "active", "indexed", "native"]
#: Where torch computes.
DeviceName = Literal["cpu", "cuda"]
