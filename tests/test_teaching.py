"""Thirty kinds of mistakes, in order, each with the whole text that the command line prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from kit.commands import FINE, WRONG, Do
from kit.lessons import EACH, HEAD, LESSONS, Lesson, rendered

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"


def written(lesson: Lesson) -> str:
    """Write a lesson's files, and return its command line."""
    Path("t.pram").write_text(lesson.program)
    Path("in.json").write_text(lesson.inputs)
    return " ".join(["run t.pram", *["--input in.json"] * bool(lesson.inputs), *lesson.flags.split()])


@pytest.mark.parametrize("lesson", [pytest.param(x, id=f"{x.number:02d}") for x in LESSONS])
def test_lessons(lesson: Lesson, do: Do) -> None:
    text = lesson.inputs if lesson.where == "in.json" else lesson.program
    expected = rendered(text, lesson.place, lesson.message, lesson.where).replace("\u00a0", "\ufffd") + "\n"
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
    """Also a model file that is valid UTF-8."""
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
    assert numbers == sorted(numbers) and set(numbers) == {*range(1, 30), *range(31, 50)}


def test_all_that_is_wrong_is_reported(do: Do) -> None:
    program = HEAD + "m := 1\nlocal n := 2\n" + EACH + "  A[i] := q / 2\n  while A[i, 0] > 1 do A[i] := 0 end\nend\n"
    outcome = do(written(Lesson(0, program, "", "")))
    assert outcome.status == WRONG
    assert [line.split(": ")[0] for line in outcome.err.splitlines()[::3]] == [
        f"t.pram:{place}" for place in ("8:1", "9:7", "11:11", "12:3", "12:9")
    ]


def sections() -> list[tuple[int, str]]:
    """Return the numbered sections of docs/errors.md."""
    parts = re.split(r"^## (\d+)\. ", DOCUMENT.read_text(), flags=re.MULTILINE)
    return [(int(number), body) for number, body in zip(parts[1::2], parts[2::2])]


def test_the_document_has_every_number() -> None:
    assert [number for number, _ in sections()] == list(range(1, 50))


def block(text: str, language: str) -> str:
    """Return the first fenced block of a language, or ""."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return next((content for name, content in blocks if name == language), "")


@pytest.mark.parametrize(("number", "body"), [pytest.param(*s, id=f"{s[0]:02d}") for s in sections()])
def test_the_document_shows_what_is_printed(number: int, body: str, do: Do) -> None:
    """Add to an example the head and the input of the introduction, if it has none."""
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
