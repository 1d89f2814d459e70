"""Procedures: a call means and costs what its body does, with the arguments in it; what is wrong shows the body and the call."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, WRONG, Do
from kit.lessons import HEAD as LESSON_HEAD
from kit.runs import assert_same
from oracles.calls import with_bodies
from oracles.evaluator import evaluate

from lockstep.pram.errors import PramError, without_numbers
from lockstep.pram.expression_text import expression_text
from lockstep.pram.libraries import standard_text
from lockstep.pram.machine import Run, run
from lockstep.pram.parser import parse
from lockstep.pram.profile import profile
from lockstep.pram.program import parse_program
from lockstep.pram.syntax import Assert, Snapshot, walk

HEAD = "program t\nmode CRCW common\nparam n\nprocs n\nshared A[n] : inout, s : inout, V[n, n] : inout\n"
EACH = "parallel for i in 0 .. n - 1 do "
ARRAYS = {"A": [3, 1, 4, 1], "s": 2, "V": [[4 * i + j for j in range(4)] for i in range(4)]}


def run_text(text: str) -> Run:
    return run(parse_program(HEAD + text).instantiate({"n": 4}, ARRAYS))


#: A program with calls, and the same with the body in the place of each call: the cost is what the table of costs says.
SAME = {
    "an operand is put into the body": ("proc f(x, out y) y := x * x end\nf(n, s)", "s := n * n"),
    "also a local": ("proc f(x, out y) y := x * x end\nlocal z := 3\nf(z, s)", "local z := 3\ns := z * z"),
    "and `pid`": (f"proc f(x, out y) y := x * x end\n{EACH} f(pid, A[i]) end", f"{EACH} A[i] := pid * pid end"),
    "any other value is computed once": (
        f"proc f(x, out y) y := x * x end\n{EACH} f(A[i] + 1, A[i]) end", f"{EACH} local x := A[i] + 1\nA[i] := x * x end"),
    "a scalar is read once": (f"proc f(x, out y) y := x * x end\n{EACH} f(s, A[i]) end", f"{EACH} local x := s\nA[i] := x * x end"),
    "a value that the body assigns is a local of its own": (
        "proc f(x, out y) x := x + 1\ny := x end\nlocal z := 3\nf(z, s)\ns := s + z",
        "local z := 3\nlocal x := z\nx := x + 1\ns := x\ns := s + z"),
    "so is one that is an `out`, too": (
        "proc f(x, out y) y := y + 1\ny := y + x end\nlocal z := 3\nf(z, z)\ns := z",
        "local z := 3\nlocal x := z\nz := z + 1\nz := z + x\ns := z"),
    "so is one that an inner call assigns": (
        "proc g(out y) y := y + 1 end\nproc f(x, out y) g(x)\ny := x end\nlocal z := 3\nf(z, s)\ns := s + z",
        "local z := 3\nlocal x := z\nx := x + 1\ns := x\ns := s + z"),
    "a value in an expression is 0 at first": (
        "proc f(out y) y := y + 5 end\ns := 1 + f()", "local a := 0\na := a + 5\ns := 1 + a"),
    "the subscript of a place is computed once": (
        f"proc f(out y) y := y + 1 end\n{EACH} f(A[i ^ 1]) end", f"{EACH} local k := i ^ 1\nA[k] := A[k] + 1 end"),
    "a subscript that is an operand stays": (
        f"proc f(out y) y := y + 1 end\n{EACH} f(A[i]) end", f"{EACH} A[i] := A[i] + 1 end"),
    "an array": ("proc f(X[], m) single do X[m - 1] := X[0] end end\nf(A, n)", "single do A[n - 1] := A[0] end"),
    "a row": (
        f"proc f(X[], out r) r := X[0] + X[1] end\n{EACH} f(V[i], A[i]) end", f"{EACH} A[i] := V[i, 0] + V[i, 1] end"),
    "a row whose number is computed once": (
        f"proc f(X[], out r) r := X[0] + X[1] end\n{EACH} f(V[i ^ 1], A[i]) end",
        f"{EACH} local k := i ^ 1\nA[i] := V[k, 0] + V[k, 1] end"),
    "a procedure that calls another": (
        f"proc g(out y) y := y + 1 end\nproc f(X[], k) g(X[k]) end\n{EACH} f(A, i) end", f"{EACH} A[i] := A[i] + 1 end"),
    "an operator": ("proc f(op, x, y, out z) z := op(x, op(y, 3)) end\nf(*, 5, n, s)", "s := 5 * (n * 3)"),
    "a function as an operator": ("proc f(op, x, y, out z) z := op(x, y) end\nf(max, s, n, s)", "local x := s\ns := max(x, n)"),
    "a procedure as an operator": (
        "proc d(x, y, out z) z := x - y end\nproc f(op, out z) z := op(9, 4) end\nf(d, s)", "s := 9 - 4"),
    "the extent of an array": ("proc f(X[], out y) y := extent(X) end\nf(A, s)\n", "s := n"),
    "and of a row": ("proc f(X[], out y) y := extent(X) end\nf(V[1], s)\n", "s := n"),
    "an argument left out": ("proc f(X[], out y, m = extent(X) + 1) y := m end\nf(V, s)\n", "s := n + 1"),
    "a value": ("proc f(x, out y) y := x * x end\ns := f(5)", "s := 5 * 5"),
    "a value in a cell": (f"proc f(x, out y) y := x * x end\n{EACH} A[i] := f(i) end", f"{EACH} A[i] := i * i end"),
    "a value in an expression": (
        "proc f(x, out y) y := x * x end\ns := 1 + f(5) * f(3)",
        "local a := 0\na := 5 * 5\nlocal b := 0\nb := 3 * 3\ns := 1 + a * b"),
    "a value of a value": ("proc f(x, out y) y := x + n end\nlocal z := f(f(1))",
        "local a := 0\na := 1 + n\nlocal b := 0\nb := a + n\nlocal z := b"),
    "a value as a subscript": (
        "proc f(x, out y) y := x + 1 end\nsingle do A[f(0)] := f(4) end",
        "single do local a := 0\na := 0 + 1\nA[a] := 4 + 1 end"),
    "a value in a condition": (
        f"proc f(x, out y) y := x + 1 end\n{EACH} if f(i) > 2 then A[i] := 0 elif f(i) > 1 then A[i] := 7 end end",
        f"{EACH} local a := 0\na := i + 1\nif a > 2 then A[i] := 0 else local b := 0\nb := i + 1\nif b > 1 then A[i] := 7 end end end"),
    "a value in the bounds of a loop": (
        "proc f(x, out y) y := x + 1 end\nlocal z := 0\nfor i in f(0) .. f(2) do z := z + i end\ns := z",
        "local z := 0\nlocal a := 0\na := 0 + 1\nlocal b := 0\nb := 2 + 1\nfor i in a .. b do z := z + i end\ns := z"),
    "statements that hold all processors": (
        "proc f(X[], m) while m > 1 do m := m >> 1\nparallel for t in 0 .. m - 1 do X[t] := X[t] + X[t + m] end end end\nf(A, n)",
        "local m := n\nwhile m > 1 do m := m >> 1\nparallel for t in 0 .. m - 1 do A[t] := A[t] + A[t + m] end end"),
    "a prefix sum": (f"proc f(x, out y) local z := x\nps(z, y)\nA[x] := z end\n{EACH} f(i, s) end",
        f"{EACH} local z := i\nps(z, s)\nA[i] := z end"),
    "several assignments": (
        f"proc f(out x, out y) x, y := y, x end\n{EACH} f(A[i], V[i, i]) end", f"{EACH} A[i], V[i, i] := V[i, i], A[i] end"),
    "swap": (f"{EACH} swap(A[i], V[i, i]) end", f"{EACH} local t := A[i]\nA[i] := V[i, i]\nV[i, i] := t end"),
    "a local array": (
        f"proc f(x, out y) local w[2]\nw[0] := x\ny := w[0] + w[1]\nw[1] := 1 end\n{EACH} f(i, A[i])\nf(i, V[i, 0]) end",
        f"{EACH} local w[2]\nw[0] := i\nA[i] := w[0] + w[1]\nw[1] := 1\nw[0] := i\nV[i, 0] := w[0] + w[1]\nw[1] := 1 end"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_a_call_is_its_body(name: str) -> None:
    called, written = map(run_text, SAME[name])
    assert called.memory.tolist()[: 4 + 1 + 16] == written.memory.tolist()[: 4 + 1 + 16] and called.costs == written.costs


#: Bodies in which `return` ends a call: text, the array A afterwards, and the steps, counted by hand from section 5.
RETURNS = {
    "one by one: the body takes a step more": (
        f"proc f(x, out y) if x > 1 then y := 7\nreturn end\ny := 8 end\n{EACH} f(A[i], A[i]) end\n",
        [7, 8, 7, 8],
        # parallel 4; local x := A[i] 1; the if 1 + 2, y := 7 and return 2; y := 8 1; the call 1; the end 1
        4 + 1 + 3 + 2 + 1 + 1 + 1,
    ),
    "it ends the call, not the item": (
        f"proc f(x, out y) if x > 1 then return end\ny := 8 end\n{EACH} f(i, A[i])\nA[i] := A[i] + 1 end\n",
        [9, 9, 5, 2],
        4 + (3 + 1 + 1 + 1) + 3 + 1,
    ),
    "at two places": (
        "proc f(x, out y) if x == 1 then y := 6\nreturn end\nif x == 3 then y := 7\ny := 5\nreturn end\ny := 9 end\n"
        f"{EACH} f(A[i], A[i]) end\n",
        [5, 6, 9, 6],
        4 + 1 + (3 + 2) + (3 + 3) + 1 + 1 + 1,
    ),
    "out of a loop": (
        f"proc f(x, out y) for k in 0 .. 3 do y := k\nif k == x then return end end\ny := 9 end\n{EACH} f(A[i], A[i]) end\n",
        [3, 1, 9, 1],
        4 + 1 + (1 + 4 * (4 + 1 + 3 + 1) + 2 + 1 + 1) + 1,
    ),
    "within another call that returns": (
        f"proc g(out y) if y > 2 then return end\ny := 5 end\n"
        f"proc f(out y) g(y)\nif y == 5 then return end\ny := 6 end\n{EACH} f(A[i]) end\n",
        [6, 5, 6, 5],
        4 + ((4 + 1 + 1 + 1) + (4 + 1) + 1 + 1) + 1,
    ),
    "all processors at once: no step more": (
        f"proc f(x) if x > 2 then return end\n{EACH} A[i] := x end end\nf(1)\nf(n)\n",
        [1, 1, 1, 1],
        # x > 2 is a parameter expression; a branch taken costs 2
        (2 + 4 + 1) + (1 + 1) + 1,
    ),
    "an item of a `parallel` in the body": (
        f"proc f() {EACH} if i > 1 then return end\nA[i] := 8 end\n{EACH} A[i] := A[i] + 1 end end\nf()\n",
        [9, 9, 5, 2],
        (4 + 3 + 1 + 1) + (4 + 3) + 1,
    ),
}


@pytest.mark.parametrize("name", RETURNS)
def test_return_ends_the_call(name: str) -> None:
    text, expected, steps = RETURNS[name]
    found = run_text(text)
    assert (found.outputs["A"], found.time) == (expected, steps)


def test_rows_and_extents() -> None:
    """Of arrays with three subscripts, whose extents differ."""
    text = (
        "program t\nparam n\nshared W[n, 3, 5] : output, E[3] : output\n"
        "proc f(X[], out e, k, m, v) e := extent(X)\nX[k, m] := v end\nproc g(X[], out e, k, v) e := extent(X)\nX[k] := v end\n"
        "proc h(X[], out e) e := extent(X) end\n"
        "single do f(W[1], E[1], 2, 3, 7)\ng(W[0, 2], E[2], 4, 8)\nh(W, E[0]) end\n"
    )
    found = run(parse_program(text).instantiate({"n": 2}, {}))
    W = [[[0] * 5 for _ in range(3)] for _ in range(2)]
    W[1][2][3], W[0][2][4] = 7, 8
    assert found.outputs["E"] == [2, 3, 5] and parse_program(text).layout({"n": 2})[0].read(found.memory) == np.array(W).tolist()


def test_names_of_a_body_are_its_own() -> None:
    """Neither side sees the locals of the other, and a body's names may be those of the program."""
    found = run_text(
        f"proc f(x, out y) local z := x + 1\nlocal i := z\ny := i end\nproc g(V[], s) V[0] := s end\n{EACH}\n"
        "local z := 5\nlocal y := 0\nlocal x := 1\nf(z, y)\nA[i] := 10 * z + y + x\nend\nsingle do g(A, 7) end\n"
    )
    assert found.outputs["A"] == [7, 57, 57, 57]


