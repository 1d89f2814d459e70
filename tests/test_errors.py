"""Errors in program texts: each has its place and its exact message."""

from pathlib import Path

import pytest
from kit.lessons import IN_THE_TEXT, Lesson, rendered

from lockstep.pram.errors import PramError
from lockstep.pram.program import load, parse_program

HEAD = "program t\nparam n\nprocs n\nshared A[n] : inout, s : output\n"
EACH = "parallel for i in 0 .. n - 1 do "
MODE_NAMES = "EREW, CROW, CREW, ERCW common, ERCW arbitrary, ERCW priority, " + (
    "CRCW common, CRCW arbitrary, CRCW priority, CRCW max, CRCW min, CRCW sum"
)

WRITE_ATMOST = "; write `atmost B` before `do`, with B rounds enough for every processor"

#: Program, LINE:COL, message; tests/kit/lessons.py has more.
Rows = list[tuple[str, str, str]]
SYNTAX: Rows = [
    (
        HEAD + "while n > 1 do\n  if n > 2 then s := 1\nend\n",
        "6:3",
        "missing `end`: by its indentation, `if` opened here is never closed",
    ),
    (
        HEAD + "if n == 1 then s := 1\nelse if n == 2 then s := 2\nend\n",
        "6:6",
        "missing `end`: `if` after `else` needs one of its own; or write `elif`",
    ),
    (HEAD + "repeat s := 1\n", "5:1", "missing `until`: `repeat` opened here is never closed"),
    (HEAD + "s := (1 + 2\n", "5:6", "missing `)`: `(` opened here is never closed"),
    (HEAD + "s := (1 + 2\nhalt\n", "6:1", "unexpected `halt`: `(` opened at 5:6 is still open"),
    (HEAD + "A[1 := 2\n", "5:5", "unexpected `:=`: `[` opened at 5:2 is still open"),
    (HEAD + "s := 1 end\n", "5:8", "unexpected `end`: nothing is open here"),
    ("prgram t\n", "1:1", "unexpected `prgram`; did you mean `program`?"),
    (HEAD + "shared q : inptu\n", "5:12", "unexpected `inptu`; did you mean `input`?"),
    (HEAD + "s ← 1\n", "5:3", "unexpected character '←' (LEFTWARDS ARROW); write `:=`"),
    (HEAD + "s = 1\n", "5:3", "unexpected `=`; write `:=` to assign, `==` to compare"),
    (HEAD + "words = 1\n", "5:7", "unexpected `=`; write `:=` to assign, `==` to compare"),
    (HEAD + "s := 1;; s := 2\n", "5:8", "unexpected `;`"),
    (HEAD + "s <- 1\n", "5:3", "unexpected `<`; write `:=` to assign"),
    (HEAD + "s := n xor 1\n", "5:8", "`xor` cannot stand here; write `^`"),
    (HEAD + "s := n ** 2\n", "5:9", "unexpected `*`; there is no power: write `1 << k` for 2 to the k, or multiply"),
    (HEAD + "s := n > 1 ? 1\n", "5:12", "unexpected `?`; a choice is written `if c then a else b`"),
    (HEAD + "s := ~n\n", "5:6", "unexpected `~`; write `x ^ inf` to change all bits of x"),
    (HEAD + "A[0]++\n", "5:5", "unexpected `+`; write `x += 1`"),
    (HEAD + "A(0) := 1\n", "5:6", "unexpected `:=`; a subscript is written in brackets, as in `A[0] := 1`"),
    (HEAD + "if n == 1: s := 1 end\n", "5:10", "unexpected `:`; blocks go from `do` or `then` to `end`"),
    (HEAD + "local x\nlocal y := 0\n", "5:7", "a local needs a value: write `local x := 0`"),
    (HEAD + "s := 1\nproc f(x) s := x end\n", "6:1", "unexpected `proc`; declarations stand before the first statement"),
    (HEAD + "local a, b := 1\n", "5:7", "2 names on the left of `:=`, but 1 value on the right"),
    (HEAD + "s := A[0, 1, 2, 3]\n", "5:6", "`A` has 4 subscripts; an array has at most 3"),
    (
        HEAD + "shared B[n], C[n] : input\n",
        "5:8",
        "`B` has no kind: `: input` holds for `C` only; write `: input` after `B`, too, or declare it in a `shared` of its own",
    ),
    (HEAD + "if n > 1 { s := 1 }\n", "5:10", "unexpected `{`; blocks go from `do` or `then` to `end`"),
    (HEAD + "if n > 1 && n > 2 then s := 1 end\n", "5:11", "unexpected `&`; write `and`, or one `&` for bits"),
    (HEAD + "s := 1 // one\n", "5:9", "unexpected `/`; comments start with `#`"),
    (HEAD + "s := 1.5\n", "5:7", "unexpected `.`; write `..` for a range; numbers are integers"),
    (HEAD + "s := A[1][2]\n", "5:10", "unexpected `[`; two subscripts are written `[i, j]`"),
    (HEAD + "s := 2k\n", "5:6", "`2k` is not a number: digits may not run into letters"),
    (HEAD + "s := 0b11\n", "5:6", "`0b11` is not a number: digits may not run into letters"),
    (HEAD + "s := 0x\n", "5:6", "`0x` is not a number: digits may not run into letters"),
    (HEAD + "s := 100000000000000000000\n", "5:6", "number of more than 63 bits"),
    (HEAD + "local end := 3\n", "5:7", "unexpected `end`: it is a reserved word and cannot be a name"),
    (HEAD + "if 1 < n < 3 then s := 1 end\n", "5:10", "unexpected `<`; comparisons do not chain: join two of them with `and`"),
    (HEAD + "if maxx < n < 3 then s := 1 end\n", "5:13", "unexpected `<`; comparisons do not chain: join two of them with `and`"),
    (HEAD + "claim time >= 3\n", "5:12", "unexpected `>=`; a claim states `==` or `<=`"),
    (
        HEAD + "for i in 0 to 3 do s := 1 end\n",
        "5:12",
        "`to` cannot stand here; a range is written `0 .. n - 1`, or `n - 1 downto 0`",
    ),
    (HEAD + "if n > 1 do s := 1 end\n", "5:10", "unexpected `do`; expected `then`"),
    (HEAD + "s := 1\nshared B\n", "6:1", "unexpected `shared`; declarations stand before the first statement"),
    ("program t\nmode crew\n", "2:6", "unknown access mode `crew`; did you mean `CREW`?"),
    ("program t\nmode PRAM\n", "2:6", f"unknown access mode `PRAM`; the modes are {MODE_NAMES}"),
    (
        "program t\nmode CRCW",
        "2:6",
        "CRCW needs a write rule: `CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`",
    ),
    ("program t\nmode ERCW max", "2:6", "ERCW needs a write rule: `ERCW common`, `ERCW arbitrary` or `ERCW priority`"),
    (
        "program t\nmode CRCW\nsum := 1",
        "2:6",
        "CRCW needs a write rule: `CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`",
    ),
    ("program t\nmode", "2:1", f"missing access mode; the modes are {MODE_NAMES}"),
    ("program", "1:8", "the program breaks off after `program`; expected a name"),
    (HEAD + "s := 1 $ 2\n", "5:8", "unexpected character '$' (DOLLAR SIGN)"),
]
MEANING: Rows = [
    (HEAD + "s := cuont\n", "5:6", "undeclared name `cuont`"),
    (HEAD + "x := 1\n", "5:1", "undeclared name `x`; to make a new local, write `local x := ...`"),
    (HEAD + "local cnt := 1\ncmt := 2\n", "6:1", "undeclared name `cmt`; did you mean `cnt`?"),
    (HEAD + "s := B[1]\n", "5:6", "undeclared array `B`"),
    (
        HEAD + "local i := 1\nfor i in 1 .. 2 do s := i end\n",
        "6:1",
        "`i` is declared twice; first at 5:7 (no name hides another)",
    ),
    (HEAD + "local pid := 1\n", "5:7", "`pid` is the processor's number and cannot be declared"),
    (HEAD + "s := sqrt(s)\n", "5:6", "`sqrt` takes numbers and parameters only"),
    (HEAD + "s := ceil(s / 2)\n", "5:6", "`ceil` takes numbers and parameters only; on words write `(a + b - 1) / b`"),
    (HEAD + "s := log(s)\n", "5:6", "a logarithm is no integer: write `lg(x)` or `ceil(log(x))`, rounded up, or `floor(log(x))`"),
    (
        HEAD + "s := floor(s)\n",
        "5:6",
        "`floor` rounds a quotient, `sqrt` or `log`, as in `floor(n / 2)` or `floor(log(n))`; other values are integers",
    ),
    (HEAD + "s := A(0)\n", "5:6", "`A` is an array: write `A[0]`"),
    (HEAD + "s := max(s)\n", "5:6", "`max` takes 2 arguments, not 1"),
    (HEAD + "s := maxx(s, 1)\n", "5:6", "there is no function `maxx`; did you mean `max`?"),
    (HEAD + "s := abs(s)\n", "5:6", "there is no function `abs`; write `max(a, b) - min(a, b)`"),
    (
        HEAD + "s := f(s)\n",
        "5:6",
        "there is no function `f`; the functions are lg, max, min, ctz, popcount, sqrt, floor, ceil, log",
    ),
    (HEAD + "ps(s, A[0])\n", "5:1", "`s` is shared: the first argument of a prefix sum is a local"),
    (HEAD + "s := s or n > 1\n", "5:6", "`or` takes truth values; compare the word first, as in `s != 0 or n > 1`"),
    (HEAD + "break\n", "5:1", "`break` leaves a loop, but there is none around it here"),
    (HEAD + "while s > 0 do " + EACH + "break end end\n", "5:48", "`break` leaves a loop, but there is none around it here"),
    (
        HEAD + "while s > 0 do if pid == 0 then break end end\n",
        "5:33",
        "`break` cannot stand inside an `if` whose condition differs per processor: idle processors could not follow it",
    ),
    (
        HEAD + "procs inf\n".replace("procs", "word"),
        "5:6",
        "`word` cannot use `inf`, the largest word: the size of words depends on the declarations",
    ),
    (
        HEAD + "if pid == 0 then halt end\n",
        "5:18",
        "`halt` cannot stand inside an `if` whose condition differs per processor: idle processors could not follow it",
    ),
    (
        HEAD + "single do repeat s := 1 until s == 1 end\n",
        "5:11",
        "`repeat` inside `single` needs `atmost`: write `until s == 1 atmost B`, with B rounds enough for every processor; only the "
        "modes CRCW find by themselves when all are done",
    ),
    (
        HEAD + "local x := pid\nfor j in 0 .. x do s := j end\n",
        "6:15",
        "loop bound differs per processor: `x`, from line 5, is not the same on all processors" + WRITE_ATMOST,
    ),
    (
        HEAD + EACH + "for j in 0 .. s do A[i] := j end end\n",
        "5:47",
        "a loop bound here cannot read shared memory: idle processors run the loop too" + WRITE_ATMOST,
    ),
    (
        HEAD + "local m := 3\nfor i in 1 .. m do m := 2 end\n",
        "6:20",
        "`m` bounds the `for` of line 6 and cannot be assigned in it",
    ),
    (
        HEAD + "local m := 3\nfor i in 0 .. 9 step m do m := 2 end\n",
        "6:27",
        "`m` is the step of the `for` of line 6 and cannot be assigned in it",
    ),
    (
        HEAD + "local m := pid\nfor i in 0 .. m - 1 atmost 9 do m := 2 end\n",
        "6:33",
        "`m` bounds the `for` of line 6 and cannot be assigned in it",
    ),
    (
        HEAD + "for i in 9 downto 0 step 2 do end\n",
        "5:26",
        "`downto` counts down by 1 and has no `step`; for another step count up, and subtract",
    ),
    (
        HEAD + "parallel for j in 0 .. pid do A[j] := 1 end\n",
        "5:24",
        "the range of a `parallel for` differs per processor: `pid` is not the same on all processors",
    ),
    (HEAD + "s := s[1]\n", "5:6", "`s` is a scalar and takes no subscript"),
    (HEAD + "s := A\n", "5:6", "`A` is an array and needs 1 subscript"),
    (
        HEAD + "if s and n == 1 then s := 1 end\n",
        "5:4",
        "`and` takes truth values; compare the word first, as in `s != 0 and n == 1`",
    ),
    (HEAD + "if not s then s := 1 end\n", "5:8", "`not` takes truth values; compare the word first, as in `s != 0`"),
    (HEAD + "for i in 1 .. 3 do i := 2 end\n", "5:20", "loop variable `i` cannot be assigned"),
    (HEAD + "n := 2\n", "5:1", "`n` cannot be assigned: it is a parameter"),
    (HEAD + "pid := 2\n", "5:1", "`pid` cannot be assigned: it is the processor number"),
    ("program t\nparam n, n\n", "2:10", "`n` is declared twice; first at 2:7"),
    ("program t\nparam k = n, n\n", "2:11", "`n` cannot be used before its declaration at 2:14 is complete"),
    ("program t\nprocs 1\nprocs 2\n", "3:7", "second `procs`; the first is on line 2"),
    ("program t\nshared B[4, 2], s\ns := B[1, 2]\n", "3:11", "index 2 is outside `B` (0 .. 1)"),
    ("program t\nclaim tiem == 3\n", "2:7", "unknown quantity `tiem`; did you mean `time`?"),
    ("program t\nclaim time == q\n", "2:15", "undeclared name `q`"),
    ("program t\nshared B[3]\nprocs B[1]\n", "3:7", "`procs` may use only numbers and parameters; `B[...]` is shared memory"),
    ("program t\nword pid\n", "2:6", "`word` may use only numbers and parameters; `pid` is neither"),
]


