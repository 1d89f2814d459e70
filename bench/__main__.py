"""`python -m bench`: prints all tables, or some parts of the last one."""

from __future__ import annotations

from typing import Annotated, Optional

import torch
import typer
from rich.console import Console

from bench import division, native, page, speed
from bench.figures import keep, speed_table
from bench.tables import compile_table, machine_table

PARTS = native.PARTS | division.PARTS | speed.PARTS | page.PARTS


def main(
    only: Annotated[Optional[list[str]], typer.Argument(help=f"Parts of the last table: {', '.join(PARTS)}.")] = None,
) -> None:
    """Measure this machine. A run of all parts writes its figures to bench.json, with machine and commit."""
    if unknown := set(only or ()) - set(PARTS):
        raise typer.BadParameter(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)  # as the command line does: more threads would wait for each other for half of a step
    console = Console(width=140)
    if not only:
        with console.status("running the machine"):
            machine = machine_table()
        console.print(machine)
        with console.status("compiling and decoding"):
            compiling = compile_table()
        console.print(compiling)
    with console.status("decoding"):
        speed.warm_up()
        figures = [figure for part in only or PARTS for figure in PARTS[part]()]
    console.print(speed_table(figures))
    if not only:
        keep(figures)


if __name__ == "__main__":
    typer.run(main)
