"""Benchmarks of the native engine beside the indexed one, of `auto`, and of whole commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from kit.jobs import DIRECTORY, WORD_BITS, job_of

from bench.figures import Figure, peak_memory
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_job, is_causal
from lockstep.compiler.names import lacking
from lockstep.models.decode import Decoder
from lockstep.models.engines import available, pick, takes_causal
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program

#: Eight processors count in an array of a thousand cells.
SPIN = """program spin
procs 8
shared A[900] : output
for round in 1 .. 1000 do
  parallel for i in 0 .. 7 do A[i] := A[i] + i end
end
"""
#: Decodes of `choosing`: sizes, and the most tokens of a context. `dense` is timed up to so many scored pairs of rows. A causal model
#: makes a step for each token, so its contexts are shorter, and each engine is timed.
SIZES, MOST_TOKENS, MOST_PAIRS, MOST_APPENDED = (1, 2, 3, 4, 6, 8), 40_000, 20_000_000, 2000
#: Whole commands, with the seconds that each may take.
COMMANDS = {"--help": 0.25, "decode tree_sum --size 4": 0.8, "verify tree_sum --sizes 1..4": 1.2,
            "decode hillis_steele --size 1024": 1.2, "decode tree_sum --size 4 --process arm": 0.8}  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """Processor time of a decode in which nobody looks at steps: of the start with the first step, and of a later step."""

    tokens: int
    start: float
    step: float
    steps: int

    @property
    def whole(self) -> float:
        return self.start + self.step * self.steps


def timed(job: Job, engine: str, construction: str = "mdm", most: int | None = None) -> Timed:
    """Decode a job, all of it or its first steps."""
    length = run(job, max_steps=1 << 24).time
    return timed_decode(compile_job(job, length, construction=construction), job, length, engine, most)


def timed_decode(compiled: Compiled, job: Job, length: int, engine: str, most: int | None = None) -> Timed:
    layout = compiled.layout(job, length)
    begin = time.process_time()
    decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, Sampling(engine=engine))
    next(iter(decoder))
    first = time.process_time()
    steps = 0
    for _ in decoder.contexts():
        steps += 1
        if most is not None and steps >= most:
            break
    each = (time.process_time() - first) / max(steps, 1)
    assert decoder.engine == engine, decoder.engine
    return Timed(layout.length, first - begin, each, steps)


def native() -> list[Figure]:
    """Decodes beside the indexed engine's, in processor time, each in one run."""
    wide, narrow = job_of("hillis_steele", 1024, WORD_BITS), job_of("counter", 8, WORD_BITS)
    spin = parse_program(SPIN).instantiate({}, {}, WORD_BITS)
    timed(job_of("hillis_steele", 8, WORD_BITS), "indexed", most=3)  # loads its kernels
    ours, peers = timed(wide, "native"), timed(wide, "indexed")
    figures = [
        _seconds("hillis_steele, n = 1024: start and first step, native", ours.start),
        _seconds("the same, indexed", peers.start),
        _step("a decoding step, native", ours),
        _step("the same, indexed", peers),
        _ratio("steps of hillis_steele, n = 1024: indexed / native", peers.step / ours.step, 12),
        _ratio("the whole decode: indexed / native", peers.whole / ours.whole, 6),
        Figure("tokens a second after the start, native", "", f"{ours.tokens / (ours.step * ours.steps):,.0f}", None),
    ]
    for what, job, construction, least, most in (
        ("counter, P = 1, mdm", narrow, "mdm", 100, 8e-6),
        ("spin, ap-mdm", spin, "ap-mdm", 50, 12e-6),
        ("tree_sum, n = 64, arm", job_of("tree_sum", 64, WORD_BITS), "arm", 20, 12e-6),
    ):
        ours, peers = timed(job, "native", construction), timed(job, "indexed", construction, 1000)
        named = f"a step of {what}, context {ours.tokens:,}, native"
        figures.append(Figure(named, f"< {most * 1e6:.0f} us", f"{ours.step * 1e6:.1f} us", ours.step < most))
        figures.append(_ratio(f"the same: indexed / native, {peers.step * 1e6:.0f} us", peers.step / ours.step, least))
    return figures


def native_growth() -> list[Figure]:
    """How a step grows with the context."""
    found = [timed(job_of("counter", b, WORD_BITS), "native", most=20_000) for b in (3, 6, 9, 12)]
    figures = [Figure(f"native step at context {t.tokens:,}, P = 1", "", f"{t.step * 1e6:.1f} us", None) for t in found]
    ratio = found[-1].step / found[0].step
    return [*figures, Figure("growth of a native step, 10^3 to 10^6", "< 1.3", f"{ratio:.2f}", ratio < 1.3)]


