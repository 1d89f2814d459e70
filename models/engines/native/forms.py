"""What the compiled module offers to the translation: linear forms over bit planes, and gates that make planes of them.

The C++ files in `src/` describe these classes: forms.h, gates.h and network.h. A *plane* holds one bit of every row. A *literal* is
a plane or its complement: 2 * node + complement, so 0 and 1 are the constants.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from lockstep.models.engines.plan import Sparse

#: Objects of the compiled module.
Form = Any
Stream = Any
Matrix = Any
Network = Any
Gates = Any
#: As many planes as a word has bits.
WORD = 64


def matrix(compiled: ModuleType, rows: Sparse) -> Matrix:
    """A matrix as the compiled module takes it."""
    return compiled.Matrix(*rows)


def taken_faults(gates: Gates) -> dict[str, int]:
    """The faults since the last call, no more than a word holds: for each column or head, the literal that is 1 where it fails."""
    found = gates.taken_faults()
    rest = gates.network.some([literal for _, literal in found[WORD - 1 :]])
    return dict(found[: WORD - 1]) | ({"others": rest} if rest else {})
