"""`lockstep task editor`: carries out a script of insertions, deletions and replacements on a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lockstep.commands.task.proving import for_decodes_only, prove_task, require
from lockstep.commands.task.solved import Solved, decode_task
from lockstep.commands.task.telling import JobFile, PageFile, Told, Trace
from lockstep.common.options import Dtype, Engine, Json
from lockstep.pram.errors import PramError, Source, Span, did_you_mean, fail
from lockstep.pram.texts import read_text

if TYPE_CHECKING:
    from lockstep.tasks.editor import Edit

#: The commands of a script, and what each takes.
TAKES = {"insert": "a place and a letter", "delete": "a place", "replace": "a place and a letter"}
TEXT = "text"
#: The proof goes through all ranks, places of SEP and places of commands: three times as many bits. Letters are proved bit by bit.
MOST_PROVED, LETTER_BITS = 8, 7


def editor(script: Annotated[Optional[Path], typer.Argument(help="A script: lines such as `text abc`, `insert 3 x`, `delete 2`, `replace "
                                                            "1 y`.", show_default=False)] = None,
           trace: Trace = False, page: PageFile = None, export: JobFile = None,
           prove: Annotated[Optional[int], typer.Option("--prove", min=2, max=MOST_PROVED, show_default=False, help="Prove what each row "
                                                        "does, in sequences of up to 2^BITS tokens.", metavar="BITS")] = None,
           engine: Engine = "auto", dtype: Dtype = "float64", json_: Json = False) -> None:  # fmt: skip
    """Edit a text by a script, in 3 decoding steps a command."""
    if prove is not None:
        for_decodes_only({"SCRIPT": script, "--trace": trace, "--page": page, "--export": export})
        return _prove(prove, dtype, json_)
    require(script, "SCRIPT")
    assert script is not None
    text, commands = Script(Source(str(script), read_text(script))).parse()
    from lockstep.tasks.editor import Edit, context, picture_of, steps
    from lockstep.tasks.editor import editor as build

    alphabet = sorted({*text, *(command.letter for command in commands)} - {""})
    number = {letter: place for place, letter in enumerate(alphabet)}
    edits = [Edit(c.name.upper(), c.place, number.get(c.letter, 0)) for c in commands]
    longest = max(3, context(edits, len(text)))
    task = build(max(1, len(text) + len(commands)).bit_length(), max(1, (len(alphabet) - 1).bit_length()), longest.bit_length())
    tokens = task.start(edits, [number[letter] for letter in text])
    decoding, seconds = decode_task(task, tokens, engine, dtype, longest)
    left = task.text(decoding.tokens)
    solved = Solved(
        title=f"{len(edits):,} edits of a text of {len(text):,} letters, in {dtype}",
        answer={"text": "not finished" if left is None else "".join(alphabet[letter] for letter in left)},
        measured={"decoding_steps": decoding.steps, "context": decoding.peak_context, "engine": decoding.engine,
                  **emitted(edits, len(text))},
        expected={"text": edited(text, commands), "decoding_steps": steps(edits), "context": context(edits, len(text))},
        seconds=seconds,
        reported="",
        notes=("An ARM cannot move tokens: it logs each letter that stands elsewhere after an edit.",),
        forms={"decoding_steps": "3 commands", "context": "2 + commands + letters + [the first command inserts]"},
    )  # fmt: skip
    Told(trace, page, export).finish(solved, json_, task, tokens, longest, picture_of(task, alphabet), decoding, dtype)


def _prove(bits: int, dtype: str, json_: bool) -> None:
    from lockstep.proofs_check.tasks.editor_rules import editor_rules
    from lockstep.tasks.editor import editor as build

    task, rules = build(bits, LETTER_BITS, bits), editor_rules(bits, LETTER_BITS, 1 << bits)
    prove_task(f"editor, {1 << LETTER_BITS} letters", task, rules, dtype, json_)


def emitted(edits: Sequence[Edit], length: int) -> dict[str, str]:
    """The letters that this model writes, and those that an ARM logs, by kind of edit. length: of the text at the start."""
    from lockstep.tasks.editor import COMMANDS, DELETE, INSERT, emitted_again, written

    ours, theirs = dict.fromkeys(COMMANDS, 0), dict.fromkeys(COMMANDS, 0)
    for edit in edits:
        ours[edit.command] += written(edit)
        theirs[edit.command] += emitted_again(edit, length)
        length += (edit.command == INSERT) - (edit.command == DELETE)
    return {
        name: f"{sum(counts.values()):,}: " + ", ".join(f"{kind.lower()} {count:,}" for kind, count in counts.items())
        for name, counts in (("letters_written", ours), ("an_ARM_logs", theirs))
    }


def edited(text: str, commands: Sequence[Command]) -> str:
    """The text after a script, by a list of letters: what the model is held against."""
    letters = list(text)
    for command in commands:
        match command.name:
            case "insert":
                letters.insert(command.place, command.letter)
            case "delete":
                del letters[command.place - 1]
            case "replace":
                letters[command.place - 1] = command.letter
    return "".join(letters)


@dataclass(frozen=True)
class Command:
    """A line of a script. letter: "" for delete."""

    name: str
    place: int
    letter: str = ""


@dataclass(frozen=True)
class Script:
    """The text of a script. Blank lines and lines that start with # say nothing."""

    source: Source

    def parse(self) -> tuple[str, list[Command]]:
        """Return the text at the start, and the commands.

        Raises: PramError: a line is no command, or its place is out of range. The message has line and column.
        """
        text, commands = "", list[Command]()
        length, started = 0, False
        for number, line in enumerate(self.source.text.split("\n"), 1):
            words = list(re.finditer(r"' '|\S+", line))
            if not words or words[0].group().startswith("#"):
                continue
            if words[0].group() == TEXT:
                if started:
                    raise self._error("text comes once, before all commands", number, words[0].start())
                text = line[words[0].end() + 1 :]
                length = len(text)
            else:
                commands.append(self._command(number, line, words, length))
                length += (commands[-1].name == "insert") - (commands[-1].name == "delete")
            started = True
        return text, commands

    def _command(self, number: int, line: str, words: list[re.Match[str]], length: int) -> Command:
        name, *given = words
        if name.group() not in TAKES:
            known = ", ".join(TAKES)
            hint = did_you_mean(name.group(), [*TAKES, TEXT]) or f"; commands are {known}"
            raise self._error(f"there is no command `{name.group()}`{hint}", number, name.start())
        wanted = 1 + ("letter" in TAKES[name.group()])
        if len(given) < wanted:
            raise self._error(f"{name.group()} takes {TAKES[name.group()]}", number, len(line.rstrip()))
        if len(given) > wanted:
            raise self._error(f"{name.group()} takes {TAKES[name.group()]}, and no more", number, given[wanted].start())
        place = self._place(name.group(), given[0], number, length)
        if wanted == 1:
            return Command(name.group(), place)
        letter = " " if given[1].group() == "' '" else given[1].group()
        if len(letter) != 1:
            raise self._error(f"`{letter}` is {len(letter)} letters, not one; a blank is written ' '", number, given[1].start())
        return Command(name.group(), place, letter)

    def _place(self, name: str, word: re.Match[str], number: int, length: int) -> int:
        """Return the place that a command names, in a text of this length."""
        if not re.fullmatch("[0-9]{1,9}", word.group()):
            raise self._error(f"`{word.group()}` is no place: a place is a number from 0", number, word.start())
        place, least = int(word.group()), 0 if name == "insert" else 1
        if not least <= place <= length:
            has = f"the text has {length:,} letter{'s' * (length != 1)} here"
            takes = f"{name} takes {least} .. {length}" if least <= length else f"there is nothing to {name}"
            raise self._error(f"place {place} is out of range: {has}, so {takes}", number, word.start())
        return place

    def _error(self, message: str, line: int, column: int) -> PramError:
        return fail(message, self.source, Span(line, column + 1))
