"""What is wrong with contracts: each message with its place, before a run and in one."""

from __future__ import annotations

import pytest

from lockstep.pram.contracts.holding import Broken
from lockstep.pram.contracts.kinds import MAX_LEVELS
from lockstep.pram.errors import PramError
from lockstep.pram.machine import run
from lockstep.pram.program import parse_program

HEAD = "program t\nparam n\nprocs n\nshared A[n] : inout, M[2, n] : input, s : output, W[n]\n"
ARRAYS = {"A": [1, 2], "M": [[1, 2], [3, 4]]}

#: What follows the head; the place, by lines after the head; the message.
Rows = list[tuple[str, str, str]]
MISPLACED = (
    "unexpected `invariant`; it belongs to a `while`, `repeat` or `for`, and stands before `do`, or after `repeat`; "
    "elsewhere write `assert`"
)
TOO_WIDE = (
    "before step 1: `assert` has no value: the quantifiers of a contract go through at most 1,000,000 values; "
    "`--no-contracts` leaves contracts out"
)
WRONG: Rows = [
    ("requires B[0] == 1", "1:10", "undeclared array `B`"),
    ("requires W[0] == 1", "1:10", "`requires` speaks of what is given, and `W` is no input"),
    ("requires s == 1", "1:10", "`requires` speaks of what is given, and `s` is no input"),
    ("requires x == 1\nlocal x := 1", "1:10", "undeclared name `x`; `requires` knows parameters and inputs, but no locals"),
    ("ensures x == 1\nlocal x := 1", "1:9", "undeclared name `x`; `ensures` knows parameters and shared memory, but no locals"),
    ("requires pid == 0", "1:10", "`requires` speaks of the whole run and has no `pid`"),
    ("ensures pid == 0", "1:9", "`ensures` speaks of the whole run and has no `pid`"),
    ("requires old(A[0]) == 1", "1:10", "`requires` speaks of the start, so nothing is older"),
    ("requires n", "1:10", "`requires` takes truth values; compare the number first, as in `n != 0`"),
    ("requires A", "1:10", "`requires` takes truth values, and this is a whole array; one cell is written `A[i]`"),
    ("ensures w[0] == 1\nlocal w[2]", "1:9", "`ensures` cannot read `w`, of which each processor has its own"),
    ("requires sorted(W)", "1:17", "`requires` speaks of what is given, and `W` is no input"),
    ("requires forall i in 0 .. n : i", "1:31", "`forall` takes truth values; compare the number first, as in `i != 0`"),
    ("requires forall n in 0 .. 3 : n > 1", "1:17", "`n` has a meaning here already, and no name hides another"),
    ("requires forall pid in 0 .. 3 : pid > 1", "1:17", "`pid` has a meaning here already, and no name hides another"),
    ("requires exists A in 0 .. 3 : A > 1", "1:17", "`A` has a meaning here already, and no name hides another"),
    ("local x := 1\nassert forall x in 0 .. 3 : x > 1", "2:15", "`x` has a meaning here already, and no name hides another"),
    (
        "requires (forall i in 0 .. n : i >= 0) and i == 1",
        "1:44",
        "undeclared name `i`; `requires` knows parameters and inputs, but no locals",
    ),
    ("requires forall i in 0 .. n - 1 A[i] > 1", "1:33", "unexpected `A`; expected `,` or `:`"),
    ("requires forall i : A[i] > 1", "1:19", "unexpected `:`; a quantifier is written `forall i in 0 .. n - 1 : A[i] > 0`"),
    ("requires forall i in A : i > 1", "1:24", "unexpected `:`; a quantifier is written `forall i in 0 .. n - 1 : A[i] > 0`"),
    (
        "requires all(i in 0 .. n : A[i] > 1)",
        "1:10",
        "`all` takes no range; those that do are `forall`, `exists`, `sum`, `count`, `max`, `min`",
    ),
    ("requires sum(A) == 3", "1:10", "`sum` of an array goes through its cells: write `sum(i in 0 .. n - 1 : A[i])`"),
    ("requires max(A) == 3", "1:10", "`max` of an array goes through its cells: write `max(i in 0 .. n - 1 : A[i])`"),
    (
        "requires sum(i in 0 .. n - 1, A[i]) == 1",
        "1:32",
        "unexpected `[`; what goes through a range is written `sum(i in 0 .. n - 1 : A[i])`",
    ),
    (
        "requires count(A[i] > 1) == 1",
        "1:10",
        "`count` of an array goes through its cells: write `count(i in 0 .. n - 1 : A[i] > 0)`",
    ),
    ("requires min(i in 0 .. n - 1 : A) == 3", "1:32", "this is a whole array; one cell is written `A[i]`"),
    (
        "requires count(i in 0 .. n - 1 : A[i]) == 3",
        "1:34",
        "`count` takes truth values; compare the number first, as in `A[i] != 0`",
    ),
    ("requires sorted(A[0])", "1:17", "`sorted` takes whole arrays and rows, such as `A` and `M[i]`"),
    ("requires sorted(A, M)", "1:10", "`sorted` takes 1 array, not 2"),
    ("requires sorted()", "1:10", "`sorted` takes 1 array, not 0"),
    ("requires distinct(n)", "1:19", "`distinct` takes whole arrays and rows, such as `A` and `M[i]`"),
    ("requires old() == 1", "1:10", "`old` takes one expression, not 0"),
    ("ensures old(A[0], 1) == 1", "1:9", "`old` takes one expression, not 2"),
    ("ensures old(old(A[0])) == 1", "1:13", "`old` cannot stand in `old`"),
    ("ensures old(n) == 1", "1:9", "`old` is about shared memory, and this expression reads none"),
    ("ensures old(1) == 1", "1:9", "`old` is about shared memory, and this expression reads none"),
    ("requires A[0] => 1", "1:15", "unexpected `=`; write `==>` for what follows from a condition, `>=` to compare"),
    ("requires A[0] > 1 -> n > 1", "1:20", "unexpected `>`; write `==>` for what follows from a condition"),
    ("requires A[0] > 1 implies n > 1", "1:19", "`implies` cannot stand here; write `==>`"),
    ("s := n ==> 1", "1:8", "`==>` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"),
    (
        "if n > 1 ==> n > 2 then s := 1 end",
        "1:10",
        "`==>` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`",
    ),
    ("s := old(A[0])", "1:6", "`old` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"),
    (
        "s := sum(i in 0 .. n - 1 : A[i])",
        "1:6",
        "`sum` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`",
    ),
    ("if sorted(A) then s := 1 end", "1:4", "`sorted` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"),
    (
        "if forall i in 0 .. n - 1 : A[i] > 1 then s := 1 end",
        "1:4",
        "`forall` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`",
    ),
    (
        "s := count(i in 0 .. n - 1 : A[i] > 1)",
        "1:6",
        "`count` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`",
    ),
    ("claim time <= old(n)", "1:15", "`old` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`"),
    (
        "claim time <= sum(i in 0 .. n : i)",
        "1:15",
        "`sum` stands in contracts only: `requires`, `ensures`, `assert` and `invariant`",
    ),
    ("while n > 1 do invariant n > 1 s := 1 end", "1:16", MISPLACED),
    ("invariant n > 1\ns := 1", "1:1", MISPLACED),
    ("s := 1\nrequires n > 1", "2:1", "unexpected `requires`; declarations stand before the first statement"),
    ("s := 1\nensures n > 1", "2:1", "unexpected `ensures`; declarations stand before the first statement"),
    ("parallel for i in 0 .. n - 1 invariant i > 0 do s := 1 end", "1:30", MISPLACED),
    (
        "parallel for i in 0 .. n - 1 do requires i > 0 s := 1 end",
        "1:33",
        "unexpected `requires`; declarations stand before the first statement",
    ),
    ("single invariant n > 1 do s := 1 end", "1:8", MISPLACED),
    ("assert", "1:7", "the program breaks off after `assert`"),
    ("local assert := 1", "1:7", "unexpected `assert`: it is a reserved word and cannot be a name"),
    ("local forall := 1", "1:7", "unexpected `forall`: it is a reserved word and cannot be a name"),
    ("for i in 0 .. n - 1 invariant j > 0 do local j := 1 end", "1:31", "undeclared name `j`"),
    ("for i in 0 .. n - 1 do local j := 1 end\nassert i > 0", "2:8", "undeclared name `i`"),
    ("parallel for i in 0 .. n - 1 do s := 1 end\nassert i > 0", "2:8", "undeclared name `i`"),
    ("assert A[0, 1] == 1", "1:8", "`A` takes 1 subscript"),
    ("assert M[0] == 1", "1:13", "a whole array is compared with a whole array only; one cell is written `A[i]`"),
    ("assert s[0] == 1", "1:8", "`s` is a scalar and takes no subscript"),
    ("assert n[0] == 1", "1:8", "undeclared array `n`"),
    ("assert M[0, 0, 0] == 1", "1:8", "`M` takes 2 subscripts"),
    ("assert A == 1", "1:10", "a whole array is compared with a whole array only; one cell is written `A[i]`"),
    ("assert A <= A", "1:10", "arrays are compared by `==` and `!=`, not by `<=`"),
    ("assert lg(A) == 1", "1:11", "this is a whole array; one cell is written `A[i]`"),
    ("assert forall i in 0 .. A : i > 1", "1:25", "this is a whole array; one cell is written `A[i]`"),
    (
        "assert (if A then 1 else 2) == 1",
        "1:12",
        "`if` takes truth values, and this is a whole array; one cell is written `A[i]`",
    ),
    (
        "assert (if n > 1 then A else 1) == 1",
        "1:9",
        "one value of this `if` is a whole array, the other is not; one cell is written `A[i]`",
    ),
    (
        "assert if n > 1 then A == A else n",
        "1:8",
        "`assert` takes truth values; compare the number first, as in `(if n > 1 then A == A else n) != 0`",
    ),
    (
        "assert if n > 1 then A else A",
        "1:8",
        "`assert` takes truth values, and this is a whole array; one cell is written `A[i]`",
    ),
    ("assert log(n) == 1", "1:8", "a logarithm is no integer: write `lg(x)` or `ceil(log(x))`, rounded up, or `floor(log(x))`"),
    ("assert foo(n)", "1:8", "there is no function `foo`; did you mean `floor`?"),
    ("assert abs(n) > 1", "1:8", "there is no function `abs`; write `max(a, b) - min(a, b)`"),
    ("assert x", "1:8", "undeclared name `x`"),
    ("assert true == A", "1:13", "a whole array is compared with a whole array only; one cell is written `A[i]`"),
    ("assert not n", "1:12", "`not` takes truth values; compare the number first, as in `n != 0`"),
    ("assert n and true", "1:8", "`and` takes truth values; compare the number first, as in `n != 0`"),
    ("assert n > 1 or s", "1:17", "`or` takes truth values; compare the number first, as in `s != 0`"),
    ("assert n ==> n > 1", "1:8", "`==>` takes truth values; compare the number first, as in `n != 0`"),
    ("assert n > 1 ==> n", "1:18", "`==>` takes truth values; compare the number first, as in `n != 0`"),
    ("ensures result == 1", "1:9", "undeclared name `result`; `ensures` knows parameters and shared memory, but no locals"),
    ("assume n > 1", "1:1", "`assume` cannot stand here; write `requires` among the declarations, or `assert`"),
    ("requires ∀ i : A[i] > 1", "1:10", "unexpected character '∀' (FOR ALL); write `forall`"),
]

