"""What users give on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from pram import json_places
from pram.errors import InputError, Source
from pram.inputs import read_input_file
from pram.program import read_text

MAX_SIZES = 100_000


def parse_sizes(text: str) -> list[int]:
    """`8`, `1..64` or `1,2,4` as sizes.

    Raises: typer.BadParameter: anything else, or an empty range.
    """
    sizes: list[int] = []
    try:
        for part in text.split(","):
            first, dots, last = part.partition("..")
            low, high = int(first), int(last if dots else first)
            if high - low >= MAX_SIZES:
                raise typer.BadParameter(f"{part} names more than {MAX_SIZES} sizes", param_hint="--sizes")
            sizes += range(low, high + 1)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a size, a range 1..64 or a list 1,2,4", param_hint="--sizes") from None
    if not sizes or min(sizes) < 1:
        raise typer.BadParameter(f"{text!r} has no sizes from 1", param_hint="--sizes")
    return sizes


@contextmanager
def reading(path: Path | None) -> Iterator[tuple[dict[str, Any], dict[str, Any]] | None]:
    """The parameters and arrays of an input file; errors in them that the body raises get their place in the file.

    Raises: PramError: it cannot be read, or is not an input file.
    """
    if path is None:
        yield None
        return
    text = read_text(path)
    try:
        yield read_input_file(text, path)
    except InputError as error:
        raise error.placed(Source(str(path), text), json_places.find(text, error.path)) from None
