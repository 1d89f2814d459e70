"""How commands print results, warnings and progress, and their exit statuses."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.theme import Theme

from lockstep.pram.errors import Diagnostic
from lockstep.pram.unwritten import Warn, refuse

#: In a pipe or file, tables have COLUMNS characters if that is set, else up to 120.
out = Console(width=None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else 120)
err = Console(stderr=True, theme=Theme({"progress.remaining": "default"}))  # cyan would be hard to read on white

#: The width of long tables that are not shown on a terminal.
PLAIN_WIDTH = 80

T = TypeVar("T")

#: Exit statuses: the program or its input is wrong; a check failed; the user stopped the command.
WRONG, FAILED, INTERRUPTED = 1, 3, 130


def table_width() -> int:
    """The width of tables that fill their rows: that of the terminal, else at most PLAIN_WIDTH."""
    return out.width if out.is_terminal else min(out.width, PLAIN_WIDTH)


def emit(record: Any, table: Any, as_json: bool, paged: bool = False) -> None:
    """Print a record as JSON, or a table. paged: a long table that a terminal shows page by page."""
    if as_json or isinstance(table, str):
        print(json.dumps(record) if as_json else table)
    elif paged and out.is_terminal:
        os.environ.setdefault("LESS", "-RFX")  # with colours, and without a page where one screen holds all
        with out.pager(styles=True):
            out.print(table)
    else:
        out.print(table)


@contextmanager
def warnings(strict: bool) -> Iterator[Warn]:
    """Collect the warnings of a run and print them after it, even if it fails. If strict, the first warning is an error."""
    found: list[Diagnostic] = []
    try:
        yield refuse if strict else found.append
    finally:
        for warning in found:
            print(warning.render(), file=sys.stderr)


@contextmanager
def progress_bar(console: Console, what: str, rate: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error until the work is done.

    Args:   rate: a unit such as "programs/s"; the bar then also shows the speed.
    Yields: a function to call with (done, total).
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    pace = (TextColumn("{task.fields[pace]}"),) if rate else ()
    with Progress(*columns, *pace, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, begin = bar.add_task(what, total=None, pace=""), time.monotonic()

        def update(done: int, total: int) -> None:
            speed = done / max(time.monotonic() - begin, 1e-9)
            bar.update(task, completed=done, total=total, pace=f"{speed:.1f} {rate}")

        yield update


@contextmanager
def spinner(console: Console, what: str) -> Iterator[None]:
    with console.status(what):
        yield


def keep_despite_errors(keep: Callable[[int], T], seconds: int) -> T | None:
    """Call `keep` with the seconds for shrinking a failing input; if shrinking raises an error, call it again without shrinking.

    Errors here must not hide the failed check. So each is a line on standard error, and the result is then None.
    """
    try:
        return keep(seconds)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return None
    except Exception as error:
        what = "shrinking failed" if seconds else "the failing input cannot be written"
        print(f"error: {what}: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
    return keep_despite_errors(keep, 0) if seconds else None
