"""`decode --input FILE.jsonl` in several processes: the same results and errors, and what happens if a process is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import psutil
import pytest
from kit.clusters import wait_until
from kit.commands import MISUSED, WRONG, Do
from kit.jobs import DIRECTORY

from lockstep.pram.errors import PramError
from lockstep.pram.program import load
from lockstep.proofs_check import batch
from lockstep.proofs_check.batch import decode_lines, read_batch
from lockstep.proofs_check.decoding import PLAIN, DecodeOptions, Prepared
from lockstep.proofs_check.workers import cores, processes

WIDE = "program wide\nparam n\nword 4 + n % 2\nshared s : output\nsingle do s := n end\n"
LINES = [f'{{"params": {{"n": {n}}}}}' for n in (4, 7, 1, 6, 3, 2, 5)]


def test_processes_give_the_same_in_the_same_order(do: Do) -> None:
    """Of two word sizes, so that there are two models."""
    Path("wide.pram").write_text(WIDE)
    Path("many.jsonl").write_text("\n".join(LINES))
    calls: list[tuple[int, int]] = []
    program, lines = load("wide.pram"), read_batch(Path("many.jsonl"))
    found = decode_lines(program, lines, workers=2, progress=lambda done, of: calls.append((done, of)))
    alone = decode_lines(program, lines)
    assert [f.record for f in found] == [f.record for f in alone]
    assert all(np.array_equal(f.tokens, a.tokens) for f, a in zip(found, alone))
    assert [f.outputs["s"] for f in found] == [4, 7, 1, 6, 3, 2, 5]
    assert calls == sorted(calls) and calls[-1] == (7, 7) and len(calls) > 2


def test_an_error_has_its_line(do: Do) -> None:
    lines = [f'{{"params": {{"n": {n}}}, "arrays": {{"A": {[1] * n}}}}}' for n in (2, 2, 4, 2)]
    Path("many.jsonl").write_text("\n".join(lines))
    program, lines_read = load("tiny.pram"), read_batch(Path("many.jsonl"))
    least = min(Prepared.run(program.instantiate(*line.given.inputs), PLAIN).blocks for line in lines_read)
    here, there = (do(f"decode tiny.pram --input many.jsonl --time {least - 1} --workers {workers}") for workers in (0, 1))
    assert there.status == WRONG and not there.out and here.err == there.err
    assert "no room for more steps" in there.err and "many.jsonl:1:1: error: with the input on this line" in there.err


def test_workers_are_for_many_inputs(do: Do) -> None:
    outcome = do("decode tiny.pram --size 2 --workers 2")
    assert outcome.status == MISUSED and "many inputs" in outcome.err


def test_processes_start_only_where_they_save_time(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("many.jsonl").write_text("\n".join(LINES))
    Path("wide.pram").write_text(WIDE)
    program, lines = load("wide.pram"), read_batch(Path("many.jsonl"))
    asked: list[int] = []
    monkeypatch.setattr(batch, "_in_processes", lambda shares, workers, found, progress: asked.append(workers))

    def decode(options: DecodeOptions = PLAIN, count: int = 7) -> None:
        monkeypatch.setattr(batch, "_decode", lambda share, watch: [None] * len(share.numbers))
        try:
            decode_lines(program, lines[:count], options, workers=None)
        except KeyError:  # nothing was decoded in processes
            pass

    decode()
    assert not asked
    monkeypatch.setattr(batch, "WORTH_PROCESSES", 7 * batch.START)
    decode(count=1)
    decode(replace(PLAIN, sampling=replace(PLAIN.sampling, device="cuda")))
    assert not asked
    decode()
    assert asked == [cores()]


def test_work_grows_with_what_an_engine_does(do: Do) -> None:
    """A dense decode scores pairs of rows in each decoding step."""
    program = load(DIRECTORY / "tree_sum.pram")
    Path("one.jsonl").write_text('{"params": {"n": 8}, "arrays": {"A": [1, 2, 3, 4, 5, 6, 7, 8]}}')
    (line,) = read_batch(Path("one.jsonl"))
    prepared = [Prepared.run(program.instantiate(*line.given.inputs), PLAIN)]
    fast, dense = (
        next(batch._shares(prepared, replace(PLAIN, sampling=replace(PLAIN.sampling, engine=engine)))).work
        for engine in ("indexed", "dense")
    )
    assert dense > 10 * fast > 10 * batch.START


# -- processes that die ------------------------------------------------------------------------


def setting_of_threads() -> tuple[str | None, int]:
    return os.environ.get("OMP_NUM_THREADS"), import_module("lockstep.models.engines.jit").THREADS


def test_a_worker_has_one_thread() -> None:
    with processes(1) as pool:
        assert pool.submit(setting_of_threads).result() == ("1", 1)


def test_a_worker_that_dies_is_an_error() -> None:
    with pytest.raises(PramError, match="a worker process died"), processes(1) as pool:
        pool.submit(os._exit, 1).result()
    assert not multiprocessing.active_children()


def test_workers_are_killed_if_the_body_raises() -> None:
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), processes(1) as pool:
        pool.submit(time.sleep, 600)
        raise KeyboardInterrupt
    assert time.monotonic() - begin < 300 and not multiprocessing.active_children()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_stopped_leaves_nothing(stop: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C goes to all processes of the terminal, SIGKILL to one."""
    (tmp_path / "many.jsonl").write_text('{"params": {"n": 9}}\n' * 10_000)
    (tmp_path / "wide.pram").write_text(WIDE)
    command = [sys.executable, "-m", "lockstep", "decode", "wide.pram", "--input", "many.jsonl", "--workers", "2"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # processes that run tests ignore it, and children inherit that
    )

    def workers() -> list[psutil.Process]:
        children = psutil.Process(process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    wait_until(lambda: len(workers()) == 2)
    started = workers()
    if stop == signal.SIGINT:
        wait_until(lambda: all(child.cpu_times().user > 0.5 for child in started))  # they have begun to decode
        os.killpg(process.pid, stop)
    else:
        process.kill()
    out, error = process.communicate(timeout=60)
    assert not psutil.wait_procs(started, timeout=30)[1], "processes are left over"
    assert (process.returncode, out) == (130 if stop == signal.SIGINT else -stop, "")
    assert error == "" or stop == signal.SIGKILL