def numbered(rows: Rows) -> list[object]:
    return [pytest.param(*row, id=f"{number:02d}") for number, row in enumerate(rows, 1)]


#: The mistakes of tests/kit/lessons.py in other forms.
FORMS: Rows = [
    (HEAD + EACH + "A[i] := 1\n", "5:1", "missing `end`: `parallel` opened here is never closed"),
    (HEAD + "if n > 1 then s := 1 endif\n", "5:22", "`endif` cannot stand here; every block ends with `end`"),
    (HEAD + "parrallel for i in 0 .. n do A[i] := 1 end\n", "5:1", "unknown word `parrallel`; did you mean `parallel`?"),
    (HEAD + "s := а + 1\n", "5:6", "unexpected character 'а' (CYRILLIC SMALL LETTER A); write `a`, a Latin letter"),
    (HEAD + "if n ≤ 1 then s := 1 end\n", "5:6", "unexpected character '≤' (LESS-THAN OR EQUAL TO); write `<=`"),
    (
        "program t\nmode CRWC\n",
        "2:6",
        "unknown access mode `CRWC`; did you mean `CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`?",
    ),
    (
        "program t\nmode CRCW\nparam n\n",
        "2:6",
        "CRCW needs a write rule: `CRCW common`, `CRCW arbitrary`, `CRCW priority`, `CRCW max`, `CRCW min` or `CRCW sum`",
    ),
    ("", "1:1", "there is no program here; one starts with `program NAME`"),
    ("# only a comment\n", "1:1", "there is no program here; one starts with `program NAME`"),
    (HEAD + "local count := 1\ns := cuont\n", "6:6", "undeclared name `cuont`; did you mean `count`?"),
    (HEAD + "local n := 1\n", "5:7", "`n` is declared twice; first at 2:7 (no name hides another)"),
    (
        HEAD + EACH + "parallel for j in 0 .. 1 do A[i] := j end end\n",
        "5:33",
        "`parallel` cannot stand inside `parallel`: there is one level of processors; for pairs, write two ranges: `i in .., j in ..`",
    ),
    (
        HEAD + EACH + "while A[i] > 0 do A[i] := 0 end end\n",
        "5:33",
        "`while` inside `parallel` needs `atmost`: write `while A[i] > 0 atmost B do`, with B rounds enough for every processor; only the "
        "modes CRCW find by themselves when all are done",
    ),
    (
        HEAD + EACH + "while A[i] + A[0] + A[0] + A[0]\n + A[0] + A[0] + A[0] + A[0] + A[0] > 0 do A[i] := 0 end end\n",
        "5:33",
        "`while` inside `parallel` needs `atmost`: write `while ... atmost B do`, with B rounds enough for every processor; only the "
        "modes CRCW find by themselves when all are done",
    ),
    (HEAD + "s := A[1, 2]\n", "5:6", "`A` takes 1 subscript, not 2"),
    ("program t\nshared B[4], s\ns := B[4]\n", "3:8", "index 4 is outside `B` (0 .. 3)"),
]


