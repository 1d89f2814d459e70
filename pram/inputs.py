"""Input files and the values in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pram.errors import Source, Span, fail
from pram.job import Array


def read_array(array: Array, value: Any, source: Source | None) -> NDArray[np.int64]:
    """The words of an input: a number for a scalar, a flat list, or rows for two subscripts.

    Returns: int64 [array.size].
    Raises:  PramError: a wrong length, or an entry that is no integer from 0.
    """
    flat = _flatten(array, value, source)
    if len(flat) != array.size:
        how = "short" if len(flat) < array.size else "long"
        raise fail(f"input `{array.name}` is too {how}: {len(flat)} values for {array.size} cells", source)
    for offset, entry in enumerate(flat):
        if isinstance(entry, bool) or not isinstance(entry, int):
            raise fail(f"{array.cell(offset)} = {json.dumps(entry, default=str)} is not an integer", source)
        if not 0 <= entry < 1 << 62:
            raise fail(f"{array.cell(offset)} = {entry} is not a word: words are integers from 0", source)
    return np.array(flat, np.int64).reshape(-1)


def _flatten(array: Array, value: Any, source: Source | None) -> list[Any]:
    if not array.shape:
        return [value]
    if not isinstance(value, (list, tuple)):
        raise fail(f"input `{array.name}` must be a list, not {json.dumps(value, default=str)}", source)
    if len(array.shape) == 1 or not any(isinstance(row, (list, tuple)) for row in value):
        return list(value)
    if len(value) != array.shape[0]:
        raise fail(f"input `{array.name}` has {len(value)} rows for {array.shape[0]}", source)
    for number, row in enumerate(value):
        if not isinstance(row, (list, tuple)) or len(row) != array.shape[1]:
            raise fail(f"row {number} of input `{array.name}` must be a list of {array.shape[1]} values", source)
    return [entry for row in value for entry in row]


def read_input_file(text: str, path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `params` and `arrays` of an input file.

    Raises: PramError: it is not JSON, or not of that form.
    """
    source = Source(str(path), text)
    try:
        content = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, source))
    except json.JSONDecodeError as error:
        raise fail(f"not JSON: {error.msg}", source, Span(error.lineno, error.colno)) from None
    except RecursionError:
        raise fail("not JSON: nested too deep", source) from None
    except ValueError as error:  # a number of too many digits
        raise fail(f"not JSON: {error}", source) from None
    if not isinstance(content, dict):
        raise fail('an input file is an object: {"params": {...}, "arrays": {...}}', source)
    for key in content:
        if key not in ("params", "arrays"):
            raise fail(f'unknown key "{key}"; an input file has "params" and "arrays"', source)
    parts = tuple(content.get(key, {}) for key in ("params", "arrays"))
    for key, part in zip(("params", "arrays"), parts):
        if not isinstance(part, dict):
            raise fail(f'"{key}" must be an object', source)
    return parts


def _object(pairs: list[tuple[str, Any]], source: Source) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise fail(f'"{next(n for n in names if names.count(n) > 1)}" is given twice', source)
    return result
