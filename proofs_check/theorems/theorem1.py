"""Theorem 1: masked diffusion simulates any PRAM in O(T) decoding steps at context O(P T).

For the construction of `compiler.mdm` the bounds are equalities: T the time of the run, `time` the blocks that
masks were laid out for, h parameters, n input words, m output words, P processors, and

    decoding steps = T + [time > T] + [m > 0]
    context        = 1 + h + n + m + 3 P time
    depth          = 3
    d_model        = see `width`: linear in the bits of a word, of the time and of a pid
"""

from __future__ import annotations

from compiler.mdm import Widths
from compiler.processor import Code, bits_for
from pram.job import Job

DEPTH = 3


def decoding_steps(time: int, allocated: int, outputs: int) -> int:
    """Decoding steps in parallel order of a run of `time` steps with room for `allocated`."""
    return time + (allocated > time) + (outputs > 0)


def context(job: Job, allocated: int) -> int:
    """The context length."""
    return 1 + len(job.parameters) + job.inputs + len(job.outputs) + 3 * job.processors * allocated


def width(code: Code, widths: Widths) -> int:
    """d_model: w bits of a word, t of the time, p of a pid, c of a program counter, r of a register's index.

    i = max(r, bits of a parameter's index); b = max(w, c, r), the bits of a token. A program that branches adds
    2 c, shl and shr add w each, mul adds w, and every word operation adds its flag (a sum has two).
    """
    w, t, p = widths.word, widths.time, widths.pid
    c, r = bits_for(len(code.instructions)), bits_for(code.registers)
    i = max(r, bits_for(code.parameters))
    b = max(w, c, r)
    operations = code.operations()
    always = 2 * b + 4 * w + 2 * t + p + c + 2 * i + max(w, i) + 36
    branches = 2 * c if any(x.name == "jz" for x in code.instructions) else 0
    shifts_and_products = w * sum(name in operations for name in ("shl", "shr", "mul"))
    return always + branches + shifts_and_products + len(operations) + ("add" in operations)
