"""Contracts: what they say, where they are checked, and that nothing else of a program changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import Do

from lockstep import load, parse_program, run, verify
from lockstep.pram.analysis import analyse
from lockstep.pram.contracts.holding import Broken, Unmet
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program
from lockstep.pram.reached import unreached
from lockstep.pram.syntax import Assert, Ensures, For, ProgramText, Repeat, Requires, Statement, While
from lockstep.proofs_check.verification.rows import CONTRACTS

HEAD = "program t\nmode CRCW common\nparam n\nprocs max(1, n)\nshared A[n] : inout, s : output\n"


def of(body: str, promises: str = "") -> Program:
    return parse_program(f"{HEAD}{promises}\n{body}\n")


def broken(program: Program, n: int = 3, cells: list[int] | None = None) -> str:
    """The message of the contract that a run breaks."""
    with pytest.raises(Broken) as caught:
        run(program, {"n": n}, {"A": cells or list(range(n))})
    return caught.value.message


def holds(program: Program, n: int = 3, cells: list[int] | None = None) -> None:
    run(program, {"n": n}, {"A": list(range(n)) if cells is None else cells})


# -- meaning -------------------------------------------------------------------------------------


TRUE = [
    "1 + 1 == 2", "7 / 2 == 3 and 0 - 7 / 2 == 0 - 3 and (0 - 7) / 2 == 0 - 4", "(0 - 7) % 3 == 2", "1 << 100 > 1 << 99",
    "1 == 2 ==> 1 / 0 == 1", "1 == 2 ==> 3 == 4 ==> 5 == 6", "not (1 == 1 and 1 == 2)", "if n == 3 then A[0] == 0 else 1 == 2",
    "forall i in 0 .. n - 1 : A[i] == i", "forall i in 0 .. 0 - 1 : 1 == 2", "not exists i in 0 .. 0 - 1 : 1 == 1",
    "exists i in [0, 2] : A[i] == 2", "not exists i in [0, 2] : A[i] == 1", "forall i in 0 .. n - 2, j in i + 1 .. n - 1 : A[i] < A[j]",
    "sum(i in 0 .. n - 1 : A[i]) == 3", "count(i in 0 .. n - 1 : A[i] > 0) == 2", "max(i in 0 .. n - 1 : A[i]) == 2",
    "min(i in 0 .. n - 1 : 0 - A[i]) == 0 - 2", "sorted(A) and distinct(A) and permutation(A)", "permutation(A, A) and A == A",
    "lg(n) == 2 and max(n, 4) == 4 and popcount(3) == 2 and floor(log(n)) == 1 and ceil(n / 2) == 2 and sqrt(9) == 3",
    "A[A[A[1]]] == 1", "A[0] - 5 == 0 - 5", "inf > 0", "forall i in 0 .. n - 1 : i > 0 ==> A[i] > A[i - 1]",
]  # fmt: skip
FALSE = [
    ("1 == 2", ""), ("n == 4", "n is 3"), ("n == 3 and s != 0", "s is 0"), ("s != 0 or n == 4", "s is 0, n is 3"),
    ("n == 3 ==> A[1] == 7", "A[1] is 1"), ("not (n == 3)", "n is 3"), ("forall i in 0 .. n - 1 : A[i] < 2", "for i = 2: A[i] is 2"),
    ("forall i in [2, 1], j in 0 .. i : A[j] != 1", "for i = 2, j = 1: A[j] is 1"),
    ("not exists i in 0 .. n - 1 : A[i] + 1 == n", "for i = 2: A[i] + 1 is 3, n is 3"),
    ("sum(i in 0 .. n - 1 : A[i]) == 4", "sum(i in 0 .. n - 1 : A[i]) is 3"),
    ("forall i in 0 .. n - 1 : i < 2 ==> A[i] == 0", "for i = 1: A[i] is 1"),
    ("exists i in 0 .. n - 1 : A[i] > 5", "no i in 0 .. n - 1 has A[i] > 5"),
]  # fmt: skip
NO_VALUE = [
    ("A[n] == 0", "index 3 is outside `A` (0 .. 2)"), ("A[0 - 1] == 0", "index -1 is outside `A` (0 .. 2)"),
    ("n / s == 0", "division by zero: 3 / 0"), ("n % s == 0", "division by zero: 3 % 0"), ("lg(s) == 0", "lg(0) is not defined"),
    ("max(i in 1 .. 0 : i) == 0", "the largest of no values"), ("1 << (0 - 1) == 0", "shift by -1"),
    ("forall i in 0 .. 999, j in 0 .. 999 : i + j >= 0", "go through at most 1,000,000 values"),
    ("(1 << 4000) * (1 << 4000) > 0", "more than 4096 bits"),
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
@pytest.mark.parametrize("kind", ["assert", "ensures"])
def test_true(text: str, kind: str) -> None:
    holds(of(f"assert {text}") if kind == "assert" else of("", f"ensures {text}"))


@pytest.mark.parametrize(("text", "why"), FALSE)
def test_false(text: str, why: str) -> None:
    message = broken(of(f"local x := 0 assert {text}"))
    assert message == "before step 2: `assert` does not hold" + (f": {why}" if why else "")


@pytest.mark.parametrize(("text", "why"), NO_VALUE)
def test_without_a_value(text: str, why: str) -> None:
    assert why in broken(of("", f"ensures {text}"))
    assert broken(of("", f"ensures {text}")).startswith("at the end: `ensures` has no value: ")


@pytest.mark.parametrize(
    ("cells", "text", "why"),
    [
        ([1, 3, 2], "sorted(A)", "A holds 3 before 2, at its cells 1 and 2"),
        ([1, 2, 1], "distinct(A)", "A holds 1 twice"),
        ([1, 2, 1], "permutation(A)", "A holds 1 twice, 0 .. 2 holds it once"),
        ([0, 2, 1], "A == old(A)", "A is [5, 2, 1], old(A) is [0, 2, 1]"),
        ([0, 2, 1], "permutation(A, old(A))", "A holds 5 once, old(A) holds it not at all"),
    ],
)
def test_arrays(cells: list[int], text: str, why: str) -> None:
    body = "single do A[0] := 5 end" if "old" in text else ""
    assert broken(of(body, f"ensures {text}"), 3, cells) == f"at the end: `ensures` does not hold: {why}"


def test_a_permutation_of_two_arrays_together() -> None:
    program = parse_program("program t\nshared A[1] : input, B[2] : input, C[3] : input\nrequires permutation(C, A, B)\n")
    run(program, {}, {"A": [1], "B": [2, 1], "C": [1, 1, 2]})
    with pytest.raises(Unmet, match="C holds 1 once, A and B hold it twice"):
        run(program, {}, {"A": [1], "B": [2, 1], "C": [1, 2, 2]})


def test_rows_scalars_and_other_first_subscripts() -> None:
    program = parse_program(
        "program t\nshared M[2, 3] : input, B[1 .. 3] : input, x : input, C[2, 2, 2] : input\n"
        "requires sorted(M[1]) and not sorted(M[0]) and B[3] == 7 and B[1] == 5 and x == 9 and C[1, 0, 1] == 6 and sorted(C[0, 1])\n"
        "requires permutation(M[0], B) ==> 1 == 2\n"
    )
    arrays = {"M": [[3, 1, 2], [1, 1, 4]], "B": [5, 6, 7], "x": 9, "C": [1, 2, 3, 4, 5, 6, 7, 8]}
    run(program, {}, arrays)
    with pytest.raises(Unmet, match="x is 8"):
        run(program, {}, {**arrays, "x": 8})


def test_signed_words_and_local_arrays() -> None:
    program = of(
        "parallel for i in 0 .. n - 1 do local w[2] w[1] := 0 - i assert w[1] == 0 - i and w[0] == 0 end assert A[1] - 2 == -1"
    )
    signed = parse_program(program.source.text.replace("param n", "param n\nword 8 signed"))
    run(signed, {"n": 3}, {"A": [0, 1, 2]})


# -- places --------------------------------------------------------------------------------------


def test_requires_refuses_the_input_before_anything_runs() -> None:
    with pytest.raises(Unmet) as caught:
        of("", "requires n > 2 and sorted(A)").instantiate({"n": 2}, {"A": [1, 0]})
    assert str(caught.value) == ("<text>:6:1: error: `requires` does not hold: n is 2\n  requires n > 2 and sorted(A)\n  ^")


def test_each_processor_is_checked_and_idle_ones_are_not() -> None:
    body = "parallel for i in 0 .. n - 1 do if i == 1 then assert {} end end"
    holds(of(body.format("i == 1 and pid == 1")))
    assert broken(of(body.format("i == 2"))) == "before step 6: processor 1: `assert` does not hold: i is 1"
    holds(of("single do assert pid == 0 end"))
    holds(of("parallel for i in 1 .. n - 1 do assert pid < n - 1 end"))


ROUNDS = [
    ("local i := 0 while i < 3 invariant {} do i := i + 1 end", "i", [0, 1, 2, 3]),
    ("for i in 1 .. 3 invariant {} do local x := 0 end", "i", [1, 2, 3, 4]),
    ("for i in 1 .. 7 step 3 invariant {} do local x := 0 end", "i", [1, 4, 7, 10]),
    ("for i in 3 downto 1 invariant {} do local x := 0 end", "i", [3, 2, 1, 0]),
    ("for i in [5, 2] invariant {} do local x := 0 end", "i", [5, 2]),
    ("local i := 0 repeat invariant {} i := i + 1 until i == 3", "i", [0, 1, 2]),
    ("local i := 0 while 1 == 1 invariant {} do if i == 2 then break end i := i + 1 end", "i", [0, 1, 2]),
    ("single do for i in 1 .. 2 invariant {} do local x := 0 end end", "i", [1, 2, 3]),
    ("single do local i := 0 while i < 2 invariant {} do i := i + 1 end end", "i", [0, 1, 2]),
    ("single do local i := 0 while i < 2 atmost 5 invariant {} do i := i + 1 end end", "i", [0, 1, 2]),
    ("single do local i := 0 repeat invariant {} i := i + 1 until i == 2 end", "i", [0, 1]),
    ("single do for i in 1 .. 9 invariant {} do if i == 3 then break end end end", "i", [1, 2, 3]),
    ("parallel for p in 0 .. 0 do for i in p .. 2 invariant {} do if p == 9 then return end end end", "i", [0, 1, 2, 3]),
    ("parallel for p in 0 .. 0 do for i in 2 downto A[0] invariant {} do local x := 0 end end", "i", [2, 1, 0, -1]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "name", "values"), ROUNDS)
def test_invariants_are_checked_in_each_round(body: str, name: str, values: list[int]) -> None:
    """With each value forbidden, the run breaks; with only these allowed, it holds."""
    holds(of(body.format(" or ".join(f"{name} == {value}" for value in values).replace("== -1", "== 0 - 1"))))
    for value in values:
        shown = f"(0 - {-value})" if value < 0 else str(value)
        assert f"i is {value}" in broken(of(body.format(f"{name} != {shown}")))
    for other in (min(values) - 1, max(values) + 1):
        holds(of(body.format(f"{name} != {other if other >= 0 else f'(0 - {-other})'}")))


def test_an_assert_before_a_loop_is_checked_once() -> None:
    for loop in ("while i < 3 do i := i + 1 end", "repeat i := i + 1 until i == 3"):
        holds(of(f"local i := 0 assert i == 0 {loop}"))
        holds(of(f"local i := 0 {loop} assert i == 3"))


def test_old_is_the_start_also_after_writes() -> None:
    body = "parallel for i in 0 .. n - 1 do A[i] := A[i] + 1 assert A[i] == old(A[i]) + 1 end"
    holds(of(body, "ensures forall i in 0 .. n - 1 : A[i] == old(A[i]) + 1"))
    assert "old(A[i]) is 0" in broken(of(body, "ensures forall i in 0 .. n - 1 : A[i] == old(A[i])"))


# -- nothing else changes ------------------------------------------------------------------------


def _without(tree: ProgramText) -> ProgramText:
    keep = tuple(d for d in tree.declarations if not isinstance(d, (Requires, Ensures)))
    return replace(tree, declarations=keep, body=_block(tree.body))


def _block(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    found = []
    for one in body:
        if isinstance(one, Assert):
            continue
        changed = {n: _block(getattr(one, n)) for n in ("body", "then", "otherwise") if hasattr(one, n)}
        if isinstance(one, (While, Repeat, For)):
            changed["invariants"] = ()
        found.append(replace(one, **changed) if changed else one)  # type: ignore[arg-type]
    return tuple(found)


def test_contracts_change_neither_code_nor_words() -> None:
    text = HEAD + "requires n > 0 - 1\nensures -1 < s\n" + "\n".join(f"# {n}" for n in range(2))
    body = (
        "\nassert n != -5\nlocal i := 0\nwhile i < n invariant -1 < i do i := i + 1 assert i > 0 end\n"
        "parallel for j in 0 .. n - 1 do assert A[j] > -1 A[j] := A[j] + 1 end\nsingle do s := 1 end\n"
    )
    with_contracts = parse_program(text + body)
    bare = Program(tree := _without(with_contracts.tree), with_contracts.source, analyse(tree, with_contracts.source))
    assert len(with_contracts.contracts.clauses) == 6 and not bare.contracts
    assert with_contracts.code == bare.code
    jobs = [p.instantiate({"n": 3}, {"A": [1, 2, 3]}) for p in (with_contracts, bare)]
    assert jobs[0].word_bits == jobs[1].word_bits and not jobs[0].signed


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent.parent / "examples" / "programs").glob("*.pram")), ids=lambda path: path.stem
)
def test_examples_have_the_code_that_they_have_without_contracts(path: Path) -> None:
    program = load(path)
    tree = _without(program.tree)
    assert program.code == Program(tree, program.source, analyse(tree, program.source)).code


# -- what was put to the test ----------------------------------------------------------------------

UNTESTED = of(
    "if n > 5 then assert 1 == 1 end\nassert forall i in 9 .. n : A[i] == 0\nassert n > 7 ==> s == 3\nassert n >= 0",
    "requires n < 3 ==> sorted(A)",
)


def test_contracts_that_no_run_put_to_the_test() -> None:
    reached = run(UNTESTED, {"n": 3}, {"A": [0, 1, 2]}).reached
    assert [item.text for item in unreached(UNTESTED, reached).contracts] == [
        "`requires n < 3 ==> sorted(A)` says nothing: `n < 3` never held",
        "`assert 1 == 1` was never reached",
        "`assert forall i in 9 .. n : A[i] == 0` says nothing: the range of `forall i in 9 .. n : A[i] == 0` was always empty",
        "`assert n > 7 ==> s == 3` says nothing: `n > 7` never held",
    ]
    both = reached | run(UNTESTED, {"n": 2}, {"A": [0, 1]}).reached
    assert len(unreached(UNTESTED, both).contracts) == 3


def test_verify_has_a_row_on_contracts() -> None:
    report = verify(UNTESTED, sizes=[3], random=1, max_context=0)
    (row,) = [check for check in report.checks if check.what == CONTRACTS]
    assert (row.bound, row.measured, row.verdict) == ("1 of 5 put to the test", "1 of 1", "checked")
    assert report.unreached is not None and "`assert n > 7 ==> s == 3` says nothing" in report.unreached.text
    wrong = verify(of("assert n != 3"), sizes=[2, 3], random=1, max_context=0)
    (row,) = [check for check in wrong.checks if check.what == CONTRACTS]
    assert row.verdict == "FAILED" and not wrong.holds
    assert "`assert` does not hold: n is 3" in wrong.failed[0].trouble


def test_run_says_how_many_it_checked(do: Do, tmp_path: Path) -> None:
    file = tmp_path / "t.pram"
    file.write_text(HEAD + "ensures n != 3\n")
    good = do(f"run {file} --size 2 --json")
    assert good.status == 0 and json.loads(good.out)["contracts"] == {"checked": 1, "of": 1}
    bad = do(f"run {file} --size 3")
    assert bad.status == 1 and not bad.out
    assert "t.pram:6:1: error: at the end: `ensures` does not hold: n is 3" in bad.err
    assert do(f"run {file} --size 3 --no-contracts").status == do(f"decode {file} --size 3 --no-contracts").status == 0
    assert do(f"decode {file} --size 3").err == bad.err


def test_contracts_stand_in_contracts_only() -> None:
    for text in ("1 == 1 ==> 1 == 1", "forall i in 0 .. 1 : i == 0", "sum(i in 0 .. 1 : i)"):
        with pytest.raises(PramError, match="stands in contracts only"):
            of(f"local x := {text}")