def test_a_body_does_not_see_the_locals_of_its_caller() -> None:
    with pytest.raises(PramError) as caught:
        parse_program(HEAD + "proc f(out y) y := z end\nlocal z := 1\nf(s)\n", "t.pram")
    assert str(caught.value) == (
        "t.pram:6:20: error: undeclared name `z`; a procedure sees its arguments, its locals, parameters and shared arrays\n"
        "  proc f(out y) y := z end\n                     ^"
    )


def test_errors_show_the_line_of_the_body_and_of_every_call() -> None:
    text = HEAD + "proc f(X[], k)\n  X[k] := 1\nend\nproc g(k) f(A, k + 1) end\nsingle do g(n) end\n"
    with pytest.raises(PramError) as caught:
        run(parse_program(text, "t.pram").instantiate({"n": 4}, ARRAYS))
    assert str(caught.value) == (
        "t.pram:7:3: error: step 3: processor 0: index 5 is outside `A` (0 .. 3)\n    X[k] := 1\n    ^\n"
        "t.pram:9:11: called here\n  proc g(k) f(A, k + 1) end\n            ^\n"
        "t.pram:10:11: called here\n  single do g(n) end\n            ^"
    )


def test_the_profile_has_a_row_for_each_call() -> None:
    text = HEAD + "proc f(x)\n  s := x\nend\nproc g() f(2) end\nf(1)\ng()\nf(3)\n"
    job = parse_program(text).instantiate({"n": 1}, {"A": [0], "s": 0, "V": [[0]]})
    found = [(row.line, row.called, row.steps) for row in profile(job).lines]
    assert found == [(7, ("10",), 1), (7, ("11", "9"), 1), (7, ("12",), 1), (None, (), 1)]


