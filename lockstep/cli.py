"""The command line. Exit status: 0 fine, 1 the program or its input is wrong, 2 usage, 3 a check failed.

Torch and SymPy are imported by the commands that need them, so that `run` starts at once.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from lockstep import __version__
from lockstep.commands import machine, models, sweep, text, theory
from lockstep.commands.cost import command as cost
from lockstep.commands.fuzz import command as fuzz
from lockstep.commands.prove import command as proofs
from lockstep.commands.verify import command as verify
from lockstep.common.options import WRONG
from lockstep.pram.errors import PramError
from lockstep.pram.inputs import shown

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="PRAM programs, the transformers that generate their runs, and the checks that hold both together.")  # fmt: skip

#: In the order of `lockstep --help`.
COMMANDS = (
    text.new, text.check, text.fmt, machine.run, machine.profile, machine.modes, text.asm,
    models.compile, models.decode, verify.verify, models.space, cost.cost, models.export, theory.theorems, theory.certify,
    proofs.prove, fuzz.fuzz, sweep.sweep, sweep.report,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False) -> None:
    if show:
        print(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Entry point of the command `lockstep`."""
    # Torch reads this when it is imported. Contexts here are small: threads that wait for each other only cost,
    # and on a busy machine they cost a hundredfold.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):  # names of files need not be UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="lockstep")
    except PramError as error:
        print(error, file=sys.stderr)
        inputs = getattr(error, "inputs", None)  # of SidecarFailed, which would take NumPy to import
        if inputs is not None:
            print(f"on the input {shown(inputs)}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception as error:
        if type(error).__name__ != "NotCertified":  # named, so that torch is not imported for this
            raise
        print(f"error: {error}", file=sys.stderr)
    sys.exit(WRONG)


if __name__ == "__main__":
    main()
