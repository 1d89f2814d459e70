"""What an input file says, and errors that name their place in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockstep.pram import json_places
from lockstep.pram.access import MODES
from lockstep.pram.errors import InputError, Source
from lockstep.pram.inputs import InputFile, read_input_file, wrong
from lockstep.pram.program import Program, read_text
from lockstep.pram.winner import Winner


@contextmanager
def reading(path: Path | None) -> Iterator[InputFile | None]:
    """What an input file holds; errors in them that the body raises get their place in the file.

    Raises: PramError: it cannot be read, or is not an input file.
    """
    if path is None:
        yield None
        return
    text = read_text(path)
    with placing(Source(str(path), text)):
        yield read_input_file(text, path)


@contextmanager
def placing(source: Source | None) -> Iterator[None]:
    """Errors in an input that the body raises get their place in its text, if it has one."""
    try:
        yield
    except InputError as error:
        if source is None:
            raise
        raise error.placed(source, json_places.find(source.text, error.path)) from None


def winner_given(program: Program, given: InputFile | None) -> Winner | None:
    """The winner that an input file names; None if it names none.

    Raises: InputError: the program's mode leaves no winner open.
    """
    if given is None or given.winner is None:
        return None
    mode = program.symbols.mode
    if not MODES[mode].winner_open:
        raise wrong(f'"winner": mode {mode} leaves no winner open; take it out of the file', "winner")
    return given.winner


def check_winner(given: InputFile, of_model: Winner | None) -> None:
    """A model that was compiled for a winner has no other one.

    Raises: InputError: the input file names another.
    """
    if of_model is not None and given.winner is not None and given.winner != of_model:
        raise wrong(f'"winner": this model was compiled for the winner {of_model}', "winner")
