"""Measures decodes: processor time, and peak memory in separate processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lockstep.commands.cost.forms import letters
from lockstep.commands.cost.model import Dimensions, Work, memory_unit
from lockstep.compiler.compile import Compiled, compile_job
from lockstep.models.decode import Decoder
from lockstep.models.sampling import Sampling
from lockstep.pram.job import Job
from lockstep.pram.program import parse_program
from lockstep.proofs_check.activity import Activity, counted_run

#: Short decodes are repeated until SECONDS of processor time are spent, at most REPEATS times; the shortest time counts.
SECONDS, REPEATS = 0.5, 4
#: Decoding steps after which the memory of a decode has reached its peak.
SETTLED = 12
STATUS = Path("/proc/self/status")

MIXED = """parallel for i in 0 .. n - 1 do
  local x := A[i]
  local y := (x * 3 + i) ^ (x << 2)
  local z := (y >> 1) & 255
  if z < 100 then x := z else x := y - z end
  A[i] := x | 1
end
"""
#: The programs that calibrate. Between them, the numbers of processors, weights, steps and cells do not all grow together.
PROGRAMS = {
    "sums": """program sums
param n
procs n
shared A[n] : inout
local d := 1
while d < n do
  parallel for i in d .. n - 1 do A[i] := A[i] + A[i - d] end
  d := d + d
end
""",
    "spin": """program spin
param n
procs 1
shared A[8] : output
for round in 1 .. n do
  for i in 0 .. 7 do A[i] := A[i] + 1 end
end
""",
    "mixed": f"program mixed\nparam n\nprocs n\nshared A[n] : inout\n{MIXED}",
    "rounds": f"program rounds\nparam n\nprocs n\nshared A[n] : inout\nfor round in 1 .. 6 do\n{MIXED}end\n",
    "wide": """program wide
param n
procs 1
shared A[n] : output
for i in 0 .. 7 do A[i] := A[i] + 1 end
""",
}


@dataclass(frozen=True)
class MeasuredDecode:
    """One measured decode. seconds: processor time of all threads, from the layout to the last token. tokens: those unmasked."""

    seconds: float
    steps: int
    contexts: tuple[int, ...]
    tokens: int
    engine: str


def small_job(name: str, size: int) -> Job:
    """The job of one of PROGRAMS."""
    program = parse_program(PROGRAMS[name], name)
    arrays = {a.name: [i % 7 for i in range(a.size)] for a in program.layout({"n": size}) if a.is_input}
    return program.instantiate({"n": size}, arrays, 16)


def work_of(job: Job, time_taken: int, compiled: Compiled, activity: Activity) -> Work:
    """The input of the cost model for a job that was run."""
    whole = job.processors * time_taken
    values = letters(compiled.construction, job, time_taken)
    share = activity.running / whole, activity.written / whole
    return Work(compiled.construction, Dimensions.of(compiled.model), values, *share)


@contextmanager
def one_thread() -> Iterator[None]:
    """Give torch one thread, as the command line does."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def decode_once(compiled: Compiled, job: Job, time_taken: int, engine: str) -> MeasuredDecode:
    """Decode a job to its end, and measure it."""
    with one_thread():
        begin = time.process_time()
        layout = compiled.layout(job, time_taken)
        tokens, positions = layout.tokens(), layout.positions()
        decoder = Decoder(compiled.model, tokens, positions, compiled.process, Sampling(engine=engine))
        steps, filled, lengths, mask = 0, 0, [len(tokens)], compiled.model.vocabulary.mask
        for step in decoder:
            steps = step.number
            filled += step.written(lengths[-1], mask)
            lengths.append(step.change.length)
        return MeasuredDecode(time.process_time() - begin, steps, tuple(lengths), filled, decoder.engine)


def fastest_decode(compiled: Compiled, job: Job, time_taken: int, engine: str) -> MeasuredDecode:
    """The fastest of several equal decodes. A decode that takes longer than SECONDS is made once."""
    taken: list[MeasuredDecode] = []
    while not taken or len(taken) < REPEATS and sum(t.seconds for t in taken) < SECONDS:
        taken.append(decode_once(compiled, job, time_taken, engine))
    return min(taken, key=lambda t: t.seconds)


# -- memory ----------------------------------------------------------------------------------------


def memory(engine: str, sizes: tuple[int, int]) -> tuple[float, float] | None:
    """Bytes of the process itself, and bytes for each byte of `memory_unit`, from the peaks of two decodes of different sizes.

    Returns: None if the system does not tell.
    """
    if not STATUS.is_file():
        return None
    code = f"from lockstep.commands.cost import measure; measure.print_peaks({engine!r}, {sizes!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (small, less), (large, more) = json.loads(done.stdout)
    slope = max(0.0, (more - less) / (large - small))
    return max(0.0, less - slope * small), slope


def print_peaks(engine: str, sizes: tuple[int, int]) -> None:
    """Print, for each size, the `memory_unit` of a decode and the peak memory of this process after it."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported
    peaks = []
    for size in sizes:
        job = small_job("sums", size)
        run, _ = counted_run(job, 1 << 20)
        compiled = compile_job(job, run.time)
        layout = compiled.layout(job, run.time)
        decoder = Decoder(compiled.model, layout.tokens(), layout.positions(), compiled.process, Sampling(engine=engine))
        for _ in islice(decoder, SETTLED):
            pass
        # Not getrusage, whose maximum a process inherits from the one that started it.
        status = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        unit = memory_unit(engine, Dimensions.of(compiled.model), layout.length)
        peaks.append((unit, int(status["VmHWM"].split()[0]) << 10))
    print(json.dumps(peaks))
