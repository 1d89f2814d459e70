"""Measures the coefficients of the cost model on this machine, and keeps them in the user's cache."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from lockstep import __version__
from lockstep.commands.cost.measure import decode_once, fastest_decode, memory, small_job, work_of
from lockstep.commands.cost.model import FEATURES, RECORD, RECORD_HEAD, STREAM_COLUMN, TABLE_ROW, WORD, features, fit
from lockstep.compiler.compile import CONSTRUCTIONS, compile_job, is_causal, takes_time
from lockstep.models.atomic import write_atomically
from lockstep.models.engines import available, takes_causal
from lockstep.pram.cache import cache_folder
from lockstep.pram.errors import Source, fail
from lockstep.pram.progress import Progress, silent
from lockstep.proofs_check.activity import counted_run

#: The decodes that calibrate each engine: programs of `measure`, each with a size. For ap-mdm, whose contexts are shorter, LONGER
#: replaces the last one.
RUNS = {
    "dense": (("sums", 2), ("sums", 4), ("mixed", 2), ("mixed", 5), ("spin", 1), ("sums", 7)),
    "active": (("sums", 2), ("sums", 4), ("mixed", 2), ("mixed", 5), ("spin", 1), ("spin", 4), ("wide", 300),
               ("sums", 14)),
    "indexed": (("sums", 2), ("sums", 24), ("sums", 60), ("sums", 150), ("sums", 260), ("mixed", 180), ("rounds", 12),
                ("rounds", 48), ("spin", 1), ("spin", 6)),
    "native": (("sums", 2), ("sums", 24), ("sums", 60), ("sums", 260), ("mixed", 180), ("rounds", 12), ("rounds", 48),
               ("spin", 1), ("spin", 6)),
}  # fmt: skip
#: A causal model computes one row a step, so its decodes are shorter.
CAUSAL_RUNS = {
    "dense": (("sums", 2), ("sums", 4), ("mixed", 2), ("mixed", 5), ("spin", 1), ("sums", 7)),
    "indexed": (("sums", 2), ("sums", 7), ("mixed", 5), ("spin", 1), ("sums", 24)),
    "native": (("sums", 2), ("sums", 24), ("mixed", 5), ("spin", 1), ("sums", 60)),
}
LONGER = {"dense": ("sums", 30), "active": ("sums", 30), "indexed": ("spin", 6), "native": ("spin", 6)}
#: The sizes of `sums` whose memory is measured.
MEMORY_RUNS = {"dense": (7, 11), "active": (7, 16), "indexed": (100, 300), "native": (100, 300)}


@dataclass(frozen=True)
class Calibration:
    """The coefficients of one machine.

    time: seconds for each of FEATURES, by engine and construction. memory: by engine, bytes of the process, and bytes for each byte
    of `memory_unit`. worst: the largest factor between a measurement and the fit.
    """

    machine: dict[str, str]
    time: dict[str, dict[str, list[float]]]
    memory: dict[str, list[float]]
    worst: float


def this_machine() -> dict[str, str]:
    """Facts that the coefficients depend on: the processor, the system, versions."""
    return {
        "processor": _processor(), "cores": str(os.cpu_count()), "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(), "torch": version("torch"), "lockstep": __version__,
        "model": f"{FEATURES} of {({engine: decoded_by(engine) for engine in FEATURES})}",
        "engines": str(available()), "bytes": str((WORD, TABLE_ROW, STREAM_COLUMN, RECORD, RECORD_HEAD)),
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def cache_file() -> Path:
    """The file of the cache."""
    return cache_folder() / "cost.json"


def cached() -> Calibration | None:
    """The calibration in the cache, if this machine made it with these versions; else None."""
    try:
        found = Calibration(**json.loads(cache_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.machine == this_machine() else None


def save(calibration: Calibration) -> None:
    """Write a calibration to the cache.

    Raises: PramError: the cache cannot be written.
    """
    path = cache_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(asdict(calibration), indent=1).encode())
    except OSError as error:
        raise fail(f"the measurements cannot be written: {error.strerror}", Source(str(path), "")) from None


def calibrate(progress: Progress = silent) -> Calibration:
    """Measure short decodes with each engine and construction, and fit the model to them."""
    chosen = {engine: runs for engine, runs in RUNS.items() if engine in available()}
    total = sum(len(_runs(engine, construction)) for engine in chosen for construction in CONSTRUCTIONS) + len(chosen)
    done, ratios = 0, [1.0]
    times: dict[str, dict[str, list[float]]] = {engine: {} for engine in chosen}
    for engine in chosen:
        for construction in decoded_by(engine):
            rows, taken = [], []
            for number, (name, size) in enumerate(_runs(engine, construction)):
                row, seconds = _measured(engine, construction, name, size, warm=not number)
                rows.append(row)
                taken.append(seconds)
                done += 1
                progress(done, total)
            times[engine][construction] = found = fit(rows, taken)
            ratios += [sum(x * c for x, c in zip(row, found)) / seconds for row, seconds in zip(rows, taken)]
    peaks = {}
    for engine in chosen:
        if measured := memory(engine, MEMORY_RUNS[engine]):
            peaks[engine] = list(measured)
        done += 1
        progress(done, total)
    return Calibration(this_machine(), times, peaks, max(max(r, 1 / r) for r in ratios))


def decoded_by(engine: str) -> list[str]:
    """The constructions whose models an engine computes."""
    return [name for name in CONSTRUCTIONS if takes_causal(engine) or not is_causal(name)]


def _runs(engine: str, construction: str) -> Sequence[tuple[str, int]]:
    """The decodes that calibrate an engine for a construction."""
    if is_causal(construction):
        return CAUSAL_RUNS.get(engine, ())
    return RUNS[engine] if takes_time(construction) else (*RUNS[engine][:-1], LONGER[engine])


def _measured(engine: str, construction: str, name: str, size: int, warm: bool) -> tuple[list[float], float]:
    """The features of a decode, and the seconds that it took. warm: first make one decode that compiles kernels."""
    job = small_job(name, size)
    run, activity = counted_run(job, 1 << 20)
    compiled = compile_job(job, run.time, construction=construction)
    if warm:
        decode_once(compiled, job, run.time, engine)
    taken = fastest_decode(compiled, job, run.time, engine)
    assert taken.engine == engine, taken.engine
    return features(engine, work_of(job, run.time, compiled, activity)), taken.seconds
