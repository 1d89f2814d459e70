"""What options are called, as types. Apart from the tables that they are keys of, so that they are there without torch.

`tests/test_names.py` holds each against its table.
"""

from __future__ import annotations

from typing import Literal

#: Keys of `lockstep.models.transformer.DTYPES`.
DtypeName = Literal["float64", "float32"]
#: Keys of `lockstep.models.processes.PROCESSES`.
ProcessName = Literal["mdm", "ap-mdm"]
#: Keys of `lockstep.models.editing.ORDERS`.
OrderName = Literal["parallel", "left-to-right", "random", "random-subsets"]
#: Keys of `lockstep.models.engines.ENGINES`, and `auto`, which takes one of them by size.
EngineName = Literal["auto", "dense", "active", "indexed", "native"]
#: Where torch computes.
DeviceName = Literal["cpu", "cuda"]
