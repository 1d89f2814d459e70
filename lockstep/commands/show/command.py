"""`lockstep show`: writes a page that plays a run on the machine beside its decodes."""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lockstep.common.arguments import check_every
from lockstep.common.console import FAILED, WRONG, err, progress_bar
from lockstep.common.inputs import job_and_input, winner_named
from lockstep.common.models import check_order
from lockstep.common.options import Bits, Every, FixedWinner, Input, OptionalFile, Order, Seed, Sidecar, Size, Steps
from lockstep.common.paths import check_writable, existing_folder
from lockstep.compiler.names import EVERY, MDM, SCHEDULES, TWO_STEP, constructed
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import load

if TYPE_CHECKING:
    from lockstep.common.tracing.trace import Trace

#: What a page shows if the user names no process: one whose context grows with the run, and one whose context does not.
USUAL = (MDM, TWO_STEP)
#: The rows of `lockstep compare`: each construction, and two-step also by its full name.
NAMES = {name: name for name in EVERY} | {f"{TWO_STEP} {SCHEDULES[0]}": TWO_STEP}


def show(file: OptionalFile = None, input: Input = None, size: Size = None, seed: Seed = 0, winner: FixedWinner = None,
         word_bits: Bits = None, process: Annotated[Optional[list[str]], typer.Option("--process", show_default=False,
              help="A row of `lockstep compare`, such as mdm, ap-mdm, 'ap-mdm one-step' or 'arm erasing'; "
                   "give it once for each decode; all takes every row [mdm and ap-mdm].")] = None,
         order: Order = None, every: Every = None,
         heads: Annotated[bool, typer.Option("--heads/--no-heads", help="Keep what each head found.")] = True,
         out: Annotated[Optional[Path], typer.Option("--out", "-o", show_default=False, help="The page to write [NAME.html].")] = None,
         open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
         gallery: Annotated[Optional[Path], typer.Option("--gallery", show_default=False,
                            help="Folder for pages of all programs of the corpus, with an index, instead of one page.")] = None,
         max_steps: Steps = DEFAULT_MAX_STEPS, no_sidecar: Sidecar = False) -> None:  # fmt: skip
    """Write a page that plays a run on the machine beside its decodes.

    The page is one file that needs no network. If the run fails, the page ends at the step that failed. If a token is wrong, it opens
    there.
    """
    names = _constructions(process or USUAL)
    check_every(every, names)
    _check_orders(order, names)
    if gallery is not None:
        _write_gallery(gallery, file, names, open_)
        return
    if file is None:
        raise typer.BadParameter("give a program, or --gallery FOLDER for all examples", param_hint="FILE")
    program = load(file)
    path = out or Path(f"{file.stem}.html")
    check_writable(path)
    job, _ = job_and_input(program, input, size, seed, word_bits, winner_named(program, winner), use_sidecar=not no_sidecar)
    if process and "all" in process:
        names = constructed(names, program.rules)
    from lockstep.common.tracing.page import page_of, write_page
    from lockstep.common.tracing.trace import decodes_of, trace_job

    with progress_bar(err, f"decoding {program.name}") as progress:
        decodes = [replace(each, max_steps=max_steps) for each in decodes_of(names, order, seed, every)]
        trace = trace_job(program, job, decodes, heads, max_steps, progress=progress)
    write_page(path, page_of(trace))
    print(f"wrote {path}")
    if open_:
        webbrowser.open(path.resolve().as_uri())
    _end(trace)


def _end(trace: Trace) -> None:
    """Exit as the command line does for a run that fails, or for a model that is wrong."""
    if trace.error is not None:
        print(trace.error, file=sys.stderr)
        raise typer.Exit(WRONG)
    if trace.failed:
        print(f"FAILED: {trace.failed}", file=sys.stderr)
        raise typer.Exit(FAILED)


def _constructions(names: tuple[str, ...] | list[str]) -> list[str]:
    """The constructions of these names.

    Raises: typer.BadParameter: there is none of a name.
    """
    if "all" in names:
        return [*EVERY]
    for name in names:
        if name not in NAMES:
            raise typer.BadParameter(f"{name!r} is none of all, {', '.join(NAMES)}", param_hint="--process")
    return [NAMES[name] for name in names]


def _check_orders(order: str | None, names: list[str]) -> None:
    """Raises: typer.BadParameter: no process of the page takes this order."""
    if order is None:
        return
    from lockstep.models.processes import PROCESSES

    if not any(order in PROCESSES[EVERY[name].process].orders for name in names):
        check_order(order, names)


def _write_gallery(folder: Path, file: Path | None, names: list[str], open_: bool) -> None:
    """Write a page of each example, and an index."""
    if file is not None:
        raise typer.BadParameter("--gallery shows all examples: leave FILE out", param_hint="--gallery")
    from lockstep.commands.show.gallery import write_gallery

    with progress_bar(err, "decoding examples") as progress:
        index = write_gallery(existing_folder(folder, "--gallery"), names, progress)
    print(f"wrote {index}")
    if open_:
        webbrowser.open(index.resolve().as_uri())
