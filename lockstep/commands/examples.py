"""`lockstep examples`: lists, prints and copies the programs that are installed with Lockstep."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.table import Table
from rich.text import Text

from lockstep.common.console import emit
from lockstep.common.finding import all_examples, example_named
from lockstep.common.options import Json
from lockstep.common.paths import existing_folder
from lockstep.common.tables import LABEL, narrow_table
from lockstep.pram.errors import Source, fail
from lockstep.pram.expression_text import expression_text
from lockstep.pram.program import Program, load


def examples(name: Annotated[Optional[str], typer.Argument(metavar="NAME",
            help="The example to print or copy.", show_default=False)] = None,
             copy: Annotated[Optional[Path], typer.Option("--copy", help="Folder to copy the example and its oracle to.",
                                                          show_default=False)] = None, json_: Json = False) -> None:  # fmt: skip
    """List the example programs, print one, or copy one.

    Every command that takes a program finds them by name: `lockstep run tree_sum --size 8`.
    """
    if name is None:
        if copy is not None:
            raise typer.BadParameter("name the example to copy: lockstep examples NAME --copy FOLDER", param_hint="--copy")
        programs = [load(path) for path in all_examples()]
        emit([_record(program) for program in programs], _table(programs), json_)
        return
    program = load(_file(name))
    if copy is None:
        emit(_record(program) | {"text": program.source.text}, program.source.text.rstrip("\n"), json_)
        return
    for target in _copy(name, existing_folder(copy, "--copy")):
        print(f"wrote {target}")


def _file(name: str) -> Path:
    path = example_named(name.removesuffix(".pram"))
    if path is None:
        raise typer.BadParameter(f"there is no example {name!r}; `lockstep examples` lists them", param_hint="NAME")
    return path


def _copy(name: str, folder: Path) -> list[Path]:
    """Copy a program and its oracle.

    Raises: PramError: one of the files exists; then neither is written.
    """
    sources = [_file(name), _file(name).with_suffix(".py")]
    targets = [folder / source.name for source in sources]
    for target in targets:
        if target.exists() or target.is_symlink():
            raise fail("this file exists; nothing was written", Source(str(target), ""))
    for source, target in zip(sources, targets):
        shutil.copyfile(source, target)
    return targets


def _record(program: Program) -> dict[str, Any]:
    claims = [f"{c.quantity} {c.relation} {expression_text(c.bound)}" for c in program.claims]
    return {"program": program.name, "mode": program.symbols.mode, "about": _about(program), "claims": claims}


def _about(program: Program) -> str:
    """The comment on the program's first line."""
    return program.source.text.partition("\n")[0].partition("#")[2].strip(" ,")


def _table(programs: list[Program]) -> Table:
    table = narrow_table()
    table.add_column("program", style=LABEL, no_wrap=True)
    table.add_column("mode", no_wrap=True)
    table.add_column("what it computes", overflow="fold")
    for program in programs:
        table.add_row(program.name, program.symbols.mode, Text(_about(program)))
    return table
