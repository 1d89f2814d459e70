"""Tests of the canonical layout: it is exact, formatting twice changes nothing, and program and comments stay the same."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lockstep.pram import format as formatting
from lockstep.pram.errors import PramError
from lockstep.pram.format import WIDTH, format_text
from lockstep.pram.parser import parse
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_programs

PROGRAMS = sorted((Path(__file__).parent.parent / "examples").glob("*/*.pram"))

#: Programs as users write them, and their layout.
LAYOUTS = {
    "declarations are aligned, statements have a line each": (
        "program p mode CREW param n,m=n+1 word 8 wrap procs max( 1,n/2 ) shared A[n,m]:input in 0..n-1,s:output"
        "  claim procs<=n*(1+2) local x:=0X1f x:=(x)+lg(n)*A [ 0,1 ] s:=x halt",
        "program p\nmode   CREW\nparam  n, m = n + 1\nword   8 wrap\nprocs  max(1, n / 2)\n"
        "shared A[n, m] : input in 0 .. n - 1, s : output\nclaim  procs <= n * (1 + 2)\n\n"
        "local x := 0X1f\nx := (x) + lg(n) * A[0, 1]\ns := x\nhalt\n",
    ),
    "what is on one line stays on one, what is not does not": (
        "program p\n\nlocal x := 1\nif x then x:=2 x:=3 elif not x==2 then else x:=4 end while 0 do end\nif x then\nx := 2 x := 3 end\n"
        "single do if x then x := 1 end\nend\nrepeat for i in 3 downto 0 do end until x==x",
        "program p\n\nlocal x := 1\nif x then x := 2  x := 3 elif not x == 2 then else x := 4 end\nwhile 0 do end\n"
        "if x then\n  x := 2\n  x := 3\nend\nsingle do\n  if x then x := 1 end\nend\n"
        "repeat for i in 3 downto 0 do end until x == x\n",
    ),
    "comments stay where they are": (
        "#  top\n\nprogram p   # the program\nshared A[1], # one\n  B[2] # two\n# about x\nlocal x := # why\n 1 + # half\n  # own\n 2\n"
        "if x then # yes\n# in\n  x := 2\n   # still in\n # out\nelse\n  #last in\nend # done\n\n\n# the end\n",
        "#  top\n\nprogram p                        # the program\nshared A[1],                     # one\n"
        "       B[2]                      # two\n\n# about x\nlocal x :=                       # why\n"
        "    1 +                          # half\n    # own\n    2\n"
        "if x then                        # yes\n  # in\n  x := 2\n  # still in\n  # out\nelse\n  #last in\nend"
        "                              # done\n\n# the end\n",
    ),
    "a comment no further right than the closer is the closer's": (
        "program p\nwhile 0 do\n  if 0 then\n    halt\n  # otherwise\n  else\n    halt\n    # in\n  end\n# out\nend",
        "program p\n\nwhile 0 do\n  if 0 then\n    halt\n  # otherwise\n  else\n    halt\n    # in\n  end\n# out\nend\n",
    ),
    "at most one empty line, none at the edge of a block": (
        "\n\nprogram p\n\n\nmode EREW\n\n\n\nwhile 0 do\n\n\n  halt\n\n\n  halt\n\nend\n\n\n",
        "program p\n\nmode   EREW\n\nwhile 0 do\n  halt\n\n  halt\nend\n",
    ),
    "comments on lines that follow each other are aligned": (
        "program p\nlocal a := 1 # one\nlocal b := 111111111 + 111111111 # two\nlocal c := 1\nlocal d := 1 # three",
        "program p\n\nlocal a := 1                             # one\nlocal b := 111111111 + 111111111         # two\n"
        "local c := 1\nlocal d := 1                     # three\n",
    ),
    "long lines are broken where they are loosest": (
        f"program p\nlocal {'x' * 30} := 1 if {'x' * 30} * 2 == 7 or ({'x' * 30} and 1 == 2) or {'x' * 30} == 1 then halt end",
        f"program p\n\nlocal {'x' * 30} := 1\nif {'x' * 30} * 2 == 7 or ({'x' * 30} and 1 == 2)\n"
        f"    or {'x' * 30} == 1 then\n  halt\nend\n",
    ),
    "prints": (
        'program p\nlocal x:=1 print x,-x , "# a  :=" print "b",if x then 1 else 2 # why\nif x then print x\nend',
        'program p\n\nlocal x := 1\nprint x, -x, "# a  :="\nprint "b", if x then 1 else 2    # why\nif x then\n  print x\nend\n',
    ),
    "lists": (
        "program p\nparallel for i in[1,2 , n-1],j in [ 0 ] do for k in [i]do\nend end",
        "program p\n\nparallel for i in [1, 2, n - 1], j in [0] do\n  for k in [i] do\n  end\nend\n",
    ),
    "a barrier has a line of its own": (
        "program p\nparallel for i in 0..1 do barrier\nbarrier; A[i]:=1 barrier if i then barrier end end",
        "program p\n\nparallel for i in 0 .. 1 do\n  barrier\n  barrier;\n  A[i] := 1\n  barrier\n  if i then barrier end\nend\n",
    ),
    "what cannot be broken is not": (f"program p local x := {'x' * 120}", f"program p\n\nlocal x := {'x' * 120}\n"),
    "lists keep their lines": (
        "program p shared A[1],\nB[max(1,\n2)], C,\n\n D procs 2",
        "program p\nshared A[1],\n       B[max(1, 2)], C,\n       D\nprocs  2\n",
    ),
    "line ends": ("\ufeffprogram p\r\nlocal x := 1 # one\r\n", "program p\n\nlocal x := 1                     # one\n"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str) -> None:
    text, expected = LAYOUTS[name]
    assert format_text(text) == expected
    assert format_text(expected) == expected


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_examples_are_laid_out(path: Path) -> None:
    assert format_text(path.read_text()) == path.read_text()


def comments(text: str) -> list[str]:
    """Finds comments without a lexer: `#` occurs only in comments, which end with their line."""
    return [found.strip() for found in re.findall(r"#[^\n]*", text)]


def check_format(text: str) -> None:
    """Check that trees and comments are equal, formatting twice changes nothing, and lines fit the width."""
    made = format_text(text)
    assert parse(made)[0] == parse(text)[0]
    assert comments(made) == comments(text)
    assert format_text(made) == made
    for line in made.splitlines():
        assert line == line.rstrip() and "\t" not in line.split("#")[0]
        assert len(line.split("#")[0].rstrip()) <= WIDTH


def scattered(text: str, random: Random) -> str:
    """Return the program with other white space and comments between its tokens."""
    pieces = re.findall(r"\"[^\"\n]*\"|\w+|<<=|>>=|==>|[-+*/%&|^:=!<>]=|<<|>>|\.\.|[^\w\s]|\n", text)
    gaps = [" ", " ", " ", " ", " ", " ", "  ", "\t", "\n", "\n\n\n", " # why\n", "\n  # own\n", "\n\n# own\n\n", " #\n# x\n"]
    often = random.choice((6, 8, len(gaps)))
    return "".join(piece if piece == "\n" else piece + random.choice(gaps[:often]) for piece in pieces)


@settings(max_examples=80, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(language_programs(), st.integers(0, 2**32))
def test_random_programs(case: TextCase, seed: int) -> None:
    check_format(case.text)
    check_format(scattered(case.text, Random(seed)))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_scattered_examples(path: Path) -> None:
    text = re.sub("#.*", "", path.read_text())
    for seed in range(5):
        check_format(scattered(text, Random(seed)))


def test_deep_nesting() -> None:
    heads = "".join("  " * level + "if 1 == 1 then\n" for level in range(240))
    ends = "".join("  " * level + "end\n" for level in reversed(range(240)))
    made = f"program p\n\n{heads}{'  ' * 240}halt\n{ends}"
    assert format_text("program p " + "if 1 == 1 then\n" * 240 + "halt " + "end " * 240) == made
    with pytest.raises(PramError, match="nesting deeper"):
        format_text("program p " + "if 1 == 1 then\n" * 260 + "halt " + "end " * 260)


def test_no_program_no_layout() -> None:
    with pytest.raises(PramError, match="unexpected `:`; expected `,` or `:=` or `\\[`"):
        format_text("program p\nlocal x : 1")


@pytest.mark.parametrize("lost", ["comment", "token"])
def test_a_layout_that_loses_something_is_refused(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The formatter compares its result with the text."""
    text = "program p\n\nlocal x := 1                     # one\n"
    assert format_text(text) == text
    forget = {"comment": "comment", "token": "text"}[lost]
    whole = formatting._with_comments
    monkeypatch.setattr(
        formatting, "_with_comments", lambda lines: whole([formatting.replace(line, **{forget: ""}) for line in lines])
    )
    with pytest.raises(AssertionError, match=lost):
        format_text(text)