BROKEN: Rows = [
    ("assert n / (n - 2) == 1", "1:10", "before step 1: `assert` has no value: division by zero: 2 / 0"),
    ("assert 1 << 4097 == 1", "1:10", "before step 1: `assert` has no value: shift by 4097: a contract shifts by 0 .. 4096"),
    ("assert forall i in 0 .. 10000000 : i >= 0", "1:8", TOO_WIDE),
    ("assert A[n] > 0", "1:8", "before step 1: `assert` has no value: index 2 is outside `A` (0 .. 1)"),
    ("assert M[2, 0] > 0", "1:8", "before step 1: `assert` has no value: row index 2 is outside `M` (0 .. 1)"),
    ("assert M[0, n] > 0", "1:8", "before step 1: `assert` has no value: column index 2 is outside `M` (0 .. 1)"),
    ("assert sorted(M[2])", "1:15", "before step 1: `assert` has no value: row index 2 is outside `M` (0 .. 1)"),
    ("assert lg(n - 2) == 1", "1:8", "before step 1: `assert` has no value: lg(0) is not defined; lg takes numbers from 1"),
    ("assert max(i in 1 .. 0 : i) == 1", "1:8", "before step 1: `assert` has no value: the largest of no values"),
    ("assert (1 << 4096) * 2 == 1", "1:11", "before step 1: `assert` has no value: a number of more than 4096 bits"),
    ("assert ceil(n / (n - 2)) == 1", "1:8", "before step 1: `assert` has no value: division by zero: 2 / 0"),
    (
        "assert popcount(0 - n) == 1",
        "1:8",
        "before step 1: `assert` has no value: popcount(-2) is not defined; popcount takes numbers from 0",
    ),
    ("assert n == 3", "1:1", "before step 1: `assert` does not hold: n is 2"),
    ("assert A[0] == 2 and n == 2", "1:1", "before step 1: `assert` does not hold: A[0] is 1"),
    ("assert n == 2 and A[0] == 2", "1:1", "before step 1: `assert` does not hold: A[0] is 1"),
    ("assert n == 3 or A[0] == 2", "1:1", "before step 1: `assert` does not hold: n is 2, A[0] is 1"),
    ("assert n == 2 ==> A[1] == 1", "1:1", "before step 1: `assert` does not hold: A[1] is 2"),
    ("assert not A[0] == 1", "1:1", "before step 1: `assert` does not hold: A[0] is 1"),
    ("assert forall i in 0 .. n - 1 : A[i] == i", "1:1", "before step 1: `assert` does not hold: for i = 0: A[i] is 1, i is 0"),
    (
        "assert forall i in [1, 0] : exists j in 0 .. n - 1 : A[j] == i",
        "1:1",
        "before step 1: `assert` does not hold: for i = 0: no j in 0 .. n - 1 has A[j] == i",
    ),
    ("assert not exists i in 0 .. n - 1 : A[i] == 2", "1:1", "before step 1: `assert` does not hold: for i = 1: A[i] is 2"),
    ("assert sum(i in 0 .. n - 1 : A[i]) == 4", "1:1", "before step 1: `assert` does not hold: sum(i in 0 .. n - 1 : A[i]) is 3"),
    (
        "assert count(i in 0 .. n - 1 : A[i] > 0) == n + 1",
        "1:1",
        "before step 1: `assert` does not hold: count(i in 0 .. n - 1 : A[i] > 0) is 2, n + 1 is 3",
    ),
    ("assert sorted(W) and not sorted(A)", "1:1", "before step 1: `assert` does not hold: sorted(A) is true"),
    ("assert distinct(W)", "1:1", "before step 1: `assert` does not hold: W holds 0 twice"),
    ("assert permutation(W, A)", "1:1", "before step 1: `assert` does not hold: W holds 0 twice, A holds it not at all"),
    ("assert A == W", "1:1", "before step 1: `assert` does not hold: A is [1, 2], W is [0, 0]"),
    ("assert old(A[0]) == n", "1:1", "before step 1: `assert` does not hold: old(A[0]) is 1, n is 2"),
    (
        "single do A[0] := 5 end\nassert A == old(A)",
        "2:1",
        "before step 5: `assert` does not hold: A is [5, 2], old(A) is [1, 2]",
    ),
    ("assert pid == 0", "1:1", "before step 1: processor 1: `assert` does not hold: pid is 1"),
    (
        "parallel for i in 0 .. n - 1 do assert A[i] == 1 end",
        "1:33",
        "before step 4: processor 1: `assert` does not hold: A[i] is 2",
    ),
    ("ensures A[0] == 2", "1:1", "at the end: `ensures` does not hold: A[0] is 1"),
    ("requires sorted(M)\nrequires A[1] < A[0]", "2:1", "`requires` does not hold: A[1] is 2, A[0] is 1"),
    ("requires A[n] == 0", "1:10", "`requires` has no value: index 2 is outside `A` (0 .. 1)"),
    ("local w[2]\nw[1] := pid\nassert w[1] == 0", "3:1", "before step 4: processor 1: `assert` does not hold: w[1] is 1"),
    (
        "local w[2]\nw[0] := pid\nassert sorted(w)",
        "3:1",
        "before step 4: processor 1: `assert` does not hold: w holds 1 before 0, at its cells 0 and 1",
    ),
    ("assert false", "1:1", "before step 1: `assert` does not hold"),
    ("for i in [4, 5] invariant i == 4 do A[pid] := i end", "1:17", "before step 19: `invariant` does not hold: i is 5"),
    ("for i in n - 1 downto 0 invariant i >= 0 do A[pid] := i end", "1:25", "before step 12: `invariant` does not hold: i is -1"),
]