@pytest.mark.parametrize("lesson", [pytest.param(x, id=f"{x.number:02d}") for x in IN_THE_TEXT])
def test_lessons(lesson: Lesson) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(lesson.program, "t.pram")
    assert str(caught.value) == rendered(lesson.program, lesson.place, lesson.message).replace("\u00a0", "\ufffd")


@pytest.mark.parametrize(("text", "place", "message"), numbered([*SYNTAX, *FORMS]))
def test_syntax(text: str, place: str, message: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(text, "t.pram")
    assert str(caught.value) == rendered(text, place, message)


@pytest.mark.parametrize(("text", "place", "message"), numbered(MEANING))
def test_meaning(text: str, place: str, message: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(text, "t.pram")
    assert str(caught.value) == rendered(text, place, message)


def test_all_that_is_wrong_is_reported_in_the_order_of_the_text() -> None:
    text = HEAD + "x := 1\nlocal n := 3\ns := q + (s / 2) + A\n"
    with pytest.raises(PramError) as caught:
        parse_program(text, "t.pram")
    assert str(caught.value).splitlines()[::3] == [
        "t.pram:5:1: error: undeclared name `x`; to make a new local, write `local x := ...`",
        "t.pram:6:7: error: `n` is declared twice; first at 2:7 (no name hides another)",
        "t.pram:7:6: error: undeclared name `q`",
        "t.pram:7:20: error: `A` is an array and needs 1 subscript",
    ]


def test_of_many_errors_the_first_hundred_are_shown() -> None:
    with pytest.raises(PramError) as caught:
        parse_program(HEAD + "s := q\n" * 500, "t.pram")
    lines = str(caught.value).splitlines()
    assert lines[-4:] == ["t.pram:104:6: error: undeclared name `q`", "  s := q", "       ^", "... and 400 more"]
    assert len(lines) == 301 and len(caught.value.diagnostics) == 500


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s := " + "(" * 100_000 + "1" + ")" * 100_000, "5:262"),
        ("if n > 1 then " * 100_000, "5:3585"),
        ("s := " + "not " * 100_000 + "n == 1", "5:1022"),
        ("if n == 0 then\n" + "elif n == 1 then\n" * 1000 + "end", "258:6"),
    ],
    ids=("parentheses", "blocks", "not", "elif"),
)
def test_deep_nesting_is_refused(text: str, place: str) -> None:
    with pytest.raises(PramError, match=f"^t.pram:{place}: error: nesting deeper than 256 is refused"):
        parse_program(HEAD + text, "t.pram")


