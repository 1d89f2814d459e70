"""The command line. Exit status: 0 fine, 1 the program or its input is wrong, 2 usage, 3 a check failed.

COMMANDS is the table of commands. Each command is a function in a file or folder of `lockstep/commands/`. Only the command that
runs is imported. It imports Torch, SymPy and other slow libraries only when it needs them.
"""

from __future__ import annotations

import ast
import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from lockstep import __version__

#: The commands under the headings of `lockstep --help`, in its order.
COMMANDS = {
    "Write a program": ("new", "examples", "check", "fmt", "asm"),
    "Run it on the machine": ("run", "profile", "modes"),
    "Decode its runs with a model": ("compile", "decode", "export"),
    "Check machine and model": ("verify", "compare", "sweep", "report", "fuzz"),
    "Prove what holds of the weights": ("theorems", "certify", "prove"),
    "See it, and what it costs": ("show", "cost", "space"),
    "Look after the installation": ("doctor",),
}
ROOMS = Path(__file__).parent / "commands"


def module_of(name: str) -> str:
    """The module of a command: its file, or `command` in its folder."""
    return f"lockstep.commands.{name}" + (".command" if (ROOMS / name).is_dir() else "")


def function_of(name: str) -> Callable[..., None]:
    """The function that is the command."""
    function: Callable[..., None] = getattr(import_module(module_of(name)), name)
    return function


def summary_of(name: str) -> str:
    """The first line of a command's help, read from its file: to import all commands would take half a second."""
    file = ROOMS.joinpath(*module_of(name).split(".")[2:]).with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return (ast.get_docstring(function) or "").partition("\n")[0]


class Commands(TyperGroup):
    """All commands, under their headings; each is imported when it is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        names: dict[str, Any] = dict.fromkeys(name for names in COMMANDS.values() for name in names)
        self.commands = names  # Typer suggests one of these for a name that it does not know

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            return None
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command()(function_of(cmd_name))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for heading, names in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, summary_of(name)) for name in names])


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="PRAM programs, transformers that generate their runs, and checks that compare both.")  # fmt: skip


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False) -> None:
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
