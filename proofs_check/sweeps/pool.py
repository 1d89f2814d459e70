"""Runs cases: in this process, in processes of this machine, or on a Dask cluster that is already running."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lockstep.pram.errors import fail
from lockstep.proofs_check.sweeps.plan import Task
from lockstep.proofs_check.sweeps.result import FAILED, Result

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

#: The name of a folder for temporary files starts with this; the process number follows.
SCRATCH = "lockstep-sweep-"
#: No dashboard; the remaining HTTP server takes any free port and prints nothing.
QUIET = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
#: Dask removes a worker's place if no worker is back this long after one died, even if the next is just starting. Then a
#: sweep in which every case kills its worker would wait forever.
FOREVER = "1000 days"
#: Seconds to find a scheduler and its workers.
PATIENCE = 20


class Pool(Protocol):
    """Runs cases in any order."""

    def results(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
        """Yield each case with its result, as soon as it is done."""


class InProcess:
    """Runs one case after the other in this process."""

    def results(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
        from lockstep.proofs_check.sweeps.check import check_task

        for task in tasks:
            yield task, check_task(task)


class DaskPool:
    """Runs cases on the workers of a Dask client. Each worker has one case at a time: if it dies, no other case is lost."""

    def __init__(self, client: Client, threads: int) -> None:
        self.client, self.threads = client, threads

    def results(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
        from distributed import as_completed

        left = iter(tasks)
        running = {self._submit(task): task for task in islice(left, self.threads)}
        completed = as_completed(list(running), loop=self.client.loop)
        for future in completed:
            yield running.pop(future), _result(future)
            for task in islice(left, 1):  # only after the result was taken: if the sweep is killed, less work is lost
                following = self._submit(task)
                running[following] = task
                completed.add(following)

    def _submit(self, task: Task) -> Future[Result]:
        return self.client.submit(_check, task, pure=False)


def _check(task: Task) -> Result:
    """Import torch in the worker only, not in the process that hands out cases."""
    from lockstep.proofs_check.sweeps.check import check_task

    return check_task(task)


def _result(future: Future[Result]) -> Result:
    """The result of a case; FAILED if it killed each worker that Dask tried."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Result(FAILED, trouble="every process that ran this case died: is there enough memory?")


@contextmanager
def pool(workers: int | None, scheduler: str | None) -> Iterator[Pool]:
    """A pool of `workers` processes of this machine (None: one for each core; 0: this process), or of a cluster's.

    Raises: PramError: no scheduler or no worker answers.
    """
    if workers == 0:
        yield InProcess()
        return
    with _quiet(), _client(workers, scheduler) as client:
        yield DaskPool(client, sum(client.nthreads().values()))


@contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Client]:
    from distributed import Client

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise fail(f"no Dask scheduler answers at {scheduler}: {error}") from None
        with client:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError:
                raise fail(f"the Dask scheduler at {scheduler} has no workers") from None
            yield client
        return
    with _scratch() as directory, _cluster(workers or os.cpu_count() or 1, directory) as address:
        with Client(address, set_as_default=False) as client:
            yield client


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
