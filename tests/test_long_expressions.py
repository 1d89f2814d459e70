"""Expressions of many terms: a long sum is not nested, and every command takes it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import FINE, Do
from oracles.evaluator import evaluate
from oracles.reaching import everything, watch

from lockstep.pram.errors import PramError
from lockstep.pram.expression_text import expression_text
from lockstep.pram.format import format_text
from lockstep.pram.machine import run
from lockstep.pram.parser import MAX_TERMS, parse
from lockstep.pram.program import Program, parse_program
from lockstep.pram.syntax import Assign, Binary, Expression, Name, Number
from lockstep.proofs_check.claims import to_sympy

HEAD = "program long\nparam k\nword 16\nshared A : input, s : output, t : output, u : output\nlocal a := A\n"
LENGTHS = (300, 2000)


def long_program(terms: int) -> Program:
    """Sums and differences of so many terms: of words, of parameters, and of both."""
    sums = [("s", " + ".join(["a"] * terms)), ("t", " - ".join(["9999", *["k"] * (terms - 1)]))]
    mixed = ("u", " + ".join([*["k"] * (terms // 2), *["a", "k"] * (terms // 4)]))
    return parse_program(HEAD + "".join(f"{name} := {text}\n" for name, text in (*sums, mixed)), "long.pram")


@pytest.fixture
def recursion_limit() -> Iterator[None]:
    """Sets back what the evaluator changes."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("terms", LENGTHS)
def test_long_sums_have_the_right_values(terms: int) -> None:
    made = run(long_program(terms).instantiate({"k": 2}, {"A": 3}))
    assert made.outputs == {"s": 3 * terms, "t": 9999 - 2 * (terms - 1), "u": terms + 5 * (terms // 4)}


@pytest.mark.parametrize("terms", LENGTHS)
@pytest.mark.usefixtures("recursion_limit")
def test_the_oracles_agree_on_long_sums(terms: int) -> None:
    program = long_program(terms)
    made, expected = run(program.instantiate({"k": 2}, {"A": 3})), evaluate(program.tree, {"k": 2}, {"A": 3})
    assert (made.outputs, made.time) == (expected.outputs, expected.time)
    lines, _ = everything(watch(program.tree, {"k": 2}, {"A": 3}, 10**5))
    assert lines == {5, 6, 7, 8}


def test_long_chains_are_left_associative() -> None:
    (statement,) = parse("program p\ns := " + " - ".join(["1000", *"abc" * 100]))[0].body
    assert isinstance(statement, Assign)
    expected: Expression = Number(1000)
    for letter in "abc" * 100:
        expected = Binary("-", expected, Name(letter))
    assert statement.value == expected and hash(statement.value) == hash(expected)
    assert statement.value != Binary("-", Number(1000), expected)


@pytest.mark.parametrize("text", ["a - (b - c) - d", "(a + b) * c + d", "not a + b == c and d < e", "(a < b) == (c < d)",
                                  "a - b * c << d | e & f", "((a - b) * c - d) * e", "(not a) == b"])  # fmt: skip
def test_printed_parentheses_are_those_that_are_needed(text: str) -> None:
    (statement,) = parse(f"program p\ns := {text}")[0].body
    assert isinstance(statement, Assign) and expression_text(statement.value) == text


@pytest.mark.parametrize("terms", LENGTHS)
def test_long_sums_are_printed_and_formatted(terms: int) -> None:
    program = long_program(terms)
    (first, *_) = (s.value for s in program.tree.body if isinstance(s, Assign))
    assert expression_text(first) == " + ".join(["a"] * terms)
    assert parse_program(format_text(program.source.text)).tree == program.tree


def test_long_claims_have_a_form_in_sympy() -> None:
    (_, _, second, *_) = long_program(300).tree.body
    assert isinstance(second, Assign) and str(to_sympy(second.value)) == "9999 - 299*k"


def test_300_parentheses_are_nested_too_deep() -> None:
    with pytest.raises(PramError, match="^t.pram:2:262: error: nesting deeper than 256 is refused"):
        parse("program p\ns := " + "(" * 300 + "1" + ")" * 300, "t.pram")


def test_terms_have_a_limit() -> None:
    parse("program p\ns := " + "+".join(["a"] * MAX_TERMS))
    with pytest.raises(PramError, match=f"^t.pram:2:{5 + 2 * MAX_TERMS}: error: this expression has more than 10000 terms\n"):
        parse("program p\ns := " + "+".join(["a"] * (MAX_TERMS + 1)), "t.pram")


def test_commands_take_long_sums(do: Do) -> None:
    """300 terms and 2000: run, fmt, asm and compile; verify compares the machine with the oracle of a sidecar."""
    for terms in LENGTHS:
        text = f"program long\nword 16\nshared s : output\nlocal a := 2\ns := {' + '.join(['a'] * terms)}\n"
        Path("long.pram").write_text(text)
        Path("long.py").write_text(f"def oracle(params, arrays):\n    return {{'s': {2 * terms}}}\n")
        assert re.search(rf"s \(output\) +{2 * terms} ", do("run long --size 1").out)
        assert [do(f"{command} long.pram").status for command in ("fmt", "check", "asm", "compile")] == [FINE] * 4
        assert re.search("machine outputs +oracle in long.py +1 of 1 +checked", do("verify long --sizes 1 --max-context 1").out)
