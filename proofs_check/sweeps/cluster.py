"""Runs cases on the workers of a Dask cluster, of this machine or of many."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstep.pram.errors import fail
from lockstep.proofs_check.sweeps.plan import OtherVersion, Task, difference, libraries, version
from lockstep.proofs_check.sweeps.result import FAILED, Result

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster, Worker

#: The name of a folder for temporary files starts with this; the process number follows.
SCRATCH = "lockstep-sweep-"
#: No dashboard; the remaining HTTP server takes any free port and prints nothing.
QUIET = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
#: Dask removes a worker's place if no worker is back this long after one died, even if the next is just starting. Then a
#: sweep in which every case kills its worker would wait forever.
FOREVER = "1000 days"
#: Seconds to find a scheduler and its workers, and seconds after which workers are counted anew.
PATIENCE, RECOUNT = 20, 1.0


class DaskPool:
    """Runs cases on the workers of a Dask client. Each worker has one case at a time: if it dies, no other case is lost."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._counted, self._workers = float("-inf"), 1

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        """Raises: PramError: a worker runs other code or libraries, or the scheduler is gone."""
        from distributed import as_completed

        left = iter(tasks)
        running = {self._submit(task): task for task in islice(left, self.workers())}
        completed = as_completed(list(running), loop=self.client.loop, with_results=True, raise_errors=False)
        for batch in completed.batches():
            for future, _ in batch:
                future.release()  # else Dask runs a case again if the worker dies that had its result
            yield [(running.pop(future), _result(found)) for future, found in batch]
            # Only after the results were taken: if the sweep is killed, less work is lost.
            following = {self._submit(task): task for task in islice(left, max(0, self.workers() - len(running)))}
            running |= following
            completed.update(following)

    def workers(self) -> int:
        """How many workers there are, at least 1. They may come and go, so they are counted now and then."""
        if time.monotonic() - self._counted > RECOUNT:
            self._counted, self._workers = time.monotonic(), max(1, len(self.client.nthreads()))
        return self._workers

    def _submit(self, task: Task) -> Future[Result]:
        return self.client.submit(_check, task, pure=False)


def _check(task: Task) -> Result:
    """Import torch in the worker only, not in the process that hands out cases."""
    from distributed import get_worker

    from lockstep.proofs_check.sweeps.check import check_task

    worker = get_worker()
    if reason := _unfit(task.subject.version, task.subject.libraries, worker):
        raise OtherVersion(f"{worker.address}: {reason}")
    return check_task(task)


def _unfit(version: str, libraries: str, dask_worker: Worker) -> str:
    """Why a worker may not run cases; "" if it may. Dask passes the worker that runs this."""
    threads = dask_worker.state.nthreads
    if threads > 1:
        return f"a worker runs {threads} threads, and each needs a process of its own: start workers with --nthreads 1"
    return difference(version, libraries)


def _result(found: Result | tuple[Any, ...] | BaseException) -> Result:
    """The result of a case from what Dask has of it: FAILED if the case killed each worker that Dask tried."""
    from distributed import KilledWorker

    if isinstance(found, Result):
        return found
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, KilledWorker):
        return Result(FAILED, trouble="every process that ran this case died: is there enough memory?")
    if isinstance(error, OtherVersion):
        raise fail(f"{error}") from None
    if isinstance(error, CancelledError):
        raise fail("the Dask scheduler is gone; the finished cases are kept, and the same sweep goes on from there") from None
    raise error


# -- clusters ------------------------------------------------------------------------------------


@contextmanager
def remote(scheduler: str) -> Iterator[DaskPool]:
    """The workers of a scheduler that is already running.

    Raises: PramError: no scheduler or no worker answers, or a worker may not run cases.
    """
    from distributed import Client

    with _quiet():
        try:
            client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise fail(f"no Dask scheduler answers at {scheduler}: {error}") from None
        with client:
            _require_fit_workers(client, scheduler)
            yield DaskPool(client)


def _require_fit_workers(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise fail(f"the Dask scheduler at {scheduler} has no workers") from None
    try:
        reasons = client.run(_unfit, version(), libraries())
    except ImportError as error:
        raise fail(f"a worker of {scheduler} does not have this version of Lockstep: {error}") from None
    for address, reason in reasons.items():
        if reason:
            raise fail(f"{address}: {reason}")


@contextmanager
def local(workers: int) -> Iterator[DaskPool]:
    """Worker processes on this machine."""
    from distributed import Client

    with _quiet(), _scratch() as directory, _cluster(workers, directory) as cluster:
        with Client(cluster, set_as_default=False) as client:
            yield DaskPool(client)


@contextmanager
def _cluster(workers: int, directory: Path) -> Iterator[LocalCluster]:
    """A cluster on this machine with one thread in each process: a case keeps a core busy."""
    import dask
    from distributed import LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS": "1", "temporary-directory": str(directory),
        "distributed.scheduler.allowed-failures": 1,  # starting a worker takes seconds, so a case is tried on one more worker only
        "distributed.deploy.lost-worker-timeout": FOREVER,
    }  # fmt: skip
    with dask.config.set(settings), LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", scheduler_kwargs=QUIET,
        local_directory=str(directory), silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        yield cluster


@contextmanager
def _scratch() -> Iterator[Path]:
    """A temporary folder for Dask's workers; removes the folders of sweeps that were killed."""
    import psutil  # which Dask itself needs

    for left in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        process = left.name.removeprefix(SCRATCH).split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's logs. Errors that matter come back as results or exceptions."""
    loggers = [logging.getLogger(name) for name in ("distributed", "asyncio", "tornado")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
