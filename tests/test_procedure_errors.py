"""The whole text of the errors of procedures, calls and libraries."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import WRONG, Do
from kit.lessons import rendered

from lockstep.pram.errors import PramError
from lockstep.pram.program import load, parse_program

HEAD = "program t\nmode CREW\nparam n\nprocs n\nshared A[n] : inout, s : output, V[n, n]\n"
F = "proc f(x, out y) y := x + 1 end\n"
RECURSION = (
    "the code of a program is the same for every n, so it cannot hold a recursion as deep as n asks for; write its levels as a loop, "
    "as in `for level in 0 .. lg(n) - 1 do parallel for i in 0 .. n - 1 do ... end end`"
)
ONE_LEVEL = "there is one level of processors, which the `parallel` in this procedure shares with that around its call"
SEES = "; a procedure sees its arguments, its locals, parameters and shared arrays"
DEEP = "proc f(X[], k)\n  local q := k\n"
EACH = "parallel for i in 0 .. n - 1 do "

ERRORS = [
    # calls
    ("g(s)", "6:1", "there is no procedure `g`"),
    ("prefix_sun(A, A)", "6:1", "there is no procedure `prefix_sun`; did you mean `prefix_sum`?"),
    ("fetch_add(s, A[0])", "6:1",
     "there is no procedure `fetch_add`; `psm(x, A[i])` adds x to a cell, and leaves in x what the cell held before"),
    (F + "f(1)", "7:1", "`f(x, out y)` takes 2 arguments, not 1"),
    (F + "f(1, s, 2)", "7:1", "`f(x, out y)` takes 2 arguments, not 3"),
    ("prefix_sum(A)", "6:1", "`prefix_sum(A[], S[], n)` takes 2 to 3 arguments, not 1"),
    (F + "s := f(1, 2)", "7:6", "`f(x, out y)` has 1 argument besides its value, not 2"),
    ("proc f(x) s := x end\nlocal z := f(1) + 1", "7:12", "`f(x)` has no value, since it has no `out`: a call of it is a statement"),
    # arguments
    (F + "f(1, n)", "7:6", "`out y` of `f` takes a variable, such as a local or a cell; `n` is a parameter"),
    (F + "f(1, 2 + n)", "7:8", "`out y` of `f` takes a variable, such as a local or a cell; `2 + n` is a value"),
    (F + "f(1, A)", "7:6", "`out y` of `f` takes a variable, such as a local or a cell; `A` is an array"),
    (F + "f(1, pid)", "7:6", "`out y` of `f` takes a variable, such as a local or a cell; `pid` is a value"),
    (F + "for i in 0 .. 2 do f(1, i) end", "7:25",
     "`out y` of `f` takes a variable, such as a local or a cell; `i` is the variable of a loop"),
    (F + "f(A, s)", "7:3", "`x` of `f` is a value, and `A` is an array"),
    (F + "f(+, s)", "7:3", "`x` of `f` is a value, and `+` is an operator"),
    (F + "f(zz, s)", "7:3", "undeclared name `zz`"),
    (F + "f(B[0], s)", "7:3", "undeclared array `B`"),
    ("reverse(s)", "6:9", "`A[]` of `reverse` takes an array, or a row of one; `s` is neither"),
    ("reverse(A[0])", "6:9", "`A[]` of `reverse` takes an array, or a row of one; `A[0]` is neither"),
    ("reduce(n, A, s)", "6:8", "`op` of `reduce` is an operator, such as `+` or `max`, or a procedure; `n` is none"),
    # where a call in an expression cannot stand
    (F + "while f(1) > 0 do s := 1 end", "7:7",
     "`f` would be called once only, before the `while`: write `local x := f(..)` before the loop, use x in the condition, and write "
     "`x := f(..)` at the end of the loop"),
    (F + "repeat s := 1 until f(1) > 0", "7:21",
     "`f` would be called once only, before the `repeat`: write `local x := 0` before the loop, `x := f(..)` at its end, and use x in "
     "the condition"),
    (F + "if n > 1 and f(1) > 0 then s := 1 end", "7:14",
     "`f` would be called in any case, also where the left side of `and` decides: write `local x := f(..)` before this, or an `if` in "
     "an `if`"),
    (F + "s := if n > 1 then f(1) else 2", "7:20",
     "`f` would be called in any case, also where its value is not needed: write an `if` statement"),
    (F + "print f(1)", "7:7", "a `print` takes no step, so it cannot call `f`: write `local x := f(..)` before it, and print x"),
    (F + "for i in [f(1), 2] do s := i end", "7:11",
     "a list cannot call `f`: write `local x := f(..)` before it, and x in the list"),
    (F + "assert f(1) > 0", "7:8", "a contract takes no step, so it cannot call `f`: write what it finds out"),
    # bodies
    ("proc f(x) f(x) end\nf(1)", "6:11", f"`f` calls itself: {RECURSION}"),
    ("proc f(x) g(x) end\nproc g(x) h(x) end\nproc h(x) f(x) end", "8:11", f"`f` calls itself through `g`, `h`: {RECURSION}"),
    ("proc f(x) s := z end", "6:16", f"undeclared name `z`{SEES}"),
    ("proc f(x) local x := 1 end", "6:17", "`x` is declared twice in this procedure (no name hides another)"),
    ("proc f(x, x) s := x end", "6:11", "`x` is declared twice in this head"),
    ("proc f(x = 1, z) s := x end", "6:15", "`z` stands after an argument that a call may leave out, so it needs a value, too"),
    ("proc max(x, out y) y := x end", "6:6", "`max` is a function of the language: a procedure needs another name"),
    ("proc A(x, out y) y := x end", "6:6", "`A` is declared twice: as a procedure, and as a parameter or array"),
    (F + F, "7:6", "the procedure `f` is declared twice; first at 6:6"),
    ("proc f(x) if x > 1 then break end end", "6:25", "`break` leaves a loop, but there is none around it in this procedure"),
    ("proc f(x) s := x[0] end\nf(1)", "6:16", "`x` is a value and takes no subscript"),
    # one level of processors
    (F + EACH + "parallel for j in 0 .. 1 do A[i] := j end end", "7:33",
     "`parallel` cannot stand inside `parallel`: there is one level of processors; for pairs, write two ranges: `i in .., j in ..`"),
    (DEEP + "  while q > 0 do\n    parallel for t in 0 .. 1 do X[t] := 1 end\n    q := q - 1\n  end\nend\n"
     + EACH + "f(V[i], i) end", "8:9",
     f"`q` differs from item to item, and decides here how a `parallel` runs: {ONE_LEVEL}"),
    (DEEP + "  parallel for t in 0 .. k do X[t] := q end\nend\n" + EACH + "f(V[i], i) end", "8:26",
     f"`i` differs from item to item, and decides here how a `parallel` runs: {ONE_LEVEL}"),
    ("proc f(X[])\n  local q := X[0]\n  parallel for t in 0 .. 1 do X[t] := q end\nend\n" + EACH + "f(V[i]) end", "8:3",
     "`q` differs from item to item, and is used after a `parallel` of this procedure: keep it in an array"),
    # which processor has an item of the first part is another one in the second
    ("proc f(X[], k, out m)\n  m := k\n  parallel for t in 0 .. 1 do X[t] := m end\nend\nlocal m := 0\n"
     + EACH + "f(V[i], i, m) end", "7:3", f"`m` belongs to a processor, and cannot keep what an item finds: {ONE_LEVEL}"),
    ("proc f(X[], k)\n  local w[1]\n  w[0] := k\n  parallel for t in 0 .. 1 do X[t] := w[0] end\nend\n"
     + EACH + "f(V[i], i) end", "9:39", f"`w` belongs to a processor, and cannot keep what an item finds: {ONE_LEVEL}"),
    ("proc f(X[])\n  local p := pid\n  parallel for t in 0 .. 1 do X[t] := p end\nend\n" + EACH + "f(V[i]) end", "8:3",
     "`p` differs from item to item, and is used after a `parallel` of this procedure: keep it in an array"),
    # computed anew after m has changed, q would have another value
    ("proc f(X[], k)\n  local m := 4\n  local q := k + m\n  m := 2\n  parallel for t in 0 .. 1 do X[t] := q end\nend\n"
     + EACH + "f(V[i], i) end", "10:3",
     "`q` differs from item to item, and is used where a local of which it is made has changed: keep it in an array"),
    ("proc f(X[], k)\n  local m := 4\n  local q := k + m\n  while m > 1 do\n    parallel for t in 0 .. 1 do X[t] := q end\n"
     "    m := m / 2\n  end\nend\n" + EACH + "f(V[i], i) end", "10:5",
     "`q` differs from item to item, and is used where a local of which it is made has changed: keep it in an array"),
    ("proc f(X[], k)\n  local m := 4\n  local q := k + m\n  local r := q * 2\n  m := 2\n  parallel for t in 0 .. 1 do X[t] := r end\nend\n"
     + EACH + "f(V[i], i) end", "11:3",
     "`r` differs from item to item, and is used where a local of which it is made has changed: keep it in an array"),
    ("proc f(X[])\n  parallel for t in 0 .. 1 do X[t] := 1 end\nend\n" + EACH + "\nif i > 1 then return end\nf(V[i]) end", "9:1",
     f"this `parallel` cannot hold a `return` of its own: {ONE_LEVEL}"),
    ("proc f(X[], k)\n  if k > 1 then return end\n  parallel for t in 0 .. 1 do X[t] := 1 end\nend\n" + EACH + "f(V[i], i) end", "7:6",
     f"`i` differs from item to item, and decides here how a `parallel` runs: {ONE_LEVEL}"),
    (F + "parallel f(1, A[0]) g(2, A[1]) end", "7:21",
     "calls side by side run in lock step, so they call one procedure with as many arguments: `f`"),
    ("parallel reverse(A) reverse(V[0]) end", "6:29",
     "calls side by side use one array: put several into one, as rows, and give `V[0]` and `V[1]`"),
    (F + "parallel f(A[0], A[0]) f(A[1], A[1]) end", "7:12",
     "calls side by side differ in values that hold no shared memory: read it into a local first"),
    # libraries
    ("use <scam>", "6:1", "the standard library has no `scam`; did you mean `scan`?"),
    ('use "tools.pram"', "6:1", "`tools.pram` cannot be used: a program that comes from no file has no files beside it"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), ERRORS, ids=[f"{k:02d}" for k in range(len(ERRORS))])
def test_the_error_says_what_is_wrong(text: str, place: str, message: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(HEAD + text + "\n", "t.pram")
    shown = str(caught.value).splitlines()
    calls = next((k for k, line in enumerate(shown) if line.endswith(": called here")), len(shown))
    assert "\n".join(shown[:calls]) == rendered(HEAD + text + "\n", place, message)


#: The files beside t.pram, and the whole text of the error.
FILES = {
    "a file that is not there": ({}, 't.pram:2:1: error: `a.pram` cannot be used: no such file\n  use "a.pram"\n  ^\n'),
    "a program": (
        {"a.pram": "program a\n"},
        "t.pram:2:1: error: `a.pram` is a program, and only a library can be used: its first line is `library a`\n"
        '  use "a.pram"\n  ^\n'),
    "a file that uses itself": (
        {"a.pram": 'library a\nuse "b.pram"\n', "b.pram": 'library b\nuse "a.pram"\n'},
        'b.pram:2:1: error: a file cannot use itself: a.pram uses b.pram uses a.pram\n  use "a.pram"\n  ^\n'),
    "a name in two files": (
        {"a.pram": 'library a\nuse "b.pram"\nproc f(x) end\n', "b.pram": "library b\nproc f(x) end\n"},
        'a.pram:2:1: error: the procedure `f` is declared twice; first in a.pram, line 3\n  use "b.pram"\n  ^\n'),
    "a mistake in a library": (
        {"a.pram": "library a\nproc f(x) s = x end\n"},
        "a.pram:2:13: error: unexpected `=`; write `:=` to assign, `==` to compare\n  proc f(x) s = x end\n              ^\n"),
    "a name that a library does not know": (
        {"a.pram": "library a\nproc f(x) zz := x end\n"},
        "a.pram:2:11: error: undeclared name `zz`; a procedure sees its arguments, its locals, parameters and shared arrays\n"
        "  proc f(x) zz := x end\n            ^\n"),
    "more than procedures in a library": (
        {"a.pram": "library a\nparam n\n"},
        "a.pram:2:7: error: a library holds procedures and `use` only; a program declares everything else\n  param n\n        ^\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_errors_in_files(name: str, do: Do) -> None:
    files, message = FILES[name]
    for file, text in files.items():
        Path(file).write_text(text)
    Path("t.pram").write_text('program t\nuse "a.pram"\nhalt\n')
    assert do("check t.pram") == (WRONG, "", message)


def test_a_library_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "a.pram").write_text("library a\n")
    with pytest.raises(PramError, match="this is a library: a program uses it, and a library cannot run"):
        load(tmp_path / "a.pram")


def test_too_many_calls() -> None:
    calls = "".join(f"proc f{k}(out y) f{k - 1}(y)\nf{k - 1}(y) end\n" for k in range(1, 30))
    with pytest.raises(PramError, match="with their calls, procedures have more than 10000 bodies"):
        parse_program(HEAD + "proc f0(out y) y := 1 end\n" + calls + "f29(s)\n")
    deep = "".join(f"proc f{k}(out y) f{k - 1}(y) end\n" for k in range(1, 80))
    with pytest.raises(PramError, match="calls within calls, more than 64 deep, are refused"):
        parse_program(HEAD + "proc f0(out y) y := 1 end\n" + deep + "f79(s)\n")
