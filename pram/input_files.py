"""Reads input files, and gives errors in them their place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockstep.pram import json_places
from lockstep.pram.access import MODES
from lockstep.pram.completing import completed
from lockstep.pram.contracts.holding import Unmet
from lockstep.pram.errors import InputError, Source
from lockstep.pram.inputs import InputFile, input_error, read_input_file
from lockstep.pram.program import Program
from lockstep.pram.table_files import SUFFIXES, read_table_file
from lockstep.pram.texts import read_text
from lockstep.pram.winner import Winner


@contextmanager
def reading(path: Path | None, program: Program | None = None) -> Iterator[InputFile | None]:
    """Read an input file for the body: JSON, CSV or NumPy's. `program`: with the parameters that follow from the input.

    An InputError that the body raises gets its place in a JSON file, and an Unmet names the file.

    Raises: PramError: the file cannot be read, or is not an input file.
    """
    if path is None:
        yield None
        return
    if path.suffix in SUFFIXES:
        given = read_table_file(path)
        with _naming(path):
            yield completed(program, given) if program else given
        return
    text = read_text(path)
    with placing(Source(str(path), text)), _naming(path):
        given = read_input_file(text, path)
        yield completed(program, given) if program else given


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in the error of an input that is not what the program requires."""
    try:
        yield
    except Unmet as error:
        raise error.of(path.name) from None


@contextmanager
def placing(source: Source | None) -> Iterator[None]:
    """Give an InputError that the body raises its place in the source; with None, leave it as it is."""
    try:
        yield
    except InputError as error:
        if source is None:
            raise
        raise error.with_place(source, json_places.find(source.text, error.path)) from None


def winner_given(program: Program, given: InputFile | None) -> Winner | None:
    """Return the winner that an input file names, or None.

    Raises: InputError: the program's mode leaves no winner open.
    """
    if given is None or given.winner is None:
        return None
    mode = program.symbols.mode
    if not MODES[mode].winner_open:
        raise input_error(f'"winner": mode {mode} leaves no winner open; take it out of the file', "winner")
    return given.winner


def check_winner(given: InputFile, of_model: Winner | None) -> None:
    """Check that an input file does not contradict the winner that a model was compiled for.

    Raises: InputError: it names another winner.
    """
    if of_model is not None and given.winner is not None and given.winner != of_model:
        raise input_error(f'"winner": this model was compiled for the winner {of_model}', "winner")
