"""What users give on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from pram.inputs import read_input_file
from pram.program import Program, read_text

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


def read_inputs(program: Program, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and arrays of an input file.

    Raises: PramError: it cannot be read, or is not an input file.
    """
    return read_input_file(read_text(path), path)
