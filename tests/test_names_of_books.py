"""`INFINITY`, `MIN`, `true`, `false` and their kin, in a program that does not declare these names."""

from __future__ import annotations

import pytest
from kit.runs import assert_same
from oracles.evaluator import evaluate
from test_language import machine_run

from lockstep.pram.errors import PramError
from lockstep.pram.foreign import FALSE, LARGEST, LEAST, TRUE
from lockstep.pram.program import parse_program

KINDS = (("word 6", 63, 0), ("word 6 signed", 31, -32), ("word 6 wrap", 63, 0))


@pytest.mark.parametrize(("kind", "most", "least"), KINDS)
def test_every_name(kind: str, most: int, least: int) -> None:
    for names, value in ((LARGEST, most), (LEAST, least), (TRUE, 1), (FALSE, 0)):
        for name in names:
            program = parse_program(
                f"program t\n{kind}\nshared s : output, A[2] : output\ns := {name}\nA[1] := min({name}, 5) + 1\n"
            )
            ours = machine_run(program, {}, {})
            assert ours.outputs == {"s": value, "A": [0, min(value, 5) + 1]}
            assert_same(ours, evaluate(program.tree, {}, {}))


@pytest.mark.parametrize(
    "text",
    [
        "param MAX = 3\nshared s : output\ns := MAX\n",
        "shared s : output\nlocal MAX := 3\ns := MAX\n",
        "shared s : output\nfor MAX in 3 .. 3 do s := MAX end\n",
        "procs 4\nshared s : output\nparallel for MAX in 0 .. 3 do if pid == 3 then s := MAX end end\n",
        "shared s : output, MAX\nMAX := 3\ns := MAX\n",
    ],
)
def test_a_name_that_is_declared_keeps_its_meaning(text: str) -> None:
    program = parse_program(f"program t\nword 8\n{text}")
    ours = machine_run(program, {}, {})
    assert ours.outputs == {"s": 3}
    assert_same(ours, evaluate(program.tree, {}, {}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MAX := 3\n", "undeclared name `MAX`; to make a new local, write `local MAX := ...`"),
        ("local x := 1\nx, INF := 3, 4\n", "undeclared name `INF`; to make a new local, write `local INF := ...`"),
        ("if 1 then local MAX := 3 end\ns := MAX\n", "undeclared name `MAX`; `inf` is the largest word"),
    ],
)
def test_a_name_that_is_assigned_is_one_of_the_program(text: str, says: str) -> None:
    with pytest.raises(PramError) as error:
        parse_program(f"program t\nshared s\n{text}")
    assert error.value.message == says


def test_a_loop_that_only_break_leaves() -> None:
    program = parse_program(
        "program t\nshared s : output\nlocal x := 0\nwhile true do x += 3 if x > 9 then break end end\ns := x\n"
    )
    ours = machine_run(program, {}, {})
    assert ours.outputs == {"s": 12}
    assert_same(ours, evaluate(program.tree, {}, {}))
