"""`python -m mutation`, with tests/ on the path: plants every mutant and prints what caught it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Optional

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mutation import CHECKS, MUTANTS
from mutation.show import markdown, records, summary, table
from mutation.table import Check, Mutant
from mutation.verdicts import Judge, Verdict

FINE, MISUSED, FAILED = 0, 2, 3
COMMAND = "make mutants MARKDOWN=docs/mutation.md"

app = typer.Typer(add_completion=False)
#: Without a terminal, tables are as wide as they like to be, within reason.
out, err = Console(width=None if sys.stdout.isatty() else 200), Console(stderr=True)


def run(mutants: Sequence[Mutant], judge: Judge, done: Callable[[Verdict], None] = lambda verdict: None) -> list[Verdict]:
    """The verdict on each."""
    found = []
    for verdict in judge.verdicts(mutants):
        found.append(verdict)
        done(verdict)
    return found


def chosen(mutants: Sequence[Mutant], only: str | None) -> list[Mutant]:
    """Those whose name holds a text, whatever its case."""
    return [m for m in mutants if only is None or only.lower() in m.name.lower()]


def report(mutants: Sequence[Mutant], checks: dict[str, Check], as_json: bool, file: Path | None) -> int:
    """Run mutants and print what became of them; the exit status."""
    with Progress(TextColumn("mutants"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err,
                  transient=True) as bar:  # fmt: skip
        task = bar.add_task("", total=len(mutants))
        verdicts = run(mutants, Judge(checks), lambda verdict: bar.advance(task))
    if as_json:
        print(json.dumps(records(verdicts), indent=1))
    else:
        out.print(table(verdicts))
        out.print(summary(verdicts), highlight=False)
    if file:
        used = {m.check for m in mutants}
        file.write_text(markdown(verdicts, [c for c in checks.values() if c.name in used], COMMAND), encoding="utf-8")
    return FINE if all(v.fine for v in verdicts) else FAILED


@app.command()
def main(
    only: Annotated[
        Optional[str], typer.Option(help="Only mutants whose area and name hold this text.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[Optional[Path], typer.Option(help="Write the table to a Markdown file.", show_default=False)] = None,
) -> None:
    """Plant every mutant and print what caught it. Exit status: 0 all are caught or equivalent, 3 one is not."""
    torch.set_num_threads(1)  # matrices are small
    mutants = chosen(MUTANTS, only)
    if not mutants:
        err.print(f"no mutant's name holds {only!r}", highlight=False)
        raise typer.Exit(MISUSED)
    raise typer.Exit(report(mutants, CHECKS, as_json, markdown))


if __name__ == "__main__":
    app()
