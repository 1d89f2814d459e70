"""A Dask cluster of separate processes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds until a process must have done what a test waits for.
PATIENCE = 60


@dataclass
class RealCluster:
    """A scheduler with its workers. started: all its processes."""

    folder: Path
    address: str = ""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny: if it is killed, it stays away."""
        number = len(self.started)
        options = (
            "--no-nanny",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--local-directory",
            str(self.folder / f"{number}"),
            *options,
        )
        return self._start("dask_worker", self.address, *options, **environment)

    def start_scheduler(self) -> None:
        file = self.folder / "scheduler.json"
        self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]

    def _start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments]
        with (self.folder / f"{len(self.started)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)
        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.started):
            process.kill()
            process.wait()


def wait_until(done: Callable[[], bool]) -> None:
    """Wait until a function returns True."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@contextmanager
def real_cluster(folder: Path, workers: int) -> Iterator[RealCluster]:
    """A scheduler and some workers, all of them started by the commands of Dask."""
    cluster = RealCluster(folder)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.stop()
