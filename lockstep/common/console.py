"""What commands print: results, warnings, progress; and their exit statuses."""

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

#: In a pipe or file, tables are as wide as COLUMNS says, else as they like to be, within reason.
out = Console(width=None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else 120)
err = Console(stderr=True, theme=Theme({"progress.remaining": "default"}))  # cyan would be hard to read on white


T = TypeVar("T")

#: Exit statuses: the program or its input is wrong; a check failed.
WRONG, FAILED = 1, 3


def emit(record: Any, table: Any, as_json: bool) -> None:
    if as_json or isinstance(table, str):
        print(json.dumps(record) if as_json else table)
    else:
        out.print(table)


@contextmanager
def warnings(strict: bool) -> Iterator[Warn]:
    """Takes a run's warnings and shows them after it, even if it fails; if strict, the first one is an error."""
    found: list[Diagnostic] = []
    try:
        yield refuse if strict else found.append
    finally:
        for warning in found:
            print(warning.render(), file=sys.stderr)


@contextmanager
def progress_bar(console: Console, what: str, rate: str = "") -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr that goes away when done; yields what to call with (done, total). rate: also show so many of these."""
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


def not_losing_the_verdict(keep: Callable[[int], T], seconds: int) -> T | None:
    """What is kept of a failure after so many seconds of shrinking it; as it was found, if shrinking goes wrong.

    A check that failed stays one, whatever comes up here: it is said on standard error, in a line.
    """
    try:
        return keep(seconds)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return None
    except Exception as error:
        what = "shrinking failed" if seconds else "what failed cannot be kept"
        print(f"error: {what}: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
    return not_losing_the_verdict(keep, 0) if seconds else None