def native_memory() -> list[Figure]:
    """Peak memory of processes that decode long contexts to the end, for each token; two gigabytes for five million."""
    figures = []
    for name, size, bits in (("counter", 14, WORD_BITS), ("hillis_steele", 9300, 24)):
        code = f"from bench import native; native.peak({name!r}, {size}, {bits})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        tokens, mib = json.loads(done.stdout)
        each = (mib << 20) / tokens
        what = f"peak memory / tokens, native, {name} {size}: {mib:,} MiB / {tokens:,}"
        figures.append(Figure(what, "< 429 B", f"{each:.0f} B", each < (2 << 30) / 5_000_000))
    return figures


def peak(name: str, size: int, bits: int) -> None:
    """Print the context of a decode, and the peak memory in MiB of this process at its end."""
    found = timed(job_of(name, size, bits), "native")
    print(json.dumps((found.tokens, peak_memory())))


def choosing() -> list[Figure]:
    """The engine that `auto` takes beside the best one, on every example in every construction."""
    worst: dict[str, tuple[float, str]] = {"the first decode of a model": (0.0, ""), "a later one": (0.0, "")}
    count = 0
    for name, construction, compiled, job, length in _corpus():
        times = _engine_times(compiled, job, length)
        count += 1
        for nth, (what, ours) in enumerate(
            zip(worst, times.pop("auto"))
        ):  # a first decode beside first ones, a later one beside later ones
            best = min(times, key=lambda engine: times[engine][nth])  # noqa: B023
            ratio = ours / times[best][nth]
            worst[what] = max(worst[what], (ratio, f"{name}, {construction}, beside {best}"))
    return [
        Figure(f"auto / best engine, {what}, worst of {count}", "< 10", f"{ratio:.1f}, {where}", ratio < 10)
        for what, (ratio, where) in worst.items()
    ]


def _corpus() -> Iterator[tuple[str, str, Compiled, Job, int]]:
    for path in sorted(DIRECTORY.glob("*.pram")):
        for size in SIZES:
            try:
                job = job_of(path.stem, size, WORD_BITS)
                length = run(job, max_steps=5000).time
            except PramError:
                continue
            for construction in CONSTRUCTIONS:
                if lacking(construction, job.rules):
                    continue
                compiled = compile_job(job, length, construction=construction)
                if compiled.layout(job, length).length <= (MOST_APPENDED if is_causal(construction) else MOST_TOKENS):
                    yield f"{path.stem} {size}", construction, compiled, job, length


def _engine_times(compiled: Compiled, job: Job, length: int) -> dict[str, tuple[float, float]]:
    """Processor time of the first and of a second decode by each engine, and by the one that `auto` takes."""
    found: dict[str, tuple[float, float]] = {}
    tokens, causal = compiled.layout(job, length).length, compiled.model.causal
    steps = tokens if causal else length * (1 if compiled.process == "mdm" else 2)
    chosen = pick(tokens, steps, causal)
    for engine in available():
        if causal and not takes_causal(engine):
            continue
        if not causal and engine in ("dense", "active") and tokens * tokens * steps > MOST_PAIRS:
            continue
        first, second = (timed_decode(compiled, job, length, engine).whole for _ in range(2))
        found[engine] = first, second
    return found | {"auto": found[chosen]}


def commands() -> list[Figure]:
    """Wall time of whole commands, the least of five; files are in the cache of the system."""
    figures = []
    for line, most in COMMANDS.items():
        code = ["-c", f"import sys; sys.argv = {['lockstep', *line.split()]!r}; from lockstep.cli import main; main()"]
        taken = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run([sys.executable, *code], capture_output=True, check=True)
            taken.append(time.perf_counter() - begin)
        figures.append(Figure(f"lockstep {line}", f"< {most} s", f"{min(taken):.2f} s", min(taken) < most))
    return figures


def _seconds(what: str, seconds: float) -> Figure:
    return Figure(what, "", f"{seconds:.3f} s", None)


def _step(what: str, found: Timed) -> Figure:
    return Figure(what, "", f"{found.step * 1e6:,.0f} us", None)


def _ratio(what: str, ratio: float, least: float) -> Figure:
    return Figure(what, f">= {least:g}", f"{ratio:.1f}", ratio >= least)


#: The parts of the table, each by its name.
PARTS = {part.__name__: part for part in (native, native_growth, native_memory, choosing, commands)}
