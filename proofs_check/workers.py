"""Runs work in processes of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import Thread

from lockstep.pram.errors import fail


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes with one thread each. If the body raises, they are killed; if this process is killed, they end.

    Raises: PramError: a worker died.
    """
    before = set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BaseException as error:
        for process in set(active_children()) - before:
            process.kill()
        if isinstance(error, BrokenProcessPool):
            raise fail("a worker process died: is there enough memory?") from None
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Prepare a worker, before it imports a library."""
    # Threads of processes that share cores wait for each other. Torch and NumPy read this when they are imported.
    os.environ["OMP_NUM_THREADS"] = "1"
    # Ctrl-C reaches all processes of a terminal; the one that started this one kills it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
