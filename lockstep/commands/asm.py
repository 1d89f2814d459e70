"""`lockstep asm`: the machine code beside its source lines."""

from __future__ import annotations

from typing import Any

from lockstep.common.console import emit, out
from lockstep.common.options import File, Json
from lockstep.pram.listing import listing
from lockstep.pram.program import Program, load


def asm(file: File, json_: Json = False) -> None:
    """Print the machine code beside its source lines."""
    program = load(file)
    emit(code_record(program), code_text(program, out.width), json_)


def code_record(program: Program) -> list[dict[str, Any]]:
    return [{"index": i, "instruction": t, "line": n} for i, t, n, _ in listing(program.code, program.source)]


def code_text(program: Program, columns: int) -> str:
    """The machine code, one instruction a line, beside the source line it comes from.

    A line of more than `columns` characters loses the comment of its source.
    """
    code = program.code
    sizes = {"instruction": len(code.instructions), "register": code.registers, "parameter": len(code.derived)}
    head = f"{program.name}: " + ", ".join(f"{n} {what}{'s' if n != 1 else ''}" for what, n in sizes.items())
    rows = listing(code, program.source)
    width = max(len(text) for _, text, _, _ in rows)
    lines = [
        f"{index:>5}  {text:<{width}}  {f'{number:>4}  {line}' if line else ''}".rstrip() for index, text, number, line in rows
    ]
    return "\n".join([head, *(line if len(line) <= columns else line.partition("#")[0].rstrip() for line in lines)])
