"""Commands that look at program texts and machine code."""

from __future__ import annotations

from lockstep import display
from lockstep.commands.common import File, Json, emit
from pram.program import load


def asm(file: File, json_: Json = False) -> None:
    """Print the machine code beside its source lines."""
    program = load(file)
    emit(display.code_record(program), display.code_text(program), json_)
