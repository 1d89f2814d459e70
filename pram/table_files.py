"""Reads inputs from NumPy's `.npy` and `.npz` files and from CSV files: arrays by name, or one array without a name.

Parameters may be among them: `lockstep.pram.completing` tells them from arrays by their names. An array without a name is the program's
only input.
"""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from lockstep.pram.errors import Source, Span, fail
from lockstep.pram.inputs import UNNAMED, InputFile, plain

SUFFIXES = (".npy", ".npz", ".csv")


def read_table_file(path: Path) -> InputFile:
    """Read an input from a file with one of SUFFIXES.

    Raises: PramError: the file cannot be read, or is not of its form.
    """
    if path.suffix == ".csv":
        from lockstep.pram.texts import read_text

        return InputFile({}, _csv_arrays(Source(str(path), read_text(path))))
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise fail("no such file", Source(str(path), "")) from None
    except (OSError, ValueError, EOFError) as error:
        raise fail(f"not a NumPy file: {str(error).splitlines()[0]}", Source(str(path), "")) from None
    arrays = {name: found[name] for name in found.files} if path.suffix == ".npz" else {UNNAMED: found}
    return InputFile({}, {name: _integers(path, name, array) for name, array in arrays.items()})


def _integers(path: Path, name: str, array: Any) -> Any:
    if not np.issubdtype(array.dtype, np.integer):
        what = f"array `{name}`" if name else "the array"
        raise fail(f"{what} holds {array.dtype}, not integers", Source(str(path), ""))
    return plain(array)


def _csv_arrays(source: Source) -> dict[str, Any]:
    """The columns by the names in the first line; or, if the first line is numbers, one array with a row for each line."""
    rows = [(number, row) for number, row in enumerate(csv.reader(StringIO(source.text)), 1) if any(cell.strip() for cell in row)]
    if not rows:
        raise fail("the file is empty; its first line names the columns, or is a row of numbers", source, Span(1, 1))
    first = [cell.strip() for cell in rows[0][1]]
    if not all(cell.isidentifier() for cell in first):
        numbers = [[_number(source, line, cell) for cell in row] for line, row in rows]
        return {UNNAMED: numbers[0] if len(numbers) == 1 else [row[0] for row in numbers] if len(first) == 1 else numbers}
    columns: dict[str, list[int]] = {name: [] for name in first}
    for line, row in rows[1:]:
        if len(row) > len(first):
            raise fail(f"{len(row)} values, but {len(first)} columns", source, Span(line, 1))
        for name, cell in zip(first, row):
            if cell.strip():  # a shorter column ends with empty cells
                columns[name].append(_number(source, line, cell))
    return dict(columns)


def _number(source: Source, line: int, cell: str) -> int:
    try:
        return int(cell)
    except ValueError:
        column = source.line(line).find(cell) + 1
        raise fail(f"`{cell.strip()}` is not an integer", source, Span(line, max(column, 1))) from None
