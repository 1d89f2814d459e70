"""Tables: speed of the machine, of compiling and of dense decoding."""

from __future__ import annotations

import time

from kit.jobs import PROGRAMS, WORD_BITS, job_of, seconds
from rich import box
from rich.table import Table

from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.decode import decode
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.proofs_check.theorems import BOUNDS

#: For each program a size at which its dense decode takes a few seconds.
DECODED = {"tree_sum": 8, "hillis_steele": 4, "list_rank": 4, "bitonic_sort": 4, "closure": 2, "components": 2, "dyck": 2}


def machine_rate(name: str, size: int) -> tuple[Job, int, float]:
    """The job, its instruction executions, and executions a second."""
    job = job_of(name, size)
    executed = run(job).time * job.processors
    return job, executed, executed / seconds(lambda: run(job))


def machine_table() -> Table:
    table = Table("program", "P", "executions", "millions a second", box=box.SIMPLE_HEAD, title="machine, one core")
    for name, size in (("hillis_steele", 4096), ("tree_sum", 8192), ("list_rank", 4096), ("bitonic_sort", 8192)):
        job, executed, rate = machine_rate(name, size)
        table.add_row(name, str(job.processors), f"{executed:,}", f"{rate / 1e6:.1f}")
    return table


def compile_table() -> Table:
    """Each program at w = 16 (a word of its own where it declares one)."""
    columns = ("program", "size", "P", "T", "steps", "context", "d_model", "heads", "d_ff", "compile ms", "decode s",
               "decode / run")  # fmt: skip
    table = Table(*columns, box=box.SIMPLE_HEAD, title=f"compile and dense decode, {WORD_BITS} bits")
    for name in PROGRAMS:
        table.add_row(*_compile_row(name, DECODED[name]))
    return table


def _compile_row(name: str, size: int) -> tuple[str, ...]:
    job = job_of(name, size, WORD_BITS)
    exact = run(job)
    compiled = compile_job(job, exact.time)
    making = seconds(lambda: compile_job(job, exact.time))
    decoding, steps, context = decode_once(compiled, job, exact.time)
    running = seconds(lambda: run(job))
    layers = compiled.model.layers
    heads, units = ("/".join(str(n) for n in row) for row in zip(*((x.q.shape[0], x.w_in.shape[0]) for x in layers)))
    assert steps == BOUNDS["mdm"].steps(job, exact.time)
    figures = (size, job.processors, exact.time, steps, context, compiled.model.width, heads, units)
    return name, *(str(f) for f in figures), f"{making * 1e3:.0f}", f"{decoding:.2f}", f"{decoding / running:.0f}"


def decode_once(compiled: Compiled, job: Job, blocks: int) -> tuple[float, int, int]:
    """Seconds, decoding steps and peak context of one decode."""
    layout = compiled.layout(job, blocks)
    tokens, positions = layout.tokens(), layout.positions()
    start = time.perf_counter()
    decoding = decode(compiled.model, tokens, positions)
    return time.perf_counter() - start, decoding.steps, decoding.peak_context
