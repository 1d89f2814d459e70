"""What tests of the command line share: some programs, their inputs, and what a command leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

TINY = (
    "program tiny\nparam n\nprocs n\nshared A[n] : inout\nclaim time == 8\nparallel for i in 0 .. n - 1 do A[i] := A[i] + 1 end\n"
)
PROGRAMS = {
    "tiny": TINY,
    "liar": TINY.replace("== 8", "== 7"),
    "plain": "program plain\nshared s : output\nsingle do s := 3 end\n",
    "stuck": "program stuck\nwhile 1 do end\n",
}
INPUTS = {
    "in": '{"params": {"n": 4}, "arrays": {"A": [3, 1, 4, 1]}}',
    "negative": '{"params": {"n": 4}, "arrays": {"A": [3, 1, -4, 1]}}',
}
SIDECAR = "def inputs(size, rng):\n    return {inputs}\n\ndef oracle(params, arrays):\n    return {oracle}\n"
GOOD = '{"n": size}, {"A": [1] * size}'

#: Begins as a model file does.
EARLIER = bytes([20, *bytes(7)]) + b'{"an earlier": "model"}'

FINE, WRONG, MISUSED, REFUTED = 0, 1, 2, 3


class Outcome(NamedTuple):
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


Do = Callable[[str], Outcome]


def rows(table: str) -> list[list[str]]:
    """The lines of a table, split where columns part."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table.splitlines() if line.strip()]


#: The checks of masked diffusion, whatever other processes and measurements a report has.
MDM_CHECKS = {"claim time", "every token", "model outputs", "decoding steps", "context length", "depth", "d_model"}