@pytest.mark.parametrize(
    ("line", "excerpt"),
    [
        ("\ts :=\t?", "  \ts :=\t?\n  \t    \t^"),
        ("s := \x1b[31m", "  s := \ufffd[31m\n       ^"),
        ("s := " + "1 + " * 30 + "?" + " + 1" * 30, "  + " + "1 + " * 12 + "?" + " + 1" * 12 + " \n  " + " " * 50 + "^"),
    ],
    ids=("tabs", "control characters", "long line"),
)
def test_excerpts_show_the_place(line: str, excerpt: str) -> None:
    with pytest.raises(PramError) as caught:
        parse_program(HEAD + line, "t.pram")
    assert str(caught.value).split("\n", 1)[1] == excerpt


FILES = [
    (
        b"program t\nparam n # caf\xe9\n",
        "t.pram:2:14: error: not UTF-8 text: 0xe9 at byte 24\n  param n # caf\ufffd\n               ^",
    ),
    (b"", "t.pram:1:1: error: there is no program here; one starts with `program NAME`"),
    (
        b"program t\r\nx := 1\r\n",
        "t.pram:2:1: error: undeclared name `x`; to make a new local, write `local x := ...`\n  x := 1\n  ^",
    ),
    (
        b"program t # one\rx := 1\r",
        "t.pram:2:1: error: undeclared name `x`; to make a new local, write `local x := ...`\n  x := 1\n  ^",
    ),
]


@pytest.mark.parametrize(("data", "message"), FILES)
def test_files_with_errors(data: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.pram").write_bytes(data)
    with pytest.raises(PramError) as caught:
        load("t.pram")
    assert str(caught.value) == message


def test_files_that_are_none(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "this is a directory, not a file"), (tmp_path / "no.pram", "no such file")):
        with pytest.raises(PramError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: error: {message}"


def test_byte_order_mark_and_line_ends_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "t.pram").write_bytes(b"\xef\xbb\xbfprogram t\r\nprocs 3\r\n")
    assert load(tmp_path / "t.pram").instantiate({}).processors == 3


def test_a_power_that_is_none_is_a_warning() -> None:
    found = parse_program(HEAD + "s := 2 ^ n\nA[0] := 3 ^ n\n", "t.pram").analysis.warnings
    assert [str(w.span) for w in found] == ["Span(line=5, column=8)"]
    assert found[0].render().startswith("t.pram:5:8: warning: `2 ^ n` is an exclusive or; `1 << r` is 2 to the r\n")
