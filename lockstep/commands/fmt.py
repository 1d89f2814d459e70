"""`lockstep fmt`: rewrites programs in the canonical layout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lockstep.common.console import FAILED, WRONG
from lockstep.common.finding import find_here
from lockstep.models.atomic import write_atomically
from lockstep.pram.errors import PramError
from lockstep.pram.texts import decode_text, read_text


def fmt(files: Annotated[list[Path], typer.Argument(
            callback=find_here, help="Programs, NAME.pram; - reads a program from standard input and prints it.", show_default=False)],
        check: Annotated[bool, typer.Option("--check",
                    help="Write nothing, but name the files that would change; then the exit status is 3.")] = False,
        stdout: Annotated[bool, typer.Option("--stdout",
                                             help="Print the programs instead of writing them.")] = False) -> None:  # fmt: skip
    """Rewrite programs in the canonical layout; comments stay."""
    if check and stdout:
        raise typer.BadParameter("--check and --stdout exclude each other", param_hint="--stdout")
    wrong, changed = 0, 0
    for file in files:
        try:
            before, after = _formatted(file)
            if not check and (stdout or str(file) == "-"):
                sys.stdout.write(after)
                continue
            if before != after.encode():
                changed += 1
                if not check:
                    write_atomically(file.resolve(), after.encode())
                print(f"{file} {'would change' if check else 'formatted'}")
        except PramError as error:
            print(error, file=sys.stderr)
            wrong += 1
        except OSError as error:
            print(f"{file}: error: {error.strerror}", file=sys.stderr)
            wrong += 1
    if wrong:
        raise typer.Exit(WRONG)
    if check and changed:
        raise typer.Exit(FAILED)


def _formatted(file: Path) -> tuple[bytes, str]:
    """The bytes of a file and its formatted text.

    Raises: PramError: the file cannot be read, or is no program.
    """
    from lockstep.pram.format import format_text

    if str(file) == "-":
        data = sys.stdin.buffer.read()
        return data, format_text(decode_text(data, "<stdin>"), "<stdin>")
    text = read_text(file)
    return file.read_bytes(), format_text(text, str(file))
