"""Where a value stands in a JSON text: read again only when an error is to be reported.

The text has been read by `json` before, so it is well formed here.
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
    """The place of what a path leads to, or of the last step on it that the text has."""
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
    """The place where a key stands for the second time in the file, `params`, `arrays` or `expected`."""
    top = _skip(text, 0)
    inner = [value for name, _, value in _members(text, top) if name in ("params", "arrays", "expected")]
    for at in (top, *inner):
        places = [key for name, key, _ in _members(text, at) if name == repeated]
        if len(places) > 1:
            return span_of(text, places[1])
    return span_of(text, top)


def span_of(text: str, position: int) -> Span:
    """Line and column of a position."""
    return Span(text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def _members(text: str, at: int) -> Iterator[tuple[Union[str, int], int, int]]:
    """Name or index, position of the key and position of the value, for each member of what stands at `at`."""
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
    """The next position that holds no white space."""
    found = _BLANK.match(text, position)
    return found.end() if found else position
