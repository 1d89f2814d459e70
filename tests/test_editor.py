"""The editor: random scripts against lists, every short script, closed forms with equality, and scripts that are wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from kit.commands import FINE, REFUTED, WRONG, Do

from lockstep.models.decode import Decoder
from lockstep.models.engines import available
from lockstep.models.sampling import Sampling
from lockstep.models.tokens import MASK
from lockstep.proofs_check.certificate import certify
from lockstep.tasks import editor as module
from lockstep.tasks.editor import DELETE, INSERT, LETTER, REPLACE, SEP, Edit, Editor, editor, emitted_again, written

Drawn = tuple[list[Edit], list[int]]


def plain(script: list[Edit], text: list[int]) -> list[int]:
    """What a script leaves of a list."""
    left = list(text)
    for edit in script:
        if edit.command == "INSERT":
            left.insert(edit.place, edit.letter)
        elif edit.command == "DELETE":
            del left[edit.place - 1]
        else:
            left[edit.place - 1] = edit.letter
    return left


def draw(rng: random.Random, letters: int = 4, longest: int = 40) -> Drawn:
    """Up to 19 commands on a text of up to 14 letters, which grows up to 40."""
    text = [rng.randrange(letters) for _ in range(rng.randrange(15))]
    script, length = list[Edit](), len(text)
    for _ in range(rng.randrange(20)):
        command = rng.choice((INSERT, DELETE, REPLACE))
        if command == INSERT and length < longest:
            script.append(Edit(INSERT, rng.randint(0, length), rng.randrange(letters)))
            length += 1
        elif command != INSERT and length:
            script.append(Edit(command, rng.randint(1, length), rng.randrange(letters) if command == REPLACE else 0))
            length -= command == DELETE
    return script, text


def short_scripts() -> Iterator[Drawn]:
    """Every command on the texts of up to two letters, two letters to choose from; and each followed by one of each kind."""
    for length in range(3):
        text = [place % 2 for place in range(length)]
        singles = [Edit(INSERT, place, letter) for place in range(length + 1) for letter in range(2)]
        singles += [Edit(DELETE, place) for place in range(1, length + 1)]
        singles += [Edit(REPLACE, place, letter) for place in range(1, length + 1) for letter in range(2)]
        yield [], text
        for first in singles:
            left = length + (first.command == INSERT) - (first.command == DELETE)
            yield [first], text
            yield [first, Edit(INSERT, left, 1)], text
            if left:
                yield [first, Edit(REPLACE, left, 1), Edit(DELETE, 1)], text


@cache
def small() -> Editor:
    return editor(6, 2, 7)


def edited(task: Editor, drawn: Drawn, engine: str) -> tuple[list[int] | None, int, int, str]:
    """The text that is left, decoding steps, longest context and engine. A decode that goes on for too long is cut off."""
    tokens = task.start(*drawn)
    decoder = Decoder(task.model(), tokens, task.positions(len(tokens) + 1), "ap-mdm", Sampling(engine=engine))
    lengths = [len(tokens), *islice(decoder.contexts(), 3 * len(drawn[0]) + 3)]
    return task.text(decoder.sequence.tokens), len(lengths) - 1, max(lengths), decoder.engine


def right(script: list[Edit], text: list[int]) -> tuple[list[int], int, int]:
    """What lists leave, three steps a command, and a context of the start and one more where the first command inserts."""
    longer = 1 if script and script[0].command == "INSERT" else 0
    return plain(script, text), 3 * len(script), 2 + len(script) + len(text) + longer


def test_three_hundred_random_scripts() -> None:
    rng = random.Random(1)
    for _ in range(300):
        drawn = draw(rng)
        assert edited(small(), drawn, available()[-1])[:3] == right(*drawn), drawn


@pytest.mark.parametrize("engine", available())
def test_every_engine(engine: str) -> None:
    rng = random.Random(2)
    for _ in range(4):
        drawn = draw(rng)
        assert edited(small(), drawn, engine) == (*right(*drawn), engine), drawn


def test_every_short_script() -> None:
    count = 0
    for drawn in short_scripts():
        assert edited(small(), drawn, "dense")[:3] == right(*drawn), drawn
        count += 1
    assert count > 60


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_is_certified(dtype: str) -> None:
    task = editor(9, 5, 10)
    model = task.model(dtype)
    assert certify(model, task.circuit).holds and len(model.layers) == 2
    assert [len(layer.lookups) for layer in task.circuit.layers] == [2, 1]


def test_what_is_not_finished_is_no_text() -> None:
    task = small()
    assert task.text(task.start([Edit(DELETE, 1)], [1])) is None and task.text(task.start([], [1, 0])) == [1, 0]
    with pytest.raises(ValueError, match="129 positions do not fit 7 index bits"):
        task.positions(129)


def test_closed_forms_are_those_of_the_decode() -> None:
    rng = random.Random(3)
    for _ in range(50):
        script, text = draw(rng)
        assert (module.steps(script), module.context(script, len(text))) == right(script, text)[1:]


def test_what_is_emitted_again_has_moved_or_is_new() -> None:
    """Letters are told apart by who they are: those that stand elsewhere after an edit, and the new one."""
    for length in range(6):
        for edit in [Edit(INSERT, p) for p in range(length + 1)] + [
            Edit(c, p) for c in (DELETE, REPLACE) for p in range(1, length + 1)
        ]:
            before = [object() for _ in range(length)]
            after: list[object] = list(before)
            match edit.command:
                case "INSERT":
                    after.insert(edit.place, object())
                case "DELETE":
                    del after[edit.place - 1]
                case _:
                    after[edit.place - 1] = object()
            moved = sum(place >= length or letter is not before[place] for place, letter in enumerate(after))
            assert emitted_again(edit, length) == moved, (edit, length)
            assert written(edit) == sum(all(letter is not old for old in before) for letter in after)


# -- the picture in the documents ---------------------------------------------------------------------


def shown(task: Editor, tokens: list[int], alphabet: str) -> str:
    """A sequence as docs/tasks.md draws it."""
    signs = []
    for token in tokens:
        kind, value = task.circuit.vocabulary.split(token)
        place, letter = value >> task.letter_bits, alphabet[value & (1 << task.letter_bits) - 1]
        own = {"BOS": "BOS", MASK: "_", SEP: "SEP", LETTER: letter, DELETE: f"[{kind.lower()} {place}]"}
        signs.append(own.get(kind, f"[{kind.lower()} {place} {letter}]"))
    return " ".join(signs)


def test_the_picture_of_a_decode() -> None:
    """The block in the section on the editor is a decode, step by step."""
    task, alphabet = editor(3, 3, 4), "achit"
    script = [Edit(INSERT, 1, alphabet.index("h")), Edit(DELETE, 4), Edit(REPLACE, 3, alphabet.index("i"))]
    tokens = task.start(script, [alphabet.index(letter) for letter in "cat"])
    lines = [shown(task, tokens.tolist(), alphabet)]
    for step in Decoder(task.model(), tokens, task.positions(len(tokens) + 1), "ap-mdm"):
        lines.append(shown(task, step.tokens.tolist(), alphabet))
    block = "\n".join(f"{number:>2}  {line}" for number, line in enumerate(lines))
    assert block in (Path(__file__).parent.parent / "docs" / "tasks.md").read_text(), block


# -- the command --------------------------------------------------------------------------------------

SCRIPT = "text hello world\n# exclaim\n\ninsert 11 !\ndelete 1\ninsert 0 J\nreplace 6 ' '\n"


def test_the_command(alone: Do) -> None:
    Path("edits.txt").write_text(SCRIPT)
    outcome = alone("task editor edits.txt --json")
    found = json.loads(outcome.out)
    assert outcome.status == FINE and found["holds"]
    assert (found["text"], found["decoding_steps"], found["context"]) == ("Jello world!", 12, 18)
    assert (found["letters_written"], found["an_ARM_logs"]) == (
        "3: insert 2, delete 0, replace 1", "25: insert 13, delete 11, replace 1",
    )  # fmt: skip
    assert alone("task editor edits.txt --dtype float32 --engine dense").out.count("equal") == 3
    Path("nothing.txt").write_text("")
    assert json.loads(alone("task editor nothing.txt --json").out)["text"] == ""
    Path("all.txt").write_text("text a\ndelete 1\n")
    assert json.loads(alone("task editor all.txt --json").out)["text"] == ""


def test_a_wrong_answer_ends_with_status_3(alone: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("edits.txt").write_text(SCRIPT)
    monkeypatch.setattr(module, "steps", lambda script: 11)
    assert alone("task editor edits.txt").status == REFUTED


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("insrt 3 x", "1:1: error: there is no command `insrt`; did you mean `insert`?\n  insrt 3 x\n  ^\n"),
        ("move 3", "1:1: error: there is no command `move`; commands are insert, delete, replace\n  move 3\n  ^\n"),
        ("insert 3", "1:9: error: insert takes a place and a letter\n  insert 3\n          ^\n"),
        ("delete 1 2", "1:10: error: delete takes a place, and no more\n  delete 1 2\n           ^\n"),
        ("insert x y", "1:8: error: `x` is no place: a place is a number from 0\n  insert x y\n         ^\n"),
        ("insert -1 y", "1:8: error: `-1` is no place: a place is a number from 0\n  insert -1 y\n         ^\n"),
        ("text a\n\ninsert 1 xy", "3:10: error: `xy` is 2 letters, not one; a blank is written ' '\n  insert 1 xy\n           ^\n"),
        ("text a\ndelete 2", "2:8: error: place 2 is out of range: the text has 1 letter here, so delete takes 1 .. 1\n  delete 2\n"
                             "         ^\n"),
        ("text ab\ninsert 3 c", "2:8: error: place 3 is out of range: the text has 2 letters here, so insert takes 0 .. 2\n"
                                "  insert 3 c\n         ^\n"),
        ("text a\ndelete 1\nreplace 1 b", "3:9: error: place 1 is out of range: the text has 0 letters here, so there is nothing to "
                                          "replace\n  replace 1 b\n          ^\n"),
        ("delete 0", "1:8: error: place 0 is out of range: the text has 0 letters here, so there is nothing to delete\n  delete 0\n"
                     "         ^\n"),
        ("insert 0 a\ntext b", "2:1: error: text comes once, before all commands\n  text b\n  ^\n"),
    ],
)  # fmt: skip
def test_wrong_scripts_are_refused_with_their_place(script: str, says: str, alone: Do) -> None:
    Path("s.txt").write_text(script)
    outcome = alone("task editor s.txt")
    assert (outcome.status, outcome.out, outcome.err) == (WRONG, "", f"s.txt:{says}")


def test_files_that_are_no_scripts_are_refused(alone: Do) -> None:
    Path("bytes.txt").write_bytes(b"text \xff\n")
    for name, says in (("bytes.txt", "bytes.txt:1:6: error: not UTF-8 text"), ("none.txt", "none.txt: error: no such file")):
        outcome = alone(f"task editor {name}")
        assert (outcome.status, outcome.out) == (WRONG, "") and outcome.err.startswith(says)


def test_a_long_text() -> None:
    """A thousand letters, edited at both ends and between."""
    rng = np.random.default_rng(5)
    text = rng.integers(0, 4, 1000).tolist()
    script = [Edit(INSERT, 0, 3), Edit(DELETE, 1001), Edit(REPLACE, 500, 2), Edit(INSERT, 1000, 1), Edit(DELETE, 1)]
    assert edited(editor(10, 2, 11), (script, text), available()[-1])[:3] == right(script, text)
