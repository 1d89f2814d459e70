"""Words with `wrap`: a constant in a sum, a product, a bitwise operator or an assignment is taken modulo 2^w."""

from __future__ import annotations

import pytest
from kit.runs import assert_same
from oracles.evaluator import evaluate
from test_language import machine_run

from lockstep.compiler.compile import compile_job
from lockstep.pram.errors import PramError
from lockstep.pram.program import parse_program
from lockstep.proofs_check.agreement import check_agreement

HEAD = "program t\nword 8 {}\nparam n\nprocs 2\nshared A[2] : input, s : output, B[2] : output\n"
VALUES = {"n": 1103515245}
MEANT = {"x + n": lambda x, n: x + n, "n - x": lambda x, n: n - x, "x * n + 12345": lambda x, n: x * n + 12345, "x & n": lambda x, n: x & n,
         "x | n": lambda x, n: x | n, "x ^ n": lambda x, n: x ^ n, "x * -n": lambda x, n: x * -n, "n": lambda x, n: n,
         "if x > 5 then n else -n": lambda x, n: n if x > 5 else -n}  # fmt: skip


@pytest.mark.parametrize("text", MEANT)
@pytest.mark.parametrize("kind", ["wrap", "wrap signed"])
def test_constants_of_any_size(text: str, kind: str) -> None:
    program = parse_program(f"{HEAD.format(kind)}local x := A[pid]\nB[pid] := {text}\nx := {text}\nif pid == 0 then s := x end\n")
    ours = machine_run(program, VALUES, {"A": [3, 100]})
    assert [word % 256 for word in ours.outputs["B"]] == [MEANT[text](x, VALUES["n"]) % 256 for x in (3, 100)]
    assert_same(ours, evaluate(program.tree, VALUES, {"A": [3, 100]}))


@pytest.mark.parametrize(
    "text",
    [
        "s := A[0] < n",
        "s := A[0] / n",
        "s := A[0] >> n",
        "s := max(A[0], n)",
        "for i in n .. n do end",
        "for i in n .. s do end",
        "if n then s := 1 end",
    ],
)
def test_elsewhere_a_constant_must_be_a_word(text: str) -> None:
    with pytest.raises(PramError, match=r"the number \d+ used here does not fit a word of 8 bits"):
        machine_run(parse_program(HEAD.format("wrap").replace("procs 2\n", "") + text + "\n"), VALUES, {"A": [3, 100]})


@pytest.mark.parametrize("text", ["s := n", "s := A[0] + n", "s := A[0] ^ n"])
def test_without_wrap_it_must_be_a_word_everywhere(text: str) -> None:
    with pytest.raises(PramError, match="does not fit a word of 8 bits|overflow"):
        machine_run(parse_program(HEAD.format("").replace("procs 2\n", "") + text + "\n"), VALUES, {"A": [3, 100]})


@pytest.mark.parametrize("construction", ["mdm", "ap-mdm"])
def test_models_agree(construction: str) -> None:
    """A linear generator, as books have it."""
    program = parse_program(HEAD.format("wrap") + "local x := A[pid]\nx := x * 1103515245 + 12345\nB[pid] := x\n")
    ran = machine_run(program, {"n": 1}, {"A": [3, 100]})
    job, time = ran.job, ran.time
    agreement = check_agreement(compile_job(job, time, construction=construction), job, time)
    assert agreement.divergence is None and agreement.outputs_agree
