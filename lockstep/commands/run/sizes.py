"""`run --sizes`: one run of each size, in one table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.commands.run.results import judged, run_record
from lockstep.common.console import WRONG, emit, err, progress_bar, warnings
from lockstep.common.ending import end_with_failures, false_claims, given_parameters
from lockstep.common.inputs import machine_job_and_input
from lockstep.common.tables import BAD, GOOD, count, heading, narrow_table, number_text
from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.program import Program
from lockstep.pram.syntax import INF

if TYPE_CHECKING:
    from lockstep.pram.unwritten import Warn


@dataclass(frozen=True)
class RunOptions:
    """The options of `run` that hold for all sizes."""

    seed: int | None
    winner: str | None
    word_bits: int | None
    max_steps: int
    strict: bool
    use_sidecar: bool
    timeout: float


@dataclass(frozen=True)
class SizeRow:
    """The run of one size: its record for JSON, or the error that ended it; and the claims that the run refutes."""

    size: int
    record: dict[str, Any]
    error: PramError | None = None
    false: tuple[Diagnostic, ...] = ()

    @property
    def difference(self) -> str:
        """How outputs are wrong; empty if they are right or nobody knows."""
        return self.record.get("difference") or ""


def run_sizes(program: Program, sizes: Sequence[int], options: RunOptions, as_json: bool) -> None:
    """Run one input of each size, each as `run --size` draws it, and print a table.

    A size that fails gives a row with its message. The exit status is then 1; else 3 if outputs are wrong or a claim is false.
    """
    rows = []
    with warnings(options.strict) as warn, progress_bar(err, f"running {program.name}") as progress:
        warn_once = _once_for_each_place(warn)
        for number, size in enumerate(sizes):
            progress(number, len(sizes))
            rows.append(_size_row(program, size, options, warn_once))
    emit([{"size": row.size, **row.record} for row in rows], sizes_table(program, rows), as_json)
    failed = [row for row in rows if row.error is not None]
    for row in failed[:1]:
        also = f", and at {count(len(failed) - 1, 'more size')}" if len(failed) > 1 else ""
        print(f"FAILED at size {row.size}{also}:\n{row.error}", file=sys.stderr)
    wrong = [f"at size {row.size}: {row.difference}" for row in rows if row.difference]
    try:
        end_with_failures(wrong, [claim for row in rows for claim in row.false])
    except typer.Exit:
        if not failed:
            raise
    if failed:
        raise typer.Exit(WRONG)


def _once_for_each_place(warn: Warn) -> Warn:
    """Passes the first warning of each place on: the same line may warn at every size."""
    seen: set[Any] = set()

    def warn_once(warning: Diagnostic) -> None:
        if warning.span not in seen:
            seen.add(warning.span)
            warn(warning)

    return warn_once


def _size_row(program: Program, size: int, options: RunOptions, warn: Warn) -> SizeRow:
    from lockstep.pram.machine import run as run_job

    params: dict[str, Any] = {}
    try:
        job, given = machine_job_and_input(program, None, size, options.seed, options.word_bits, options.winner, options.use_sidecar,
                                  options.timeout)  # fmt: skip
        params = {"params": {name: value for name, value in job.values.items() if name.isidentifier() and name != INF}}
        result = run_job(job, max_steps=options.max_steps, warn=warn)
        verdict = judged(program, given, result, options.use_sidecar, options.timeout)
    except PramError as error:
        return SizeRow(size, params | {"error": error.message}, error)
    false = false_claims(program, given_parameters(program, job), result, f" at size {size}")
    return SizeRow(size, params | run_record(result, verdict), false=tuple(false))


def sizes_table(program: Program, rows: Sequence[SizeRow]) -> RenderableType:
    """One row for each size: parameters, T, P, work, space, and whether outputs are right; or the message of an error."""
    table = narrow_table()
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("parameters")
    for column in ("T", "P", "work", "space"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("outputs", no_wrap=True)
    for row in rows:
        given = ", ".join(f"{name} {value}" for name, value in row.record.get("params", {}).items())
        table.add_row(f"{row.size:,}", given, *_cost_cells(row), _outputs(row))
    errors = [Text(f"size {row.size}: {row.error.message}", style=BAD) for row in rows if row.error is not None]
    letters = Text("T time in steps, P processors, work instructions, space cells of shared memory")
    fits = [Text(f"claim {what} == {formula}") for what, formula in fitted_claims(program, rows)]
    shown = [Text("these claims hold at all sizes above; paste those that you mean:"), *fits] if fits else []
    return Group(heading(f"{program.name}: one run of each size"), table, Text(""), letters, *shown, *errors)


def fitted_claims(program: Program, rows: Sequence[SizeRow]) -> Iterator[tuple[str, str]]:
    """Yield a formula for each quantity of which the program claims nothing, if a simple one fits all sizes."""
    from lockstep.proofs_check.fitting import fitted

    claimed = {claim.quantity for claim in program.claims}
    if any(row.error is not None for row in rows):
        return
    for what in ("time", "work", "space"):
        runs = [({name: row.record["params"][name] for name in program.given}, _quantity(row, what)) for row in rows]
        if what not in claimed and (formula := fitted(runs)) is not None:
            yield what, formula


def _quantity(row: SizeRow, what: str) -> int:
    value = row.record["space"]["allocated"] if what == "space" else row.record[what]
    assert isinstance(value, int)
    return value


def _cost_cells(row: SizeRow) -> list[str]:
    if row.error is not None:
        return [""] * 4
    record = row.record
    return [number_text(n) for n in (record["time"], record["processors"], record["work"], record["space"]["allocated"])]


def _outputs(row: SizeRow) -> Text:
    if row.error is not None:
        return Text("FAILED", style=BAD)
    if "right" not in row.record:
        return Text("not judged")
    return Text("right", style=GOOD) if row.record["right"] else Text("wrong", style=BAD)
