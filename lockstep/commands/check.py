"""`lockstep check`: finds mistakes in programs without running them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lockstep.common.console import WRONG
from lockstep.common.finding import find_programs
from lockstep.common.options import Json
from lockstep.pram.errors import PramError
from lockstep.pram.program import Program, load


def check(
    files: Annotated[list[Path], typer.Argument(callback=find_programs, help="Programs, NAME.pram.", show_default=False)],
    json_: Json = False,
) -> None:
    """Find mistakes in programs without running them."""
    records = []
    for file in files:
        try:
            program = load(file)
            records.append(program_record(file, program))
            for warning in program.analysis.warnings:
                print(warning.render(), file=sys.stderr)
        except PramError as error:
            records.append(error_record(file, error))
            print(error, file=sys.stderr)
        if not json_ and "errors" not in records[-1]:
            print(program_line(records[-1]))
    if json_:
        print(json.dumps(records))
    if any("errors" in record for record in records):
        raise typer.Exit(WRONG)


def program_record(file: Path, program: Program) -> dict[str, Any]:
    """The record of a correct program."""
    code = program.code
    return {"file": str(file), "program": program.name, "mode": program.symbols.mode, "parameters": list(program.given),
            "instructions": len(code.instructions), "registers": code.registers}  # fmt: skip


def program_line(record: dict[str, Any]) -> str:
    given = ", ".join(record["parameters"])
    parameters = f"parameter{'s' if len(record['parameters']) > 1 else ''} {given}" if given else "no parameters"
    sizes = ", ".join(f"{n} {what}{'s' if n != 1 else ''}" for what in ("instruction", "register") for n in (record[f"{what}s"],))
    return f"{record['file']}: fine: program {record['program']}, {record['mode']}, {parameters}, {sizes}"


def error_record(file: Path, error: PramError) -> dict[str, Any]:
    """The record of a program with errors; an error without a place has null as line and column."""
    spans = [(d.message, d.span.own.line, d.span.own.column) if d.span else (d.message, None, None) for d in error.diagnostics]
    return {"file": str(file), "errors": [{"message": m, "line": line, "column": column} for m, line, column in spans]}
