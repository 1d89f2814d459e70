"""Sweeps on a Dask cluster of separate processes: a worker is killed, and workers that differ are refused."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from kit.clusters import RealCluster, real_cluster, wait_until
from kit.commands import Do
from kit.sweeps import GOOD, TINY, files, swept

from lockstep.pram.errors import PramError
from lockstep.proofs_check.sweeps import cluster
from lockstep.proofs_check.sweeps.plan import Limits, OtherVersion, Task, libraries, version
from lockstep.proofs_check.sweeps.pool import Pool, pool
from lockstep.proofs_check.sweeps.result import FAILED, Result

#: The oracle notes when it begins and ends to judge a case, and takes its time.
SLOW = (
    GOOD
    + """

def note(word, params, arrays):
    import os
    with open(__file__ + ".log", "a") as log:
        print(word, os.getppid(), params["n"], *arrays["A"], file=log)


_oracle = oracle


def oracle(params, arrays):
    import time
    note("begin", params, arrays)
    time.sleep(0.1)
    note("end", params, arrays)
    return _oracle(params, arrays)
"""
)
LIMITS = Limits(("mdm", "ap-mdm"), "float64", 60, 2000, 10_000)
SIZES = range(1, 7)


@dataclass
class Killing:
    """A pool in which a worker is killed in the middle of a case, once some cases are done.

    victim: the process of the worker that was killed. case: the case that it ran then, as its oracle notes it.
    """

    inner: Pool
    log: Path
    workers: list[subprocess.Popen[bytes]]
    after: int = 3
    case: str = ""
    victim: subprocess.Popen[bytes] | None = None

    def results(self, tasks: Iterable[Task]) -> Iterator[Sequence[tuple[Task, Result]]]:
        done, killer = 0, Thread(target=wait_until, args=(self._kill_one,))
        for results in self.inner.results(tasks):
            yield results
            done += len(results)
            if killer.ident is None and done >= self.after:
                killer.start()
        killer.join()

    def _kill_one(self) -> bool:
        """Stop a worker; if it is in the middle of a case, kill it, else let it go on. Returns: whether one was killed."""
        for worker in self.workers:
            worker.send_signal(signal.SIGSTOP)
            children = {child.pid for child in psutil.Process(worker.pid).children()}  # the sidecar is one of them
            lines = [line.split(maxsplit=2) for line in self.log.read_text().splitlines()]
            of_worker = [(word, case) for word, process, case in lines if int(process) in children]
            if of_worker and of_worker[-1][0] == "begin":
                worker.kill()
                self.victim, self.case = worker, of_worker[-1][1]
                return True
            worker.send_signal(signal.SIGCONT)
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    with real_cluster(tmp_path_factory.mktemp("cluster"), 2) as found:
        yield found


def test_a_worker_is_killed_and_nothing_is_lost_or_done_twice(running: RealCluster, tmp_path: Path) -> None:
    files(tmp_path, tiny_pram=TINY, tiny_py=SLOW)
    undisturbed = swept(tmp_path, tmp_path / "undisturbed.sqlite", limits=LIMITS, sizes=SIZES)
    log = tmp_path / "tiny.py.log"
    log.unlink()
    with pool(None, running.address) as opened:
        wait_until(lambda: len(opened.client.nthreads()) == 2)  # type: ignore[attr-defined]
        killing = Killing(opened, log, running.started[1:])
        assert swept(tmp_path, tmp_path / "sweep.sqlite", killing, limits=LIMITS, sizes=SIZES) == undisturbed
    assert killing.victim is not None and killing.victim.wait() == -signal.SIGKILL
    cases = [row for row in undisturbed["cases"] if row["time"] is not None]
    ended = Counter(line.split(maxsplit=2)[2] for line in log.read_text().splitlines() if line.startswith("end "))
    begun = Counter(line.split(maxsplit=2)[2] for line in log.read_text().splitlines() if line.startswith("begin "))
    assert len(begun) == len(cases) > killing.after and set(ended) == set(begun)
    # The sidecar's own process may end the call after its worker was killed.
    assert begun - Counter(set(begun)) == Counter([killing.case])


def test_a_worker_that_differs_is_refused(
    running: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: Do
) -> None:
    other = tmp_path / "lark-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: lark\nVersion: 0.0.1\n")
    files(Path(), tiny_pram=TINY, tiny_py=GOOD)
    with pool(None, running.address) as opened:
        before = len(opened.client.nthreads())  # type: ignore[attr-defined]
        running.start_worker(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        wait_until(lambda: len(opened.client.nthreads()) == before + 1)  # type: ignore[attr-defined]
    sweep = f"sweep tiny.pram --sizes 1..3 --scheduler {running.address}"
    refused = alone(sweep)
    assert refused.status == 1 and "lark 0.0.1" in refused.err and "install the same everywhere" in refused.err
    monkeypatch.setattr(cluster, "_require_fit_workers", lambda client, scheduler: None)  # as if it had come later
    refused = alone(sweep)
    assert refused.status == 1 and "lark 0.0.1" in refused.err and "error: tcp://127.0.0.1:" in refused.err
    assert "Traceback" not in refused.err


def test_a_worker_with_several_threads_is_refused() -> None:
    def reason(threads: int) -> str:
        return cluster._unfit(version(), libraries(), SimpleNamespace(state=SimpleNamespace(nthreads=threads)))  # type: ignore[arg-type]

    assert reason(1) == "" and "start workers with --nthreads 1" in reason(2)


def test_what_dask_says_instead_of_a_result() -> None:
    from distributed import KilledWorker

    def of(error: BaseException) -> tuple[Any, ...]:
        return type(error), error, None

    killed = cluster._result(of(KilledWorker("case", None, 3)))
    assert killed.status == FAILED and "died" in killed.trouble
    with pytest.raises(PramError, match="the Dask scheduler is gone"):
        cluster._result(CancelledError())
    with pytest.raises(PramError, match="install the same"):
        cluster._result(of(OtherVersion("install the same everywhere")))
    with pytest.raises(ZeroDivisionError):
        cluster._result(of(ZeroDivisionError()))


def test_nobody_answers() -> None:
    with pytest.raises(PramError, match="no Dask scheduler answers at 127.0.0.1"), pool(None, "127.0.0.1"):
        pytest.fail("opened")
