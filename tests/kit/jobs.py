"""What benchmarks and tests decode: the example programs on drawn inputs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lockstep.pram.job import Job
from lockstep.pram.program import load, parse_program
from lockstep.pram.sidecar import generator_for

PROGRAMS = ("tree_sum", "hillis_steele", "list_rank", "bitonic_sort", "closure", "components", "dyck")
DIRECTORY = Path(__file__).parent.parent.parent / "examples" / "programs"
#: Every example program.
PATHS = sorted(DIRECTORY.glob("*.pram"))
WORD_BITS = 16


def seconds(action: Callable[[], object], repeat: int = 5) -> float:
    """The least wall time of several calls."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def job_of(name: str, size: int, word_bits: int | None = None) -> Job:
    program = load(DIRECTORY / f"{name}.pram")
    return program.instantiate(*generator_for(program).inputs(size, np.random.default_rng(0)), word_bits)


def sums_of(*words: int, word: int = 16) -> Job:
    """All processors write to one cell, in one step, under `CRCW sum`."""
    text = "program p mode CRCW sum param n procs n shared A[n] : input, s : output parallel for i in 0 .. n - 1 do s := A[i] end"
    return parse_program(text).instantiate({"n": len(words)}, {"A": list(words)}, word)
