"""How many rounds a loop takes whose bounds do not tell, but an array that it uses in each round."""

from __future__ import annotations

from itertools import product

import pytest
from kit.runs import SAYS, assert_same
from oracles.evaluator import evaluate as evaluate_oracle
from oracles.plain import Trap
from test_language import machine_run

from lockstep.pram.analysis import analyse
from lockstep.pram.errors import PramError
from lockstep.pram.parameters import evaluate
from lockstep.pram.parser import parse
from lockstep.pram.program import parse_program

HEAD = """program t
mode CREW
param n, m, p = 2
procs p
word 12
shared A[n] : input, B[m] : input, F[p] : input, L[p] : input, W[n], C[n, m], s, R[p] : output
parallel for i in 0 .. p - 1 do
  local k := F[i]
  local j := 0
  local last := L[i]
  local sum := 0
"""
VALUES = {"n": 7, "m": 3, "p": 2}


def text(loop: str) -> str:
    return f"{HEAD}{loop}\n  R[i] := sum + k + j\nend\n"


def rounds(loop: str, mode: str = "CREW") -> int | None:
    """The rounds of a loop for n = 7 and m = 3; None if they must be written down."""
    try:
        loops = analyse(*parse(text(loop).replace("CREW", mode))).loops
    except PramError as error:
        assert all("atmost" in found.message for found in error.diagnostics), str(error)
        return None
    kind = next(iter(loops.values()))
    return None if kind.rounds is None else evaluate(kind.rounds, VALUES)


WHILE = "while k < last do sum += {} k := k + {} end"
TOLD = [
    (WHILE.format("A[k]", 1), 7),
    (WHILE.format("B[k]", 1), 3),
    (WHILE.format("A[k] * B[A[k]]", 2), 7),  # A[k] is a subscript of its own
    (WHILE.format("A[k] * B[k]", 1), 3),
    (WHILE.format("A[k + F[i]]", 1), 7),
    (WHILE.format("A[F[i] + n - k]", 1), 7),
    (WHILE.format("C[last, k]", 1), 3),
    (WHILE.format("C[k, last]", 1), 7),
    (WHILE.format("A[k + W[i]]", 1), 7),  # no statement writes W
    ("while k < last and A[k] > 0 do k += 1 end", 7),
    ("while not (k >= last or A[k] == 0) do k += 1 end", 7),
    ("while k < last do if A[k] > 0 then sum += 1 end k += 1 end", 7),
    ("while k < last do if A[k] > 0 then break end k += 1 end", 7),
    ("while k < last do if F[i] > 0 then sum += A[k] else sum += A[k] + B[k] end k += 1 end", 7),
    ("while k < last do W[k] := i k += 1 end", 7),
    ("while k < last do sum += 1 return k += 1 end", 1),
    ("for t in 0 .. L[i] do if F[i] > 0 then return else break end end", 1),
    ("repeat sum += A[k] k += 1 until k >= last", 7),
    ("for t in 0 .. L[i] do sum += A[k + t] end", 7),
    ("for t in L[i] downto 0 do sum += A[t] end", 7),
    ("for t in 0 .. L[i] do if B[t] == 0 then k := t break end end", 3),
    ("while k < last or j < last do if k < last and A[k] > 0 then k += 1 else sum += B[j] j += 1 end end", 10),
    ("while k < last do if F[i] > 0 then sum += A[k] k += 1 else sum += B[k] k += 1 end end", 7),
    ("while k < last do sum += A[k] + B[j] k += 1 if F[i] > 0 then j += 1 end end", 7),
]
NOT_TOLD = [
    "while k < last do k += 1 end",
    WHILE.format("k", 1),
    WHILE.format("A[2 * k]", 1),  # only `v` plus or minus what stays the same
    WHILE.format("A[k + j]", 1) .replace("k := k", "j := j + 1 k := k"),  # k + j is one subscript of two variables
    "while k < last do sum += A[k] k := k + F[i] end",  # it may be 0
    "while k < last do sum += A[k] k := last end",
    "while k < last do sum += A[k] if F[i] > 0 then k += 1 end end",
    "while k < last do if F[i] > 0 then sum += A[k] end k += 1 end",
    "while k < last do if F[i] > 0 and A[k] > 0 then sum += 1 end k += 1 end",
    "while k < last or A[k] > 0 do k += 1 end",
    "while k < last do sum += (if F[i] > 0 then A[k] else 0) k += 1 end",
    "while k < last do k += 1 sum += A[k] end",  # only uses before it count
    "while k < last do sum += A[k] k += 1 k += 1 end",
    "while k < last do sum += A[k] k += 1 for t in 0 .. 1 do k := 0 end end",
    "while k < last do sum += A[k + W[i]] W[i] := 1 k += 1 end",
    "while k < last do sum += A[k + R[i]] k += 1 end",  # the program writes R
    "while k < last do print A[k] k += 1 end",
    "for t in 0 .. L[i] do if F[i] > 0 then sum += A[t] end end",
    "while k < last do if F[i] > 0 then sum += A[k] k += 1 else k += 1 end end",
]  # fmt: skip


@pytest.mark.parametrize(("loop", "expected"), TOLD)
def test_rounds(loop: str, expected: int) -> None:
    assert rounds(loop) == expected


@pytest.mark.parametrize("loop", NOT_TOLD)
def test_rounds_that_must_be_written(loop: str) -> None:
    assert rounds(loop) is None


@pytest.mark.parametrize(("loop", "expected"), TOLD[:1])
def test_flags_go_first(loop: str, expected: int) -> None:
    """Where processors can tell each other that they are done, they take no more rounds than they need."""
    assert (rounds(loop, "CRCW common"), rounds(loop, "CRCW sum"), rounds(loop, "EREW")) == (None, expected, expected)


@pytest.mark.parametrize(("loop", "expected"), TOLD)
def test_runs_equal_the_evaluator(loop: str, expected: int) -> None:
    """For several starts and ends, and for arrays that end the loop early: outputs and costs, or the same kind of error."""
    program = parse_program(text(loop))
    for first, last, value in product((0, 1), (0, 2, 3), (0, 1)):
        arrays = {"A": [value] * 7, "B": [value] * 3, "F": [first, 0], "L": [last, 1]}
        params = {"n": 7, "m": 3}
        try:
            theirs = evaluate_oracle(program.tree, params, arrays)
        except Trap as trap:
            with pytest.raises(PramError) as refused:
                machine_run(program, params, arrays)
            assert any(words in refused.value.message for words in SAYS[trap.kind])
        else:
            assert_same(machine_run(program, params, arrays), theirs)


def what_a_loop_that_would_go_on_says() -> str:
    """The message of a run whose loop over A, which has 7 cells, would take 8 rounds."""
    program = parse_program(text(WHILE.format("A[k]", 1)))
    with pytest.raises(PramError) as refused:
        machine_run(program, {"n": 7, "m": 3}, {"A": list(range(7)), "B": [0] * 3, "F": [0, 3], "L": [8, 5]})
    return refused.value.message


def test_all_rounds_are_taken() -> None:
    """A loop over all of an array runs. One that would go on has no cell left to use."""
    program = parse_program(text(WHILE.format("A[k]", 1)))
    arrays = {"A": list(range(7)), "B": [0] * 3, "F": [0, 3], "L": [7, 5]}
    assert machine_run(program, {"n": 7, "m": 3}, arrays).outputs == {"R": [21 + 7, 7 + 5]}
    says = "processor 0 is not done after 7 rounds of this `while`; the arrays that tell its rounds have no more cells"
    assert what_a_loop_that_would_go_on_says().partition(": ")[2] == says
