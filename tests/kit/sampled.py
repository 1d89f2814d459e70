"""Small sums, and their decodes by samplers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from kit.decoding import states
from kit.jobs import DIRECTORY
from lockstep.compiler.compile import Compiled, Layout, compile_job
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import load


@cache
def small(size: int = 2, dtype: str = "float64", word_bits: int = 6) -> tuple[Job, Compiled, Layout, int]:
    """A sum, its model, and the time of its run."""
    job = load(DIRECTORY / "tree_sum.pram").instantiate({"n": size}, {"A": [13, 9, 2, 15][:size]}, word_bits)
    time = run(job).time
    compiled = compile_job(job, time, dtype)
    return job, compiled, compiled.layout(job, time), time


def steps_of(text: str, engine: str = "dense", size: int = 2, **more: object) -> list[list[int] | str]:
    """The tokens after each step, and how the decode ends."""
    _, compiled, layout, _ = small(size)
    sampling = replace(Sampling(engine=engine, sampler=text), **more)  # type: ignore[arg-type]
    return list(states(Decoder(compiled.model, layout.tokens(), layout.positions(), "mdm", sampling), 400))
