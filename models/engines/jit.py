"""Numba's compiler as the kernels use it, and threads for kernels that have much to do.

Kernels release the lock of the interpreter, so ordinary threads run them side by side. That compiles in a
fraction of the time that Numba's own parallel loops take.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba

#: No recency, no limit: beyond every score.
MINUS_INFINITY = -(1 << 62)
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
#: Its threads start when they are first needed.
POOL = ThreadPoolExecutor(THREADS)


def jit(inline: bool = False) -> Callable[[Any], Any]:
    """Numba's compiler, with its cache on disk if there is a place for one.

    Args: inline: put it into its callers, since arrays are passed in seven parts each and that takes longer than a small kernel.
    """
    how: dict[str, Any] = {"nogil": True, "inline": "always" if inline else "never", "fastmath": {"contract"}}

    def compile(function: Any) -> Any:
        try:
            return numba.njit(cache=True, **how)(function)
        except RuntimeError:  # nothing can be written
            return numba.njit(**how)(function)

    return compile


def run_in_threads(kernel: Any, parts: int, many: bool, *arguments: Any) -> None:
    """Call a kernel on (first, end) of `parts` that are independent of each other; on all cores if there are many rows."""
    if not many or THREADS == 1 or parts < 2:
        kernel(0, parts, *arguments)
        return
    pieces = min(parts, THREADS)
    edges = [parts * i // pieces for i in range(pieces + 1)]
    others = [POOL.submit(kernel, first, end, *arguments) for first, end in zip(edges[1:], edges[2:])]
    kernel(0, edges[1], *arguments)  # waking a thread takes as long as many rows: this one works, too
    for done in others:
        done.result()
