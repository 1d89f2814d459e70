"""Finds the place of a value in a JSON text, for error messages.

`json` has parsed the text before, so it is well formed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Union

from lockstep.pram.errors import JsonPath, Key, Span

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def find(text: str, path: JsonPath) -> Span:
    """Return the place of the value at a path, or of the last value on the path that the text has."""
    at = _skip(text, 0)
    for step in path:
        for name, key, value in _members(text, at):
            if name == step:
                at = key if isinstance(step, Key) else value
                break
        else:
            break
    return span_of(text, at)


def find_repeated(text: str, repeated: str) -> Span:
    """Return the place where a key occurs a second time in the file's object, `params`, `arrays` or `expected`."""
    top = _skip(text, 0)
    inner = [value for name, _, value in _members(text, top) if name in ("params", "arrays", "expected")]
    for at in (top, *inner):
        places = [key for name, key, _ in _members(text, at) if name == repeated]
        if len(places) > 1:
            return span_of(text, places[1])
    return span_of(text, top)


def span_of(text: str, position: int) -> Span:
    """Return the line and column of a position."""
    return Span(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def _members(text: str, at: int) -> Iterator[tuple[Union[str, int], int, int]]:
    """Yield, for each member of the object or list at `at`, its name or index and the positions of its key and value."""
    if text[at] not in "{[":
        return
    number, position = 0, _skip(text, at + 1)
    while text[position] not in "}]":
        name: Union[str, int] = number
        value = position
        if text[at] == "{":
            name, end = _DECODER.raw_decode(text, position)
            value = _skip(text, _skip(text, end) + 1)  # past the colon
        yield name, position, value
        position = _skip(text, _DECODER.raw_decode(text, value)[1])
        if text[position] == ",":
            position = _skip(text, position + 1)
        number += 1


def _skip(text: str, position: int) -> int:
    """Return the next position that is not white space."""
    found = _BLANK.match(text, position)
    return found.end() if found else position