def test_profile_and_asm_show_both_lines(do: Do) -> None:
    Path("t.pram").write_text(
        "program t\nparam n\nprocs n\nshared A[n] : output, B[n] : output\nproc f(out y)\n  y := 1\nend\n"
        f"{EACH}\n  f(A[i])\nend\nprefix_sum(A, B)\n"
    )
    shown = do("profile t.pram --size 2").out
    assert re.search(r"^ +6 .* 9  +y := 1 *$", shown, re.MULTILINE) and re.search(r"<scan>:7 .* 11  ", shown)
    rows = json.loads(do("profile t.pram --size 2 --json").out)["lines"]
    assert {(row["line"], tuple(row.get("called", ())), row.get("file")) for row in rows} >= {
        (6, ("9",), None),
        (7, ("11",), "<scan>"),
        (8, (), None),
    }
    assert "prefix_sum(A, B)" in do("asm t.pram").out


@pytest.mark.parametrize("number", range(3))
def test_the_document_shows_what_is_printed(number: int, do: Do) -> None:
    text = (Path(__file__).parent.parent / "docs" / "errors.md").read_text()
    section = text.split("\n## 35. ")[1].split("\n## 36. ")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    program, shown = [content for name, content in blocks if name == "pram"], [content for name, content in blocks if not name]
    assert len(program) == len(shown) == 3
    Path("t.pram").write_text(LESSON_HEAD + program[number])
    Path("in.json").write_text(re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0])
    command, printed = shown[number].removeprefix("$ lockstep ").split("\n", 1)
    assert do(command) == (WRONG, "", printed)


