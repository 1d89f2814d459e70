"""How many rows engines take at once. Apart from the engines, so that costs can be computed without Numba.

Compiled kernels have these numbers in them, and Numba's cache looks at a kernel's own file alone: after a change here, delete
`models/engines/__pycache__`.
"""

from __future__ import annotations

#: Rows that the kernels of the indexed engine compute together, one in each lane.
BLOCK = 64
#: From so many rows on, its threads are worth waking.
MIN_ROWS_FOR_THREADS = 512
#: Rows that it links at once; it bounds the memory of a start.
MAX_LINKED_ROWS = 1 << 15
#: Rows whose scores the active engine holds at once.
MAX_SCORED_ROWS = 1024