def place(error: PramError) -> str:
    at = error.diagnostics[0].span
    assert at is not None
    return f"{at.line - HEAD.count(chr(10))}:{at.column}"


@pytest.mark.parametrize(("text", "where", "message"), WRONG)
def test_before_a_run(text: str, where: str, message: str) -> None:
    """One mistake, one message."""
    with pytest.raises(PramError) as caught:
        parse_program(f"{HEAD}{text}\n")
    assert (place(caught.value), [d.message for d in caught.value.diagnostics]) == (where, [message])


@pytest.mark.parametrize(("text", "where", "message"), BROKEN)
def test_in_a_run(text: str, where: str, message: str) -> None:
    program = parse_program(f"{HEAD}{text}\n")
    with pytest.raises(Broken) as caught:
        run(program.instantiate({"n": 2}, ARRAYS))
    assert (place(caught.value), [d.message for d in caught.value.diagnostics]) == (where, [message])


DEEP = [
    ("not " * MAX_LEVELS + "n == 1", f"a contract has at most {MAX_LEVELS} levels of nesting"),
    ("1 + (" * MAX_LEVELS + "n" + ")" * MAX_LEVELS + " == 1", f"a contract has at most {MAX_LEVELS} levels of nesting"),
    (" + ".join(["n"] * 202) + " == 1", "a contract joins at most 200 terms"),
    ("n > 1 ==> (" * 18 + "n == 2" + ")" * 18, ""),
    ("(" * 60 + "n" + " + 1) * 1" * 60 + " > 1", ""),
    ("(" * 99 + "n" + " + 1) * 1" * 99 + " > 1", "this contract is nested too deeply; write it as several contracts"),
    (" + ".join(["n"] * 199) + " > 1", ""),
    (" * ".join(["1"] * 199) + " == 1", ""),
    (" and ".join(["n > 1"] * 90), ""),
    (f"forall {', '.join(f'i{k} in 0 .. 0' for k in range(30))} : i0 == i29", ""),
    ("".join(f"forall i{k} in 0 .. 0 : " for k in range(MAX_LEVELS - 3)) + "i0 == 0", ""),
    ("max(" * 30 + "(" * 20 + "n" + " + 1) * 2" * 20 + ", 1)" * 30 + " > 1", ""),
]


@pytest.mark.parametrize(("condition", "message"), DEEP, ids=range(len(DEEP)))
def test_how_deep_contracts_may_be(condition: str, message: str) -> None:
    """They run, or the error says the limit; Python's own limits do not show."""
    text = f"{HEAD}assert {condition}\n"
    if message:
        with pytest.raises(PramError) as caught:
            parse_program(text)
        assert [d.message for d in caught.value.diagnostics] == [message]
    else:
        run(parse_program(text).instantiate({"n": 2}, ARRAYS))
