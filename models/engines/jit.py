"""Numba's compiler, with the options of our kernels, and threads for kernels with many rows.

Kernels release the interpreter's lock, so ordinary threads run them in parallel. Numba's own parallel loops would take
several times as long to compile.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import parent_process
from typing import Any

import numba

#: Less than every score. Also the recency of an empty bucket.
MINUS_INFINITY = -(1 << 62)
#: One thread for each core. A process that another one started has one: its siblings keep the other cores busy.
THREADS = 1 if parent_process() else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
#: The pool starts its threads when they are first needed.
POOL = ThreadPoolExecutor(THREADS)


def jit(inline: bool = False) -> Callable[[Any], Any]:
    """Return Numba's compiler as a decorator, with its cache on disk if the folder is writable.

    Args: inline: inline the kernel into its callers. A call passes seven values for each array, which costs more than a small
          kernel does.
    """
    options: dict[str, Any] = {"nogil": True, "inline": "always" if inline else "never", "fastmath": {"contract"}}

    def compile(function: Any) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # the cache cannot be written
            return numba.njit(**options)(function)

    return compile


def run_in_threads(kernel: Any, parts: int, many: bool, *arguments: Any) -> None:
    """Call a kernel on ranges (first, end) of 0 .. parts - 1, which are independent. If `many`, use all cores."""
    if not many or THREADS == 1 or parts < 2:
        kernel(0, parts, *arguments)
        return
    pieces = min(parts, THREADS)
    edges = [parts * i // pieces for i in range(pieces + 1)]
    others = [POOL.submit(kernel, first, end, *arguments) for first, end in zip(edges[1:], edges[2:])]
    kernel(0, edges[1], *arguments)  # this thread takes a share, too: waking another one costs as much as many rows
    for done in others:
        done.result()
