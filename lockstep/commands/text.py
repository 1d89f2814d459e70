"""Commands on program texts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lockstep.common import display
from lockstep.common.options import FAILED, WRONG, File, Json, emit
from lockstep.models.atomic import write_whole
from lockstep.pram.errors import PramError
from lockstep.pram.program import decode_text, load, read_text

Files = Annotated[list[Path], typer.Argument(help="Programs, NAME.pram.", show_default=False)]


def new(name: Annotated[str, typer.Argument(metavar="NAME", help="The program's name.", show_default=False)]) -> None:
    """Write a first program, NAME.pram, and its oracle, NAME.py."""
    from lockstep.commands.new import begin, what_is_wrong

    if wrong := what_is_wrong(name):
        raise typer.BadParameter(wrong, param_hint="NAME")
    program, sidecar = begin(name, Path())
    print(f"""{program} is a program, {sidecar} its inputs and oracle. Read them; then:

  lockstep run {program} --size 8        run it on the machine
  lockstep profile {program} --size 8    see what each line costs
  lockstep verify {program}              compile it, and hold machine and model side by side
  lockstep fmt {program}                 lay it out after you changed it""")


def check(files: Files, json_: Json = False) -> None:
    """Look for mistakes in programs, without running them."""
    records = []
    for file in files:
        try:
            records.append(display.program_record(file, load(file)))
        except PramError as error:
            records.append(display.error_record(file, error))
            print(error, file=sys.stderr)
        if not json_ and "errors" not in records[-1]:
            print(display.program_line(records[-1]))
    if json_:
        print(json.dumps(records))
    if any("errors" in record for record in records):
        raise typer.Exit(WRONG)


def fmt(files: Annotated[list[Path], typer.Argument(help="Programs, NAME.pram; - reads one and prints it.", show_default=False)],
        check: Annotated[bool, typer.Option("--check", help="Write nothing; name files that would change, status 3.")] = False,
        stdout: Annotated[bool, typer.Option("--stdout", help="Print instead of writing.")] = False) -> None:  # fmt: skip
    """Lay programs out in the one canonical way; comments are kept."""
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
                    write_whole(file.resolve(), after.encode())
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
    """What a file holds, byte for byte, and the text it should hold.

    Raises: PramError: it cannot be read, or is no program.
    """
    from lockstep.pram.format import format_text

    if str(file) == "-":
        data = sys.stdin.buffer.read()
        return data, format_text(decode_text(data, "<stdin>"), "<stdin>")
    text = read_text(file)
    return file.read_bytes(), format_text(text, str(file))


def asm(file: File, json_: Json = False) -> None:
    """Print the machine code beside its source lines."""
    program = load(file)
    emit(display.code_record(program), display.code_text(program), json_)