# -- one level of processors, divided -----------------------------------------------------------

TOTAL = """
proc total(X[], from, m)
  local q := m
  while q > 1 do
    local h := (q + 1) >> 1
    parallel for t in 0 .. q - h - 1 do X[from + t] := X[from + t] + X[from + t + h] end
    q := h
  end
end
"""


def test_a_call_in_a_parallel_divides_its_processors() -> None:
    """Each row of V gets its sum. All rows take as long as one, and a further range in each round."""
    head = HEAD.replace("procs n", "procs n * n").replace("CRCW common", "EREW")
    text = head + TOTAL + "parallel for i in 0 .. n - 1 do total(V[i], 0, n) end\n"
    by_hand = head + (
        "local q := n\nwhile q > 1 do\nlocal h := (q + 1) >> 1\n"
        "parallel for i in 0 .. n - 1, t in 0 .. q - h - 1 do V[i, 0 + t] := V[i, 0 + t] + V[i, 0 + t + h] end\nq := h\nend\n"
    )
    called, written = (run(parse_program(t).instantiate({"n": 4}, ARRAYS)) for t in (text, by_hand))
    assert called.outputs == written.outputs and called.costs == written.costs
    assert [row[0] for row in called.outputs["V"]] == [6, 22, 38, 54]  # type: ignore[index,union-attr]


