"""Commands on program texts."""

from __future__ import annotations

from lockstep import display
from lockstep.commands.common import File, Json, _print
from pram.program import load


def asm(file: File, json_: Json = False) -> None:
    """Print the machine code beside its source lines."""
    program = load(file)
    _print(display.code_record(program), display.code_text(program), json_)
