"""Parses input files, and checks the values in them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import json_places
from lockstep.pram.errors import Diagnostic, InputError, Key, PramError, Source, Span, fail, shorten
from lockstep.pram.job import Array
from lockstep.pram.winner import Winner, parse_winner

FORM = '{"params": {...}, "arrays": {...}}'
#: The name of an array that its file gives none.
UNNAMED = ""
KEYS = ("params", "arrays", "winner", "expected")


@dataclass(frozen=True)
class InputFile:
    """The contents of an input file.

    winner:   who wins concurrent writes; None if the file does not say.
    expected: the expected outputs by name; None if the file has none.
    source:   the file, for the places of errors; None for an input that was drawn.
    """

    params: dict[str, Any]
    arrays: dict[str, Any]
    winner: Winner | None = None
    expected: dict[str, Any] | None = None
    source: Source | None = field(default=None, repr=False, compare=False)

    @property
    def inputs(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and arrays."""
        return self.params, self.arrays


def plain(value: Any) -> Any:
    """Replace NumPy arrays and numbers, and all else that has `tolist`, by Python's own, also inside dictionaries and lists."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case tuple():
            return tuple(plain(each) for each in value)
    return value.tolist() if hasattr(value, "tolist") else value


def read_array(array: Array, value: Any, signed: bool = False) -> NDArray[np.int64]:
    """Return the words of one input array.

    Args:    value: a number for a scalar, a flat list, a list of rows for two subscripts and so on, or a NumPy array.
    Returns: int64 [array.size].
    Raises:  InputError: a wrong length, or an entry that is not an integer or is negative.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    flat = _flatten(array, value)
    if len(flat) != array.size:
        how = "short" if len(flat) < array.size else "long"
        raise input_error(f"input `{array.name}` is too {how}: length {len(flat)}, not {array.size}", "arrays", array.name)
    for offset, entry in enumerate(flat):
        if isinstance(entry, bool) or not isinstance(entry, (int, np.integer)):
            raise cell_error(array, value, offset, f"{show_value(entry)} is not an integer")
        if not (-(1 << 62) if signed else 0) <= entry < 1 << 62:
            rule = (
                "it is far too large" if signed or entry > 0 else "words are integers from 0; `word N signed` has negative words"
            )
            raise cell_error(array, value, offset, f"{show_value(entry)} is not a word: {rule}")
    return np.array(flat, np.int64).reshape(-1)


def show_value(value: Any) -> str:
    """Return a value as messages show it: as JSON, or as Python's repr if JSON cannot; a long text is shortened."""
    if isinstance(value, int) and value.bit_length() > 4 * 63:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    except RecursionError:
        text = "a value that is nested too deep"
    return shorten(text)


def input_error(message: str, *path: str | int) -> InputError:
    """Return an InputError that has no place yet; the caller raises it."""
    return InputError(Diagnostic(message), path)


def cell_error(array: Array, value: Any, offset: int, what: str) -> InputError:
    """Return an InputError about one entry of an input array given as `value`; it has no place yet."""
    steps: tuple[int, ...] = (offset,) if array.shape else ()
    if _is_nested(array, value):
        steps = tuple(int(step) for step in np.unravel_index(offset, array.shape))
    return input_error(f"{array.cell(offset)} = {what}", "arrays", array.name, *steps)


def _is_nested(array: Array, value: Any) -> bool:
    return len(array.shape) > 1 and any(isinstance(row, (list, tuple)) for row in value)


def _flatten(array: Array, value: Any) -> list[Any]:
    if not array.shape:
        return [value]
    if not isinstance(value, (list, tuple)):
        raise input_error(f"input `{array.name}` must be a list, not {show_value(value)}", "arrays", array.name)
    if not _is_nested(array, value):
        return list(value)
    if len(value) != array.shape[0]:
        raise input_error(f"input `{array.name}` must be {array.shape[0]} rows, not {len(value)}", "arrays", array.name)
    return [entry for number, row in enumerate(value) for entry in _row(array, row, (number,))]


