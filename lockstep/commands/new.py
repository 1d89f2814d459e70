"""`lockstep new`: writes a first program and its oracle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from lockstep.pram.errors import Source, fail
from lockstep.pram.format import format_text
from lockstep.pram.parser import keywords


def new(name: Annotated[str, typer.Argument(metavar="NAME", help="The program's name.", show_default=False)]) -> None:
    """Write a first program, NAME.pram, and its oracle, NAME.py."""
    from lockstep.commands.new import begin, what_is_wrong

    if wrong := what_is_wrong(name):
        raise typer.BadParameter(wrong, param_hint="NAME")
    program, sidecar = begin(name, Path())
    print(f"""{program} is a program. {sidecar} draws its inputs and has its oracle. Read both, then:

  lockstep run {program} --size 8        runs it on the machine
  lockstep profile {program} --size 8    shows what each line costs
  lockstep verify {program}              compares machine and model
  lockstep fmt {program}                 lays it out after a change""")


PROGRAM = """\
program {name} # the largest of n numbers, found in lg(n) rounds
mode EREW # in a step no two processors touch the same cell
param n # a parameter is given with each input
procs max(1, n / 2)
shared A[n] : input in 0 .. 99, largest : output
claim time == 9 + 19 * lg(n) # checked after every run, never trusted
ensures exists i in 0 .. n - 1 : largest == old(A[i]) # checked, too: it is one of the numbers
ensures forall i in 0 .. n - 1 : largest >= old(A[i]) # and none of them is larger

local m := n # the numbers that are left are A[0 .. m - 1]
while m > 1 do
  local h := (m + 1) >> 1 # how many will be left: half of them, rounded up
  parallel for i in 0 .. m - h - 1 do # processor i compares A[i] with A[i + h]
    local other := A[i + h]
    if other > A[i] then A[i] := other end
  end
  m := h
end
single do largest := A[0] end # only processor 0
"""


SIDECAR = '''\
"""Inputs for {name}.pram and what it should find in them."""


def inputs(size, rng):  # rng is a numpy.random.Generator
    return {{"n": size}}, {{"A": rng.integers(0, 100, size).tolist()}}


def oracle(params, arrays):
    return {{"largest": max(arrays["A"])}}
'''


def begin(name: str, folder: Path) -> tuple[Path, Path]:
    """Write NAME.pram and NAME.py.

    Raises: PramError: one of the files exists; then neither is written.
    """
    program, sidecar = folder / f"{name}.pram", folder / f"{name}.py"
    for path in (program, sidecar):
        if path.exists() or path.is_symlink():
            raise fail("this file exists; nothing was written", Source(str(path), ""))
    texts = {program: format_text(PROGRAM.format(name=name)), sidecar: SIDECAR.format(name=name)}
    try:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError:
        program.unlink(missing_ok=True)  # both or none
        sidecar.unlink(missing_ok=True)
        raise
    return program, sidecar


def what_is_wrong(name: str) -> str:
    """Why this cannot be a program's name; empty if it can."""
    if name in keywords():
        return f"{name!r} is a reserved word of the language"
    if name.endswith(".pram"):
        return f"give the name without `.pram`: {name.removesuffix('.pram')}"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return f"{name!r} is no name: names are made of ASCII letters, digits and `_`, and start with no digit"
    return ""