def test_what_is_made_of_a_local_is_used_before_that_changes() -> None:
    text = HEAD.replace("procs n", "procs n * n") + (
        "proc f(X[], k)\nlocal m := 3\nwhile m > 0 do\nlocal d := 10 * k + m\n"
        "parallel for t in m .. m do X[t] := d end\nm := m - 1\nend\nend\n"
        "parallel for i in 0 .. n - 1 do f(V[i], i) end\n"
    )
    found = run(parse_program(text).instantiate({"n": 4}, ARRAYS))
    assert [row[1:] for row in found.outputs["V"]] == [[10 * i + 1, 10 * i + 2, 10 * i + 3] for i in range(4)]  # type: ignore[union-attr]


def test_what_differs_from_item_to_item_is_computed_anew() -> None:
    head = HEAD.replace("procs n", "procs n * n")
    text = head + (
        "proc f(X[], k)\nlocal d := 2 * k\nX[0] := d\nparallel for t in 1 .. n - 1 do X[t] := d + t end\nX[0] := X[0] + X[1]\nend\n"
        "parallel for i in 0 .. n - 1 do f(V[i], i) end\n"
    )
    found = run(parse_program(text).instantiate({"n": 4}, ARRAYS))
    assert found.outputs["V"] == [[4 * i + 1, 2 * i + 1, 2 * i + 2, 2 * i + 3] for i in range(4)]
    first, middle, last = 4 + 1 + 3, (4 + 4) + 1 + (1 + 3), 4 + (3 + 3 + 1 + 3)  # d is computed in the first two
    assert found.time == first + middle + last + 1


def test_statements_between_keep_their_order() -> None:
    """What is the same for all items is read after the items have written."""
    head = HEAD.replace("procs n", "procs n * n")
    body = "proc f(X[], k)\nif k == 2 then s := 9 end\nlocal q := s\nparallel for t in 1 .. n - 1 do X[t] := q end\nend\n"
    found = run(parse_program(head + body + f"{EACH} f(V[i], i) end\n").instantiate({"n": 4}, ARRAYS))
    assert found.outputs["V"] == [[4 * i, 9, 9, 9] for i in range(4)]


