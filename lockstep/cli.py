"""The command line. Exit status: 0 fine, 1 the program or its input is wrong, 2 usage, 3 a check failed.

COMMANDS is the table of commands. Each command is a function in a file or folder of `lockstep/commands/`. It imports Torch, SymPy
and other slow libraries only when it runs, so that `run` and `--help` start at once.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from lockstep import __version__
from lockstep.commands import asm, check, compile, decode, doctor, examples, fmt, new, profile, run, sweep, theorems
from lockstep.commands.certify import command as certify
from lockstep.commands.cost import command as cost
from lockstep.commands.export import command as export
from lockstep.commands.fuzz import command as fuzz
from lockstep.commands.modes import command as modes
from lockstep.commands.prove import command as prove
from lockstep.commands.report import command as report
from lockstep.commands.space import command as space
from lockstep.commands.verify import command as verify
from lockstep.common.console import WRONG
from lockstep.pram.errors import PramError
from lockstep.pram.inputs import show_value
from lockstep.proofs_check.refusals import NotCertified

#: The commands under the headings of `lockstep --help`, in its order.
COMMANDS = {
    "Write a program": (new.new, examples.examples, check.check, fmt.fmt, asm.asm),
    "Run it on the machine": (run.run, profile.profile, modes.modes),
    "Decode its runs with a model": (compile.compile, decode.decode, export.export),
    "Check machine and model": (verify.verify, sweep.sweep, report.report, fuzz.fuzz),
    "Prove what holds of the weights": (theorems.theorems, certify.certify, prove.prove),
    "See what it costs": (cost.cost, space.space),
    "Look after the installation": (doctor.doctor,),
}


class Headings(TyperGroup):
    """The help of all commands, under their headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for heading, commands in COMMANDS.items():
            found = [(command.__name__, self.get_command(ctx, command.__name__)) for command in commands]
            with formatter.section(heading):
                formatter.write_dl([(name, command.get_short_help_str(72)) for name, command in found if command])


app = typer.Typer(cls=Headings, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="PRAM programs, transformers that generate their runs, and checks that compare both.")  # fmt: skip
for command in (each for commands in COMMANDS.values() for each in commands):
    app.command()(command)


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
    except PramError as error:
        print(error, file=sys.stderr)
        inputs = getattr(error, "inputs", None)  # only SidecarFailed has it; to import that class would import NumPy
        if inputs is not None:
            print(f"on the input {show_value(inputs)}", file=sys.stderr)
    except (OSError, NotCertified) as error:
        print(f"error: {error}", file=sys.stderr)
    sys.exit(WRONG)


if __name__ == "__main__":
    main()
