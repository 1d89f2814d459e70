"""Drawn inputs are in the declared ranges, and programs accept them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.commands import FINE, WRONG, Do
from kit.jobs import PATHS
from oracles.plain import outside

from lockstep.pram.drawing import random_inputs
from lockstep.pram.errors import PramError
from lockstep.pram.program import load, parse_program
from lockstep.proofs_check.failing import inputs_size
from lockstep.proofs_check.fuzzing.inputs import choices_of, input_maker, program_inputs
from lockstep.proofs_check.fuzzing.shrinking import shrink

FIXED = settings(derandomize=True, deadline=None, database=None, max_examples=25)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_inputs_of_the_examples_are_in_their_ranges(path: Path) -> None:
    program, sizes = load(path), []
    anything = replace(program, has_contracts=False)  # what it requires is more than ranges

    @FIXED
    @given(program_inputs(program, 4))
    def check(inputs: tuple[dict[str, int], dict[str, Any]]) -> None:
        sizes.append(inputs[0])
        assert outside(program, *inputs) == []
        assert anything.instantiate(*inputs).space >= 0

    check()
    assert len({repr(params) for params in sizes}) >= 3
    for size in range(1, 5):
        try:
            assert outside(program, *random_inputs(program, size, np.random.default_rng(size))) == []
        except PramError as error:
            assert "is empty" in error.message, error


BOUNDS = ["0", "1", "n", "n + 3", "2 * n", "k", "max(n, k)", "7"]
DIMENSIONS = ["", "[n]", "[k, 2]", "[n + 1, k]", "[3]"]


@st.composite
def declarations(draw: st.DrawFn) -> str:
    """Return a program whose inputs have ranges that depend on parameters."""
    arrays = []
    for name in "ABC"[: draw(st.integers(1, 3))]:
        low, more = draw(st.sampled_from(BOUNDS)), draw(st.sampled_from(BOUNDS))
        bounds = draw(st.sampled_from(["", f" in {low} .. {low} + {more}"]))
        role = draw(st.sampled_from(["input", "inout"]))
        arrays.append(f"shared {name}{draw(st.sampled_from(DIMENSIONS))} : {role}{bounds}")
    return "\n".join(["program declared", "param n", "param k = n / 2 + 1", *arrays, ""])


@settings(FIXED, max_examples=150)
@given(declarations(), st.data())
def test_inputs_of_random_declarations_are_in_their_ranges(text: str, data: st.DataObject) -> None:
    program = parse_program(text)
    drawn = data.draw(program_inputs(program, 5))
    for params, arrays in (drawn, random_inputs(program, 3, np.random.default_rng(0))):
        assert outside(program, params, arrays) == []
        program.instantiate(params, arrays)


NUMPY = """
import numpy as np
def inputs(size, rng): return {"n": np.int64(size)}, {"A": list(rng.integers(0, 9, size))}
def oracle(params, arrays): return {"A": [x + 1 for x in arrays["A"]]}
"""


def test_parameters_may_be_numpys_integers(do: Do) -> None:
    Path("tiny.py").write_text(NUMPY)
    assert do("verify tiny.pram --sizes 1..2 --random 1").status == FINE
    assert do("run tiny.pram --size 2").status == FINE
    assert do("sweep tiny.pram --sizes 1..2 --random 1 --workers 0 --process mdm").status == FINE
    for value, status in (
        ("np.array(size)", FINE),
        ("np.float64(size)", WRONG),
        ("np.bool_(True)", WRONG),
        ("np.int64(-1)", WRONG),
    ):
        Path("tiny.py").write_text(NUMPY.replace("np.int64(size)", value))
        assert do("run tiny.pram --size 1").status == status, value


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint64])
def test_programs_take_numpys_integers(kind: type[np.integer[Any]]) -> None:
    values = load(PATHS[0].parent / "tree_sum.pram").values({"n": kind(3)})
    assert values["n"] == 3 and type(values["n"]) is int
    with pytest.raises(PramError, match="must be an integer, not"):
        load(PATHS[0].parent / "tree_sum.pram").values({"n": np.float64(3)})


def test_a_word_outside_is_noticed() -> None:
    program = parse_program("program t param n shared A[n] : input in 2 .. n + 2, s : inout")
    assert outside(program, {"n": 2}, {"A": [2, 4], "s": 15}) == []
    assert outside(program, {"n": 2}, {"A": [2, 5], "s": 16}) == ["A", "s"]
    assert outside(program, {"n": 3}, {"A": [2, 4], "s": 0}) == ["A"]


def test_an_input_is_made_again_of_its_choices_and_shrinks() -> None:
    program = parse_program("program t param n param m shared M[n, m] : input in 5 .. 99, s : inout")
    found = ({"n": 3, "m": 2}, {"M": [[7, 8], [9, 50], [98, 99]], "s": 1000})
    make = input_maker(program, found[0], given=found[1])
    small = shrink(
        make, found, choices_of(program, found, make), lambda i: i[1]["s"] > 40 and np.size(i[1]["M"]) >= 2, inputs_size, 120
    )
    assert small[1]["s"] == 41 and np.size(small[1]["M"]) == 2 and set(np.ravel(small[1]["M"])) == {5}
    with pytest.raises(ValueError):
        choices_of(program, ({"n": 1, "m": 1}, {"M": [[4]], "s": 0}), make)
