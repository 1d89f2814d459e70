"""Writes sidecars of tiny.pram in the current folder, for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstep.pram.program import load
from lockstep.pram.sidecar import Generator, SidecarFailed, generator_for
from lockstep.pram.sidecar.judging import Verdict

HEAD = "import os, random, signal, sys\nimport numpy as np\n"
INPUTS = "def inputs(size, rng): return {'n': size}, {'A': rng.integers(0, 9, size)}\n"
#: tiny.pram adds 1 to every cell.
RIGHT = "return {'A': np.array(arrays['A']) + 1}"


def generator(body: str, inputs: str = INPUTS, timeout: float = 20) -> Generator:
    """Return the generator of a sidecar whose oracle has this body."""
    Path("tiny.py").write_text(f"{HEAD}{inputs}def oracle(params, arrays):\n    {body}\n")
    return generator_for(load("tiny.pram"), timeout=timeout)


def judged(body: str, timeout: float = 20) -> Verdict | None:
    """Return the verdict of such a sidecar on the right outputs."""
    return generator(body, timeout=timeout).judge({"n": 2}, {"A": [3, 4]}, {"A": [4, 5]})


def error_of(body: str, timeout: float = 20) -> str:
    with pytest.raises(SidecarFailed) as caught:
        judged(body, timeout)
    assert caught.value.inputs == ({"n": 2}, {"A": [3, 4]})
    return caught.value.message
