"""The command line. Exit status: 0 fine, 1 the program or its input is wrong, 2 usage, 3 a check failed.

COMMANDS is the table of commands. Each command is a function in a file or folder of `lockstep/commands/`. Only the command that
runs is imported. It imports Torch, SymPy and other slow libraries only when it needs them.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lockstep import __version__
from lockstep.common.groups import Table, app_of

#: The commands under the headings of `lockstep --help`, in its order.
COMMANDS = Table(
    "lockstep.commands",
    Path(__file__).parent / "commands",
    {
        "Write a program": ("new", "examples", "check", "fmt", "asm"),
        "Run it on the machine": ("run", "profile", "modes"),
        "Decode its runs with a model": ("compile", "decode", "export"),
        "Check machine and model": ("verify", "compare", "sweep", "report", "fuzz"),
        "Prove what holds of the weights": ("theorems", "certify", "prove"),
        "See it, and what it costs": ("show", "cost", "space"),
        "Solve the paper's tasks": ("task", "train"),
        "Look after the installation": ("doctor",),
    },
)
app = app_of(COMMANDS, completion=True)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False) -> None:
    """PRAM programs, transformers that generate their runs, and checks that compare both."""
    if show:
        print(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Entry point of the command `lockstep`."""
    # Torch reads this when it is imported. Contexts here are small, so more threads only wait for each other,
    # and on a busy machine they are a hundred times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):  # file names may not be UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="lockstep")
    except Exception as error:
        if not _explained(error):
            raise
    from lockstep.common.console import WRONG  # imports Rich

    sys.exit(WRONG)


def _explained(error: Exception) -> bool:
    """Print an error that concerns users. Others are defects of Lockstep."""
    from lockstep.pram.errors import PramError
    from lockstep.proofs_check.refusals import NotCertified

    if isinstance(error, PramError):
        print(error, file=sys.stderr)
        inputs = getattr(error, "inputs", None)  # only SidecarFailed has it; to import that class would import NumPy
        if inputs is not None:
            from lockstep.pram.inputs import show_value

            print(f"on the input {show_value(inputs)}", file=sys.stderr)
    elif isinstance(error, OSError | NotCertified):
        print(f"error: {error}", file=sys.stderr)
    else:
        from lockstep.compiler.names import NotConstructed  # imports NumPy

        if not isinstance(error, NotConstructed):
            return False
        print(f"error: {error}", file=sys.stderr)
    return True


if __name__ == "__main__":
    main()
