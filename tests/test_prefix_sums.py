"""`ps` and `psm`: the processors take turns, in the order of their pids."""

from __future__ import annotations

import pytest
from kit.runs import assert_same
from oracles.evaluator import evaluate
from test_language import machine_run

from lockstep.compiler.compile import compile_job
from lockstep.pram.access import MODES
from lockstep.pram.errors import PramError
from lockstep.pram.format import format_text
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement

TEXT = """program t
mode EREW
param n
procs n + 1
word 8
shared A[n] : input, B[n] : output, s : inout, C[2] : output

parallel for i in 0 .. n - 1 do
  local x := A[i]
  if x > 1 then psm(x, C[i & 1]) end
  local k := 1
  ps(k, s)
  B[i] := 16 * k + x
end
"""
A = [3, 1, 2, 5, 0, 4]


def test_each_gets_what_those_before_it_added() -> None:
    found = machine_run(parse_program(TEXT), {"n": 6}, {"A": A, "s": 7}).outputs
    before = [sum(A[j] for j in range(i) if A[j] > 1 and (i - j) % 2 == 0) if A[i] > 1 else A[i] for i in range(6)]
    assert found == {"B": [16 * (7 + i) + before[i] for i in range(6)], "s": 13, "C": [5, 9]}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_allows_turns_but_for_owners(mode: str) -> None:
    program = parse_program(TEXT.replace("EREW", mode))
    if mode == "CROW":
        with pytest.raises(PramError, match="owns"):
            machine_run(program, {"n": 6}, {"A": A, "s": 7})
        return
    assert_same(machine_run(program, {"n": 6}, {"A": A, "s": 7}), evaluate(program.tree, {"n": 6}, {"A": A, "s": 7}))


@pytest.mark.parametrize(("target", "cost"), [("s", 0), ("A[i]", 0), ("A[i + 1 - 1]", 2)])
def test_costs(target: str, cost: int) -> None:
    head = "program t\nparam n\nprocs n\nshared A[n] : input, s\nparallel for i in 0 .. n - 1 do local x := 1 "
    for n in range(1, 6):
        times = [
            machine_run(parse_program(f"{head}{text} end"), {"n": n}, {"A": [0] * n}).time for text in ("", f"ps(x, {target})")
        ]
        assert times[1] - times[0] == 3 + n * (11 + 2 * cost)


def test_a_sum_that_is_no_word() -> None:
    program = parse_program("program t\nprocs 2\nword 4\nshared s : inout\nlocal x := 8\nps(x, s)\n")
    with pytest.raises(PramError, match=r"6:1: error: step \d+: processor 1: overflow: 8 \+ 8") as error:
        machine_run(program, {}, {"s": 0})
    assert "ps(x, s)" in str(error.value)


def test_the_names_are_not_reserved() -> None:
    program = parse_program("program t\nshared ps : output\nlocal psm := 3\npsm(psm, ps)\nps := ps + psm\n")
    assert machine_run(program, {}, {}).outputs == {"ps": 3}


def test_layout() -> None:
    text = "program t\nshared s\nlocal x:=1 ps( x ,s )psm(x,s) if x>0 then ps(x,s) end\n"
    assert format_text(text).splitlines()[3:] == ["local x := 1", "ps(x, s)", "psm(x, s)", "if x > 0 then ps(x, s) end"]


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm"])
def test_models_agree(construction: str) -> None:
    job = parse_program(TEXT).instantiate({"n": 3}, {"A": [3, 1, 2], "s": 1})
    time = machine_run(parse_program(TEXT), {"n": 3}, {"A": [3, 1, 2], "s": 1}).time
    agreement = check_agreement(compile_job(job, time, construction=construction), job, time)
    assert agreement.divergence is None and agreement.outputs_agree
