"""Sizes that exceed the machine's limits are refused before an input is drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kit.commands import GOOD, SIDECAR, TINY, WRONG, Do

from lockstep.pram import drawing, sidecar
from lockstep.pram.errors import PramError
from lockstep.pram.program import load

HUGE = 100_000_000
PROCS = f"procs is {HUGE} (with n = {HUGE}); the limit is 16777216"
COMMANDS = ("run", "profile", "decode", "export", "compare")
MANY = ("verify", "modes", "space")
#: Draws small inputs only.
CAREFUL = SIDECAR.format(inputs='{"n": size}, {"A": [1] * (size if size <= 100 else 1 // 0)}', oracle="arrays")


@pytest.mark.parametrize(
    "line", [f"{c} big.pram --size {HUGE}" for c in COMMANDS] + [f"{c} big.pram --sizes {HUGE}" for c in MANY]
)
@pytest.mark.parametrize("with_sidecar", [False, True])
def test_nothing_is_drawn_for_what_is_beyond_the_limits(
    line: str, with_sidecar: bool, do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("big.pram").write_text(TINY)
    if with_sidecar:
        Path("big.py").write_text(CAREFUL)
    monkeypatch.setattr(drawing, "random_arrays", lambda *arguments: pytest.fail("drawn"))
    outcome = do(line)
    assert (outcome.status, outcome.out) == (WRONG, "") and f"big.pram:3:7: error: {PROCS}" in outcome.err


def test_registers_are_counted_before_anything_is_drawn(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    locals_ = "".join(f"local x{i} := n\n" for i in range(20)) + "".join(f"x{i} := x{i} + 1\n" for i in range(20))
    Path("wide.pram").write_text(TINY.replace("parallel", locals_ + "parallel", 1).replace("procs n", "procs max(1, n)"))
    monkeypatch.setattr(drawing, "random_arrays", lambda *arguments: pytest.fail("drawn"))
    outcome = do("run wide.pram --size 16000000")
    assert outcome.status == WRONG and "registers in all" in outcome.err


def test_a_sidecar_that_makes_something_else_of_a_size_is_asked(do: Do) -> None:
    """Also a sidecar that fails on small sizes, or uses other parameters than the size."""
    Path("small.pram").write_text(TINY)
    for inputs in ('{"n": size % 7}, {"A": [1] * (size % 7)}', f'{{"n": {{3: 0, {HUGE}: 2}}[size]}}, {{"A": [1, 1]}}'):
        Path("small.py").write_text(SIDECAR.format(inputs=inputs, oracle="arrays"))
        outcome = do(f"run small.pram --size {HUGE} --json")
        assert json.loads(outcome.out)["outputs"] == {"A": [2, 2]}, outcome


def test_what_is_drawn_does_not_depend_on_the_question(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.pram").write_text(TINY)
    Path("t.py").write_text(
        SIDECAR.format(inputs=GOOD.replace("[1] * size", "rng.integers(0, 9, size).tolist()"), oracle="arrays")
    )
    drawn = [sidecar.draw_one(sidecar.generator_for(load("t.pram")), 5, 0, 1)]
    monkeypatch.setattr(sidecar, "MAX_UNCHECKED_SIZE", 0)
    drawn.append(sidecar.draw_one(sidecar.generator_for(load("t.pram"), word_bits=2), 4, 0, 1))
    drawn.append(sidecar.draw_one(sidecar.generator_for(load("t.pram")), 5, 0, 1))
    assert drawn[0] == drawn[2]
    with pytest.raises(PramError, match="a pid is a word"):
        sidecar.draw_one(sidecar.generator_for(load("t.pram"), word_bits=2), 5, 0, 1)
