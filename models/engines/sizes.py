"""How many rows engines process at once. This module stands apart, so that `lockstep cost` can use it without Numba.

Compiled kernels contain these numbers, but Numba's cache notices changes only in a kernel's own file. After a change
here, delete `models/engines/__pycache__`.
"""

from __future__ import annotations

#: Rows that a kernel of the indexed engine computes together, one in each lane.
BLOCK = 64
#: With fewer rows, the indexed engine uses one thread: waking others would cost more than it gains.
MIN_ROWS_FOR_THREADS = 512
#: Rows that the indexed engine links at once. This bounds its memory when it starts.
MAX_LINKED_ROWS = 1 << 15
#: Rows whose scores the active engine stores at once.
MAX_SCORED_ROWS = 1024