def _row(array: Array, row: Any, path: tuple[int, ...]) -> list[Any]:
    """Return the entries of a row, or of a row of rows."""
    extent = array.shape[len(path)]
    if not isinstance(row, (list, tuple)) or len(row) != extent:
        where = f"row {', '.join(map(str, path))}"
        raise input_error(f"{where} of input `{array.name}` must be a list of {extent} values", "arrays", array.name, *path)
    if len(path) + 1 == len(array.shape):
        return list(row)
    return [entry for number, below in enumerate(row) for entry in _row(array, below, (*path, number))]


def read_input_file(text: str, path: str | Path) -> InputFile:
    """Parse an input file.

    Raises: PramError: it is not JSON, or is not of the form of an input file.
    """
    source = Source(str(path), text)
    content = _read_json(source)
    try:
        return replace(_input_file(content), source=source)
    except InputError as error:
        raise error.with_place(source, json_places.find(text, error.path)) from None


def read_input_lines(text: str, path: str | Path) -> Iterator[tuple[Source, int, InputFile]]:
    """Parse JSON Lines: each line that is not blank is one input.

    Yields: a source for the places of errors, the line's number, and the input.
    Raises: PramError: as `read_input_file`, with the place in the whole file.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            alone = "\n" * (number - 1) + line
            yield Source(str(path), alone), number, read_input_file(alone, path)


def _read_json(source: Source) -> Any:
    if not source.text.strip():
        raise fail(f"the file is empty; an input file is an object: {FORM}", source, Span(1, 1))
    try:
        return json.loads(source.text, object_pairs_hook=_object)
    except _RepeatedKey as error:
        raise fail(
            f'"{shorten(str(error))}" is given twice', source, json_places.find_repeated(source.text, str(error))
        ) from None
    except json.JSONDecodeError as error:
        raise _not_json(source, error) from None
    except RecursionError:
        raise fail("not JSON: nested too deep", source, Span(1, 1)) from None
    except ValueError:
        raise _long_number(source) from None


def _not_json(source: Source, error: json.JSONDecodeError) -> PramError:
    """Return an error at the place of a JSON error. If the text breaks off, that is the end of its last line with text."""
    several = error.msg == "Extra data" and source.text[: error.pos].rstrip(" \t").endswith(("\n", "\r"))
    hint = "; only `decode` takes many inputs, each on a line of a NAME.jsonl" if several else ""
    place = json_places.span_of(source.text, min(error.pos, len(source.text.rstrip())))
    return fail(f"not JSON: {error.msg}{hint}", source, place)


def _long_number(source: Source) -> PramError:
    """Return an error for an integer that is so long that `json` refuses it."""
    most = sys.get_int_max_str_digits()
    found = re.search(rf"-?\d{{{most + 1},}}", source.text)
    return fail(f"number of more than {most} digits", source, json_places.span_of(source.text, found.start() if found else 0))


def _input_file(content: Any) -> InputFile:
    if not isinstance(content, dict):
        raise input_error(f"an input file is an object: {FORM}")
    for key in content:
        if key not in KEYS:
            raise input_error(
                f'unknown key "{shorten(key)}"; an input file has "params" and "arrays", and may have "winner" and "expected"',
                Key(key),
            )
    objects = {key: content.get(key, {}) for key in KEYS if key != "winner"}
    for key, part in objects.items():
        if not isinstance(part, dict):
            raise input_error(f'"{key}" must be an object', key)
    winner = _winner(content["winner"]) if "winner" in content else None
    return InputFile(objects["params"], objects["arrays"], winner, objects["expected"] if "expected" in content else None)


def _winner(value: Any) -> Winner:
    if not isinstance(value, str):
        raise input_error(f'"winner" must be a string, such as "highest", not {show_value(value)}', "winner")
    try:
        return parse_winner(value)
    except ValueError as error:
        raise input_error(f'"winner": {error}', "winner") from None


class _RepeatedKey(Exception):
    """A key occurs twice in one object."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKey(next(n for n in names if names.count(n) > 1))
    return result
