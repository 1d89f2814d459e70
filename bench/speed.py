"""Benchmarks of decoding engines: each row has a target and the measurement of this run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import islice

from hypothesis import HealthCheck, given, settings
from kit.jobs import DIRECTORY, WORD_BITS, job_of, seconds
from kit.machine_programs import machine_jobs, runs

from bench.figures import Figure, peak_memory
from bench.native import SPIN
from lockstep.commands.cost.calibrate import calibrate
from lockstep.commands.cost.check import compare
from lockstep.compiler.compile import CONSTRUCTIONS, compile_job
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement
from lockstep.proofs_check.certificate import require_certificate

#: Programs whose decodes are compared with predictions; none of them calibrates the cost model.
FORECAST = (("tree_sum", 8), ("tree_sum", 100), ("odd_even_sort", 12), ("rank_sort", 6), ("list_rank", 48), ("counter", 5),
            ("hillis_steele", 400))  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """One measured decode: its context, seconds until the first step and of a later step, processor time of a step over all threads,
    rows changed in a step, and tokens per second of the whole decode."""

    context: int
    start: float
    step: float
    busy: float
    steps: int
    rows: float
    rate: float


def pace(job: Job, construction: str = "mdm", most: int | None = None) -> Pace:
    """Decode a job with the indexed engine, all of it or its first steps."""
    time_needed = run(job, max_steps=1 << 24).time
    compiled = compile_job(job, time_needed, construction=construction)
    layout = compiled.layout(job, time_needed)
    tokens, positions = layout.tokens(), layout.positions()
    begin = time.perf_counter()
    decoder = Decoder(compiled.model, tokens, positions, compiled.process, Sampling(engine="indexed"))
    decode, rows, steps = iter(decoder), 0, 0
    next(decode)
    first, busy = time.perf_counter(), time.process_time()
    for step in islice(decode, most):
        rows, steps = rows + len(step.change.rows), steps + 1
    end, busy = time.perf_counter(), time.process_time() - busy
    assert decoder.engine == "indexed", decoder.engine
    return Pace(
        layout.length, first - begin, (end - first) / steps, busy / steps, steps, rows / steps, layout.length / (end - begin)
    )


def warm_up() -> None:
    """Compile and load the kernels."""
    for process in ("mdm", "ap-mdm"):
        pace(job_of("hillis_steele", 200, WORD_BITS), process, 5)


def growth() -> list[Figure]:
    paces = [pace(job_of("counter", b, WORD_BITS), most=2000) for b in (3, 6, 9, 12)]
    figures = [Figure(f"step at context {p.context:,}, P = 1", "", f"{p.step * 1e3:.2f} ms", None) for p in paces]
    ratio = paces[-1].step / paces[0].step
    return [*figures, Figure("(a) growth of a step, 10^3 to 10^6", "< 1.5", f"{ratio:.2f}", ratio < 1.5)]


def throughput() -> list[Figure]:
    job = job_of("hillis_steele", 1024, WORD_BITS)
    found = pace(job)
    machine = seconds(lambda: run(job), 3)
    steps = found.rows / found.step
    return [
        Figure(f"hillis_steele, n = 1024: start at context {found.context:,}", "", f"{found.start:.2f} s", None),
        Figure("a decoding step", "6 ms", f"{found.step * 1e3:.1f} ms", found.step <= 6e-3),
        Figure("a decoding step, processor time of both cores", "", f"{found.busy * 1e3:.1f} ms", None),
        Figure("(b) tokens a second, start included", ">= 500,000", f"{found.rate:,.0f}", found.rate >= 500_000),
        Figure("tokens a second, after the start", "", f"{steps:,.0f}", None),
        Figure("(c) decoding time / machine's time, P = 1024", "", f"{found.context / found.rate / machine:.0f}", None),
    ]


def memory() -> list[Figure]:
    """Measure peak memory, in separate processes."""
    peaks = []
    for size in (512, 1024):
        code = f"from bench import speed; speed.peak({size})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(json.loads(done.stdout))
    figures = [Figure(f"peak memory, context {context:,}", "", f"{mib:,} MiB", None) for context, mib in peaks]
    (small, less), (large, more) = peaks
    each = (more - less) * (1 << 20) / (large - small)
    whole = more + each * (500_000 - large) / (1 << 20)
    return [*figures, Figure("(d) context of half a million, at that slope", "< 2 GiB", f"{whole:,.0f} MiB", whole < 2048)]


def peak(size: int) -> None:
    """Print context and peak memory in MiB of one decode."""
    found = pace(job_of("hillis_steele", size, WORD_BITS))
    print(json.dumps((found.context, peak_memory())))


def edits() -> list[Figure]:
    found = pace(parse_program(SPIN).instantiate({}, {}, WORD_BITS), "ap-mdm", 10_000)
    what = f"(e) ap-mdm, context {found.context:,}, {found.rows:.0f} rows: 10^5 steps, from {found.steps:,}"
    busy = Figure("the same, processor time", "", f"{found.busy * 1e5:.0f} s", None)
    return [Figure(what, "< 60 s", f"{found.step * 1e5:.0f} s", found.step < 6e-4), busy]


def compiling() -> list[Figure]:
    times = {}
    for path in sorted(DIRECTORY.glob("*.pram")):
        job = job_of(path.stem, 2, WORD_BITS)
        length = run(job).time
        times[path.stem] = seconds(partial(compile_job, job, length), 3)
    slowest = max(times, key=lambda name: times[name])
    return [Figure("(f) compile, slowest example", "< 0.2 s", f"{times[slowest]:.3f} s, {slowest}", times[slowest] < 0.2)]


def verifying() -> list[Figure]:
    """Random machine programs, compared with the machine and certified, on one core; the target is for two."""
    jobs: list[tuple[Job, int]] = []

    @settings(max_examples=120, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(machine_jobs())
    def collect(job: Job) -> None:
        found = runs(job)
        if found is not None and found.time >= 12:
            jobs.append((job, found.time))

    collect()
    begin = time.perf_counter()
    for job, length in jobs:
        compiled = compile_job(job, length)
        require_certificate(compiled)
        assert check_agreement(compiled, job, length).divergence is None
    minute = 60 * len(jobs) / (time.perf_counter() - begin)
    mean = sum(length for _, length in jobs) / len(jobs)
    return [
        Figure(f"(g) random programs a minute, T = {mean:.0f} on average, one core", ">= 500", f"{minute:,.0f}", minute >= 500)
    ]


def forecasting() -> list[Figure]:
    """Predicted times of `lockstep cost` divided by measured times, for decodes that did not calibrate it."""
    calibration, figures, all_ratios = calibrate(), [], []
    jobs = [job_of(name, size, WORD_BITS) for name, size in FORECAST]
    comparisons = [h for job in jobs for h in compare(job, run(job, max_steps=1 << 20).time, tuple(CONSTRUCTIONS), calibration)]
    assert all(h.holds and h.engine for h in comparisons), [h.trouble or h.left_out for h in comparisons]
    for engine in calibration.time:
        ratios = sorted(h.predicted / h.measured for h in comparisons if h.engine == engine and not h.left_out)
        figures.append(
            Figure(f"{engine}: predicted / measured, {len(ratios)} decodes", "", f"{ratios[0]:.2f}..{ratios[-1]:.2f}", None)
        )
        all_ratios += [max(r, 1 / r) for r in ratios]
    near, worst = sum(r <= 1.5 for r in all_ratios), max(all_ratios)
    figures.append(
        Figure(f"times predicted within a factor of 1.5, of {len(all_ratios)}", "all", f"{near}", near == len(all_ratios))
    )
    return [*figures, Figure("(h) worst factor of a predicted time", "<= 1.5", f"{worst:.2f}", worst <= 1.5)]


#: The parts of the table, each by its name.
PARTS = {part.__name__: part for part in (growth, throughput, memory, edits, compiling, verifying, forecasting)}
