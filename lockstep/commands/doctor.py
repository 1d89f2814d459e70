"""`lockstep doctor`: shows what is installed and whether it works."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lockstep.common.console import FAILED, emit, err, spinner
from lockstep.common.finding import EXAMPLES, all_examples
from lockstep.common.options import Json
from lockstep.common.tables import BAD, GOOD, LABEL, narrow_table

#: Libraries that commands import when they run.
LIBRARIES = ("numpy", "lark", "torch", "numba", "sympy", "z3-solver", "hypothesis", "dask", "distributed", "matplotlib", "rich",
             "typer", "safetensors")  # fmt: skip

#: A thing that was checked, what was found, and whether it is fine.
Finding = tuple[str, str, bool]


def doctor(json_: Json = False) -> None:
    """Show what is installed, and decode a small run with each engine.

    The exit status is 3 if something is missing, or if an engine's outputs differ from the machine's.
    """
    with spinner(err, "checking this installation"):
        found = [*_platform(), *_libraries(), *_engines()]
    record = {"holds": all(well for *_, well in found), "findings": [dict(zip(("what", "found", "holds"), row)) for row in found]}
    failed = sum(not well for *_, well in found)
    verdict = Text(f"FAILED: {failed} of {len(found)}" if failed else "all is well", style=BAD if failed else GOOD)
    emit(record, Group(_table(found), verdict), json_)
    if not record["holds"]:
        raise typer.Exit(FAILED)


def _platform() -> Iterator[Finding]:
    yield "lockstep", version("lockstep"), True
    yield "Python", f"{platform.python_version()}, {sys.executable}", sys.version_info >= (3, 11)
    yield "processors", str(os.cpu_count()), True
    yield "examples", f"{len(all_examples())} in {EXAMPLES.parent}", EXAMPLES.is_dir()


def _libraries() -> Iterator[Finding]:
    for name in LIBRARIES:
        try:
            yield name, version(name), True
        except PackageNotFoundError:
            yield name, "missing: install lockstep again", False


def _engines() -> Iterator[Finding]:
    """Decode a run of an example with each engine, and compare its outputs with the machine's."""
    import torch

    import lockstep
    from lockstep.models.engines import ENGINES

    program = lockstep.load(EXAMPLES / "tree_sum.pram")
    given: tuple[dict[str, int], dict[str, Any]] = {"n": 4}, {"A": [3, 1, 4, 1]}
    exact = lockstep.run(program, *given).outputs
    for engine in ENGINES:
        try:
            decoded = lockstep.decode(program, *given, engine=engine)
        except Exception as error:  # whatever the error is, the user should see it
            yield f"engine {engine}", f"{type(error).__name__}: {error}", False
        else:
            by = "" if decoded.engine == engine else f", by {decoded.engine}"
            yield f"engine {engine}", f"tree_sum gives {decoded.outputs}{by}", decoded.outputs == exact
    yield "cuda", "torch finds a device" if torch.cuda.is_available() else "torch finds no device; none is needed", True


def _table(found: list[Finding]) -> Table:
    table = narrow_table(show_header=False)
    for style in (LABEL, "", ""):
        table.add_column(style=style, overflow="fold")
    for what, text, well in found:
        table.add_row(what, Text(text), Text("fine", style=GOOD) if well else Text("FAILED", style=BAD))
    return table
