"""Benchmarks of division: what `/` costs a model, beside the same program with `-`."""

from __future__ import annotations

import time

from bench.figures import Figure
from bench.native import timed_decode
from lockstep.compiler.compile import compile_job
from lockstep.pram.job import Job
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program

SIZE = 48
#: The fastest engine for each word size. At 24 bits the gates of a division are too many for the native one.
ENGINES = {8: "native", 16: "native", 24: "indexed"}
PROGRAM = """program divides
mode CREW
param n
procs n
shared A[n] : output
for t in 1 .. 8 do
  parallel for i in 0 .. n - 1 do A[i] := (i + 99) OPERATOR (t + 1) end
end
"""


def division() -> list[Figure]:
    """Gates, and the seconds to compile and to decode a run of 48 processors, with `/` and with `-`."""
    return [figure for bits in ENGINES for figure in _figures(bits)]


def _figures(bits: int) -> list[Figure]:
    (gates, compiling, decoding, rate), (others, compiling_other, decoding_other, rate_other) = (
        _measured(operator, bits) for operator in ("/", "-")
    )
    return [
        Figure(f"gates at {bits} bits: `/`, `-`", "", f"{gates:,}, {others:,}", None),
        Figure(f"seconds to compile at {bits} bits", "", f"{compiling:.2f}, {compiling_other:.2f}", None),
        Figure(f"seconds of the first decoding step at {bits} bits", "", f"{decoding:.2f}, {decoding_other:.2f}", None),
        Figure(f"tokens a second after it at {bits} bits, {ENGINES[bits]}", "", f"{rate:,.0f}, {rate_other:,.0f}", None),
    ]


def _measured(operator: str, bits: int) -> tuple[int, float, float, float]:
    """Gates, seconds to compile, seconds of the first step, and tokens a second of later ones."""
    job = _job(operator, bits)
    length = run(job).time
    begin = time.process_time()
    compiled = compile_job(job, length)
    compiling = time.process_time() - begin
    gates = sum(len(layer.gates) for layer in compiled.circuit.layers)
    decoded = timed_decode(compiled, job, length, ENGINES[bits])
    return gates, compiling, decoded.start, decoded.tokens / (decoded.step * decoded.steps)


def _job(operator: str, bits: int) -> Job:
    return parse_program(PROGRAM.replace("OPERATOR", operator)).instantiate({"n": SIZE}, {}, bits)


#: Parts of the last table.
PARTS = {"division": division}