def test_calls_side_by_side() -> None:
    head = HEAD.replace("procs n", "procs 2 * n")
    text = (
        head
        + TOTAL
        + "parallel total(A, 0, n / 2) total(A, n / 2, n / 2) end\nparallel total(V[0], 0, n) total(V[1], 0, n) end\n"
    )
    found = run(parse_program(text).instantiate({"n": 4}, ARRAYS))
    assert found.outputs["A"] == [4, 1, 5, 1]
    three = run_text("proc f(x, out y) y := x + 1 end\nparallel f(5, A[2]) f(7, A[0]) f(n, A[1]) end\n")
    assert three.outputs["A"] == [8, 5, 6, 1] and three.time == 4 + 2 * (3 * 3 - 1) + 2 + 1  # values and subscripts are lists
    assert [row[0] for row in found.outputs["V"]] == [6, 22, 8, 12]  # type: ignore[index,union-attr]


# -- files --------------------------------------------------------------------------------------


def test_a_program_uses_files_beside_it(do: Do) -> None:
    Path("sub").mkdir()
    Path("sub/tools.pram").write_text('library tools\nuse "../more.pram"\nproc twice(x, out y)\n  plus(x, x, y)\nend\n')
    Path("more.pram").write_text("library more\nproc plus(x, z, out y) y := x + z end\n")
    Path("t.pram").write_text('program t\nparam n\nshared s : output\nuse "sub/tools.pram"\ns := twice(n)\n')
    assert json.loads(do("run t.pram --size 4 --json").out)["outputs"] == {"s": 8}
    assert do("compile t.pram --out sub/m.safetensors").status == FINE
    before = json.loads(do("compile t.pram --out sub/m2.safetensors --json").out)["program_sha256"]
    Path("more.pram").write_text("library more\nproc plus(x, z, out y) y := x * z end\n")
    assert json.loads(do("compile t.pram --out sub/m3.safetensors --json").out)["program_sha256"] != before
    assert json.loads(do("decode sub/m.safetensors --size 4 --json").out)["outputs"] == {"s": 8}  # the text in the model file


def test_a_local_array_of_a_procedure_keeps_its_words() -> None:
    found = run_text(f"proc f(out y) local w[1]\nw[0] := w[0] + 1\ny := w[0] end\n{EACH} f(A[i])\nf(A[i])\nf(A[i]) end\n")
    assert found.outputs["A"] == [3, 3, 3, 3]


# -- a second implementation --------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SAME, *RETURNS])
def test_the_evaluator_agrees(name: str) -> None:
    """It replaces calls by itself."""
    text = HEAD + (SAME[name][0] if name in SAME else RETURNS[name][0])
    ours = run_text(text.removeprefix(HEAD))
    library = parse(standard_text("moving"), "<moving>")[0]
    theirs = evaluate(with_bodies(parse(text)[0], (library,)), {"n": 4}, ARRAYS)
    assert_same(ours, theirs)
    assert_same(ours, evaluate(parse_program(text).tree, {"n": 4}, ARRAYS))


def test_promises_are_assertions_at_the_ends_of_a_call() -> None:
    """With the arguments in them. They take no step, also where a `return` ends the body."""
    body = "if X[0] > k then return end\nX[0] := k end\n"
    text = f"proc f(X[], k)\nrequires k < n\nensures forall i in 0 .. k : X[i] >= old(X[i])\n{body}{EACH} f(V[i], 2) end\n"
    tree = parse_program(HEAD + text).tree
    nodes = [node for node in walk(tree) if isinstance(node, (Assert, Snapshot))]
    before, snapshot, after = nodes
    assert isinstance(before, Assert) and isinstance(snapshot, Snapshot) and isinstance(after, Assert)
    assert expression_text(before.condition) == "2 < n" and not before.since
    assert without_numbers(expression_text(after.condition)) == "forall i in 0 .. 2 : V[i, i] >= old(V[i, i])"
    assert after.since == snapshot.label and before.at.calls and after.at.calls
    assert run_text(text).costs == run_text(f"proc f(X[], k)\n{body}{EACH} f(V[i], 2) end\n").costs
