"""What a student sees: thirty kinds of mistakes, in order, each with the whole text that the command line prints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from kit.commands import FINE, WRONG, Do
from test_errors import rendered

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"


class Lesson(NamedTuple):
    """A mistake: its number, the program, LINE:COL and the message; the input file, in which the mistake is if `where` says so."""

    number: int
    program: str
    place: str
    message: str
    inputs: str = '{"params": {"n": 3}, "arrays": {"A": [1, 2, 3]}}'
    where: str = "t.pram"
    flags: str = ""


HEAD = "program t\nmode EREW\nparam n\nword 8\nprocs n\nshared A[n] : inout, s : output\n\n"
EACH = "parallel for i in 0 .. n - 1 do\n"
CREW, COMMON = HEAD.replace("EREW", "CREW"), HEAD.replace("EREW", "CRCW common")


def given(n: str = "3", a: str = "[1, 2, 3]", more_params: str = "", more: str = "") -> str:
    return f'{{"params": {{"n": {n}{more_params}}}, "arrays": {{"A": {a}{more}}}}}'


def wrong_input(number: int, column: int, message: str, inputs: str, program: str = HEAD) -> Lesson:
    return Lesson(number, program, f"1:{column}", message, inputs, "in.json")


DISAGREE = "code outside `parallel` runs on all processors"
LESSONS = [
    # 1 missing `end`
    Lesson(1, HEAD + EACH + "  A[i] := 0\n", "8:1", "missing `end`: `parallel` opened here is never closed"),
    Lesson(1, HEAD + EACH + "  if A[i] > 1 then\n    A[i] := 0\nend\n", "9:3",
           "missing `end`: by its indentation, `if` opened here is never closed"),
    Lesson(1, HEAD + "if n > 2 then halt else if n > 1 then halt end\n", "8:25",
           "missing `end`: `if` after `else` needs one of its own; or write `elif`"),
    # 2 a misspelt word
    Lesson(2, HEAD + "parrallel for i in 0 .. n - 1 do\n  A[i] := 0\nend\n", "8:1", "unknown word `parrallel`; did you mean `parallel`?"),
    Lesson(2, HEAD + EACH + "  A[i] := 0\nendif\n", "10:1", "unknown word `endif`; did you mean `end`?"),
    # 3 characters from elsewhere
    Lesson(3, HEAD + "local m := n\nwhile m ≤ 3 do m := m + 1 end\n", "9:9",
           "unexpected character '≤' (LESS-THAN OR EQUAL TO); write `<=`"),
    Lesson(3, HEAD + "single do s := а + 1 end\n", "8:16",
           "unexpected character 'а' (CYRILLIC SMALL LETTER A); write `a`, a Latin letter"),
    Lesson(3, HEAD + "local größe := 1\n", "8:9",
           "unexpected character 'ö' (LATIN SMALL LETTER O WITH DIAERESIS); names are written in ASCII letters, digits and `_`"),
    Lesson(3, HEAD + "local\u00a0m := 1\n", "8:6", "unexpected character '\\xa0' (NO-BREAK SPACE); write a plain space"),
    Lesson(3, HEAD + "local m := ２\n", "8:12", "unexpected character '２' (FULLWIDTH DIGIT TWO); write `2`"),
    # 4 undeclared name
    Lesson(4, HEAD + "local count := 1\nsingle do s := cuont end\n", "9:16", "undeclared name `cuont`; did you mean `count`?"),
    Lesson(4, HEAD + "m := 1\n", "8:1", "undeclared name `m`; a new local is made by `local m := ...`"),
    # 5 duplicate name
    Lesson(5, HEAD + "local n := 1\n", "8:7", "`n` is declared twice; first at 3:7 (no name hides another)"),
    # 6 no processors
    Lesson(6, "program t\nparam n, k = n / 4\nprocs k\n", "3:7",
           "procs is 0 (with n = 3, k = 0); a machine has at least one processor", '{"params": {"n": 3}}'),
    Lesson(6, "program t\nparam n\nprocs n - 5\n", "3:9", "procs is -2 (with n = 3); a machine has at least one processor",
           '{"params": {"n": 3}}'),
    # 7 parameters
    wrong_input(7, 12, "missing parameter `n`", '{"params": {}, "arrays": {"A": [1, 2, 3]}}'),
    wrong_input(7, 21, "this program has no parameter `m`; its parameters are n", given(more_params=', "m": 4')),
    wrong_input(7, 18, "parameter `n` must be an integer, not 2.5", given("2.5")),
    wrong_input(7, 18, 'parameter `n` must be an integer, not "3"', given('"3"')),
    # 8 access modes
    Lesson(8, HEAD.replace("EREW", "CRWC"), "2:6",
           "unknown access mode `CRWC`; did you mean `CRCW common`, `CRCW arbitrary` or `CRCW priority`?"),
    Lesson(8, HEAD.replace("EREW", "CRCW"), "2:6", "CRCW needs a write rule: `CRCW common`, `CRCW arbitrary` or `CRCW priority`"),
    # 9 division of words
    Lesson(9, HEAD + "single do s := A[0] / 2 end\n", "8:21", "`/` works on parameters only; on words `>>` divides by a power of two"),
    # 10 parallel inside parallel
    Lesson(10, HEAD + EACH + "  parallel for j in 0 .. 1 do A[i] := j end\nend\n", "9:3",
           "`parallel` cannot stand inside `parallel`: there is one level of processors; two ranges, `i in .., j in ..`, deal out pairs"),
    # 11 while inside parallel
    Lesson(11, HEAD + EACH + "  while A[i] > 0 do A[i] := A[i] - 1 end\nend\n", "9:3",
           "`while` cannot stand inside `parallel`: idle processors could not follow it; "
           "put it around the `parallel`, or loop with `for`"),
    # 12 loop bounds
    Lesson(12, HEAD + "local x := 2\nlocal y := 0\nx := pid\nfor j in 0 .. x do y := j end\n", "11:15",
           "loop bound differs per processor: `x`, from line 10, is not the same on all"),
    Lesson(12, HEAD + EACH + "  for j in 0 .. A[i] do A[i] := j end\nend\n", "9:17",
           "a loop bound here cannot read shared memory: idle processors run the loop too"),
    Lesson(12, HEAD + "local x := pid\nparallel for i in 0 .. x do A[i] := 0 end\n", "9:24",
           "the range of a `parallel for` differs per processor: `x`, from line 8, is not the same on all"),
    # 13 constant index
    Lesson(13, "program t\nshared B[4], s : output\n\nsingle do s := B[4] end\n", "4:18", "index 4 is outside `B` (0 .. 3)", ""),
    # 14 subscripts
    Lesson(14, HEAD + "single do s := A[0, 1] end\n", "8:16", "`A` takes 1 subscript, not 2"),
    # 15 inputs that do not fit
    wrong_input(15, 38, "input `A` is too long: length 4, not 3", given(a="[1, 2, 3, 4]")),
    wrong_input(15, 38, "input `A` is too short: length 2, not 3", given(a="[1, 2]")),
    wrong_input(15, 32, "missing input array `A`", '{"params": {"n": 3}, "arrays": {}}'),
    wrong_input(15, 49, "array `B` is not an input of this program; its inputs are A", given(more=', "B": [1]')),
    # 16 values that are no words
    wrong_input(16, 45, "A[2] = -1 is not a word: words are integers from 0", given(a="[1, 2, -1]")),
    wrong_input(16, 45, "A[2] = 1.5 is not an integer", given(a="[1, 2, 1.5]")),
    wrong_input(16, 45, "A[2] = null is not an integer", given(a="[1, 2, null]")),
    wrong_input(16, 45, "A[2] = 300 does not fit a word of 8 bits", given(a="[1, 2, 300]")),
    wrong_input(16, 45, "A[2] = 10 is outside its declared range 0 .. 9", given(a="[1, 2, 10]"),
                HEAD.replace("inout", "inout in 0 .. 9")),
    # 17 far too large
    Lesson(17, HEAD, "5:7", "procs is 1000000000 (with n = 1000000000); the limit is 16777216", given("1000000000")),
    Lesson(17, HEAD.replace("procs n\n", ""), "5:10",
           "array `A` has extent 1000000000 (with n = 1000000000); it must be in 0 .. 16777216", given("1000000000")),
    # 18 index out of range in a run
    Lesson(18, HEAD + EACH + "  A[i] := A[i + 1]\nend\n", "9:11", "step 5: processor 2: index 3 is outside `A` (0 .. 2)"),
    # 19 concurrent read under EREW
    Lesson(19, HEAD + EACH + "  A[i] := A[0]\nend\n", "9:11", "step 4: processors 0 and 2 read A[0] (mode EREW)"),
    # 20 shared read by all under EREW
    Lesson(20, HEAD + "local x := A[0]\n", "8:12",
           f"step 1: processors 0 and 2 read A[0] (mode EREW); {DISAGREE}: CREW lets them read one cell, EREW takes a copy for each"),
    # 21 concurrent write under CREW
    Lesson(21, CREW + EACH + "  s := A[i]\nend\n", "9:3", "step 5: processors 0 and 2 write s (mode CREW)"),
    Lesson(21, CREW + "s := 1\n", "8:1",
           f"step 1: processors 0 and 2 write s (mode CREW); {DISAGREE}: `single do ... end` is run by one"),
    # 22 different values under common
    Lesson(22, COMMON + EACH + "  s := A[i]\nend\n", "9:3",
           "step 5: processors 0 and 2 write different values, 1 and 3, to s (mode CRCW common)"),
    # 23 overflow and underflow
    Lesson(23, HEAD + EACH + "  A[i] := A[i] * 100\nend\n", "9:16",
           "step 5: processor 2: overflow: 3 * 100 does not fit a word of 8 bits"),
    Lesson(23, HEAD + EACH + "  A[i] := A[i] - 2\nend\n", "9:16", "step 5: processor 0: underflow: 1 - 2 is negative"),
    # 24 shifts
    Lesson(24, HEAD + EACH + "  A[i] := A[i] >> 8\nend\n", "9:16", "step 5: processor 0: shift by 8 in words of 8 bits: 1 >> 8"),
    # 25 no end
    Lesson(25, HEAD + "local m := n\nwhile m > 0 do\n  for j in 0 .. 4 do m := m + j - j end\nend\n", "9:1",
           "step 1000: no halt within 1000 steps (--max-steps sets the limit): "
           "it was in round 28 of this `while`, round 5 of the `for` of line 10", flags="--max-steps 1000"),
    # 26 more items than processors
    Lesson(26, HEAD + "parallel for i in 0 .. n do\n  A[i] := 0\nend\n", "8:14",
           "step 2: 4 processors are needed for these items, but procs is 3"),
    # 27 processors disagree
    Lesson(27, HEAD + "while A[pid] > 1 do A[pid] := 0 end\n", "8:1",
           "step 3: processors 0 and 1 disagree on this `while` condition: 0 and 1"),
    # 28 reading what nothing has written
    Lesson(28, HEAD.replace("inout, ", "inout, B[n], ") + EACH + "  A[i] := B[i]\nend\n", "9:11",
           "step 4: processor 0 reads B[0], which nothing has written (it holds 0)", flags="--strict"),
    # 29 files that are no programs; more of them below
    Lesson(29, "", "1:1", "there is no program here; one starts with `program NAME`"),
    Lesson(29, "# all comment\n", "1:1", "there is no program here; one starts with `program NAME`"),
]  # fmt: skip


def written(lesson: Lesson) -> str:
    """The command line for a lesson, whose files are written here."""
    Path("t.pram").write_text(lesson.program)
    Path("in.json").write_text(lesson.inputs)
    return " ".join(["run t.pram", *["--input in.json"] * bool(lesson.inputs), *lesson.flags.split()])


@pytest.mark.parametrize("lesson", [pytest.param(x, id=f"{x.number:02d}") for x in LESSONS])
def test_lessons(lesson: Lesson, do: Do) -> None:
    text = lesson.inputs if lesson.where == "in.json" else lesson.program
    expected = rendered(text, lesson.place, lesson.message, lesson.where).replace("\u00a0", "\ufffd") + "\n"
    if lesson.program.startswith("#"):
        expected = "t.pram:1:1: error: there is no program here; one starts with `program NAME`\n  # all comment\n  ^\n"
    assert do(written(lesson)) == (WRONG, "", expected)


def test_28_is_a_warning_unless_strict(do: Do) -> None:
    (lesson,) = (x for x in LESSONS if x.number == 28)
    outcome = do(written(lesson._replace(flags="")))
    assert outcome.status == FINE and "[0, 0, 0]" in outcome.out
    assert outcome.err == rendered(lesson.program, lesson.place, lesson.message).replace("error", "warning") + "\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (HEAD.encode() + b"# caf\xe9\n", "t.pram:8:6: error: not UTF-8 text: 0xe9 at byte 82\n  # caf\ufffd\n       ^\n"),
        (b"\xb0" + bytes(7) + b'{"__metadata__":{}}', "t.pram: error: this is a model file, not a program or another text\n"),
        (HEAD.encode("utf-16"), "t.pram:1:1: error: not UTF-8 text: 0xff at byte 1; it looks like UTF-16: save it as UTF-8"),
    ],
)
def test_29_files_that_are_not_utf_8(data: bytes, message: str, do: Do) -> None:
    Path("t.pram").write_bytes(data)
    outcome = do("run t.pram --size 1")
    assert outcome.status == WRONG and outcome.err.startswith(message)


@pytest.mark.parametrize("weights", [b"", bytes(64), b"\xff" * 9])
def test_29_a_model_file_is_called_one_in_a_line(weights: bytes, do: Do) -> None:
    """Also one that could be read as UTF-8."""
    Path("t.pram").write_bytes(bytes([20, *bytes(7)]) + b'{"__metadata__":{}}\n' + weights)
    assert do("run t.pram --size 1") == (WRONG, "", "t.pram: error: this is a model file, not a program or another text\n")


@pytest.mark.parametrize("text", ['{"params": {}}', "[1, 2]", "17", '# note\n"program"', "- x", "(1)"])
def test_29_what_does_not_begin_with_a_word_is_no_program(text: str, do: Do) -> None:
    Path("t.pram").write_text(text)
    line = text.count("\n") + 1
    message = f"t.pram:{line}:1: error: there is no program here; one starts with `program NAME`\n"
    assert do("run t.pram --size 1").err.startswith(message)


def test_29_directories_and_files_that_are_not_there(do: Do) -> None:
    Path("d.pram").mkdir()
    assert do("run d.pram --size 1") == (WRONG, "", "d.pram: error: this is a directory, not a file\n")
    assert do("run no.pram --size 1") == (WRONG, "", "no.pram: error: no such file\n")


def test_29_a_byte_order_mark_and_windows_line_ends_are_fine(do: Do) -> None:
    Path("t.pram").write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert do("run t.pram --size 2").status == FINE


def test_30_a_hundred_thousand_parentheses(do: Do) -> None:
    Path("t.pram").write_text(HEAD + "local x := " + "(" * 100_000 + "1" + ")" * 100_000)
    expected = "t.pram:8:268: error: nesting deeper than 256 is refused\n  " + "(" * 100 + "\n  " + " " * 50 + "^\n"
    assert do("run t.pram --size 1") == (WRONG, "", expected)


def test_every_number_is_there_in_order() -> None:
    numbers = [lesson.number for lesson in LESSONS]
    assert numbers == sorted(numbers) and set(numbers) == set(range(1, 30))


def test_all_that_is_wrong_is_reported(do: Do) -> None:
    program = HEAD + "m := 1\nlocal n := 2\n" + EACH + "  A[i] := q / 2\n  while A[i, 0] > 1 do A[i] := 0 end\nend\n"
    outcome = do(written(Lesson(0, program, "", "")))
    assert outcome.status == WRONG
    assert [line.split(": ")[0] for line in outcome.err.splitlines()[::3]] == [
        f"t.pram:{place}" for place in ("8:1", "9:7", "11:11", "11:13", "12:3", "12:9")
    ]


def sections() -> list[tuple[int, str]]:
    """The numbered sections of the document."""
    parts = re.split(r"^## (\d+)\. ", DOCUMENT.read_text(), flags=re.MULTILINE)
    return [(int(number), body) for number, body in zip(parts[1::2], parts[2::2])]


def test_the_document_has_every_number() -> None:
    assert [number for number, _ in sections()] == list(range(1, 31))


def block(text: str, language: str) -> str:
    """The first fenced block of a language, or nothing."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return next((content for name, content in blocks if name == language), "")


@pytest.mark.parametrize(("number", "body"), [pytest.param(*s, id=f"{s[0]:02d}") for s in sections()])
def test_the_document_shows_what_is_printed(number: int, body: str, do: Do) -> None:
    """Programs without a head have that of the introduction; inputs that are not shown are its."""
    introduction = DOCUMENT.read_text().split("\n## 1. ")[0]
    program = block(body, "pram")
    if not program.startswith(("program", "#")):
        program = block(introduction, "pram") + program
    inputs = block(body, "json") or block(introduction, "json")
    command, printed = block(body, "").removeprefix("$ lockstep ").split("\n", 1)
    Path("t.pram").write_text(program.replace("((...", "(" * 100_000))
    Path("in.json").write_text(inputs)
    json.loads(inputs)
    assert do(command) == (WRONG, "", printed)
