"""`lockstep run`: runs a program on the exact machine, on one input or on one input of each size."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.arguments import parse_sizes
from lockstep.common.console import WRONG, emit, err, progress_bar, spinner, table_width, warnings
from lockstep.common.ending import end_with_failures, false_claims, given_parameters
from lockstep.common.inputs import machine_job_and_input
from lockstep.common.options import (
    AnyWinner,
    Bits,
    DrawnSeed,
    File,
    Full,
    Input,
    Json,
    Sidecar,
    SidecarTimeout,
    Size,
    Steps,
    Strict,
)
from lockstep.common.tables import BAD, GOOD, count, heading, narrow_table, number_text, record_table
from lockstep.pram.errors import Diagnostic, PramError
from lockstep.pram.input_files import placing
from lockstep.pram.inputs import InputFile
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS, Machine, Run, Step, Watch
from lockstep.pram.program import Program, load
from lockstep.pram.syntax import INF

#: `--trace` shows so many rows unless --full is given.
MOST_PRINTED = 200

if TYPE_CHECKING:
    from lockstep.common.tracing.machine_text import StepWatch
    from lockstep.pram.showing import Printed, Shown
    from lockstep.pram.sidecar.judging import Verdict
    from lockstep.pram.unwritten import Warn


def run(file: File, input: Input = None, size: Size = None,
        sizes: Annotated[Optional[str], typer.Option("--sizes", show_default=False,
                    help="Show the costs of one drawn input of each size: 1..8 or 1,2,4.")] = None,
        seed: DrawnSeed = None, winner: AnyWinner = None,
        word_bits: Bits = None, max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False, no_sidecar: Sidecar = False,
        sidecar_timeout: SidecarTimeout = 60,
        trace: Annotated[bool, typer.Option("--trace",
                    help="Show each step: its lines, the memory and what it changed; and what `print` statements print.")] = False,
        full: Full = False, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine.

    The outputs are compared with those of the oracle in NAME.py beside the program, or with those that the input file expects.

    --sizes 1..8 shows T, P, work and space of each size in one table, for people who write claims.
    """
    from lockstep.pram.machine import run as run_job

    program = load(file)
    if sizes is not None:
        if input is not None or size is not None:
            raise typer.BadParameter("--sizes draws its inputs: leave --input and --size out", param_hint="--sizes")
        if trace:
            raise typer.BadParameter("--trace shows one run: give --size instead of --sizes", param_hint="--trace")
        how = RunOptions(seed, winner, word_bits, max_steps, strict, not no_sidecar, sidecar_timeout)
        run_sizes(program, parse_sizes(sizes), how, json_)
        return
    job, given = machine_job_and_input(program, input, size, seed, word_bits, winner, not no_sidecar, sidecar_timeout)
    traced = Traced.of(program, job, every=full or json_) if trace else None
    try:
        with warnings(strict) as warn, spinner(err, f"running {program.name}"):
            for warning in program.analysis.warnings:
                warn(warning)
            result = run_job(job, max_steps=max_steps, warn=warn, watch=traced)
    except PramError:
        if traced:  # what was done before an error may say why it came
            emit(traced.record, traced.table(full), json_, paged=True)
        raise
    verdict = None
    try:
        with placing(given.source):
            verdict = judged(program, given, result, not no_sidecar, sidecar_timeout)
    finally:  # the machine's result is shown even if the sidecar fails
        table, record = run_table(result, verdict, full), run_record(result, verdict)
        if traced:
            table, record = Group(traced.table(full), table), record | traced.record
        emit(record, table, json_, paged=trace)
    wrong = [verdict.difference] if verdict is not None and not verdict.right else []
    end_with_failures(wrong, false_claims(program, given_parameters(program, job), result))


def judged(program: Program, given: InputFile, result: Run, use_sidecar: bool, timeout: float) -> Verdict | None:
    """Whether a run's outputs are those of the sidecar or of the input file; None if neither has any."""
    from lockstep.pram.sidecar import generator_for

    generator = generator_for(program, use_sidecar, timeout=timeout)
    generator.expected = given.expected
    return generator.judge(*given.inputs, result.outputs)


def run_record(run: Run, verdict: Verdict | None = None) -> dict[str, Any]:
    """The output of `lockstep run --json` (docs/language.md, section 7)."""
    judged = {} if verdict is None else {"right": verdict.right, "difference": verdict.difference or None}
    return {
        "outputs": run.outputs,
        "time": run.costs.time,
        "work": run.costs.work,
        "shared_accesses": run.costs.shared_accesses,
        "processors": run.job.processors,
        "space": {"allocated": run.space.allocated, "touched": run.space.touched, "registers": run.space.registers},
        "word_bits": run.job.word_bits,
        "mode": run.job.mode,
        **run.job.winner_record,
        **judged,
    }


def run_table(run: Run, verdict: Verdict | None = None, full: bool = False) -> RenderableType:
    record = run_record(run)
    if verdict is not None:
        unjudged = f"; {', '.join(verdict.unjudged)} not judged" if verdict.unjudged else ""
        record["outputs are"] = ("right" if verdict.right else f"wrong: {verdict.difference}") + unjudged
    space = record.pop("space")
    outputs = {f"{name} (output)": value for name, value in record.pop("outputs").items()}
    return record_table(_given(run) | outputs | record | {f"space {name}": value for name, value in space.items()}, full)


def _given(run: Run) -> dict[str, Any]:
    """The parameters and inputs of a run."""
    job = run.job
    params = {f"{name} (parameter)": value for name, value in job.values.items() if name.isidentifier() and name != INF}
    arrays = [a for a in job.arrays if a.is_input]
    return params | {f"{a.name} (input)": a.read(job.memory) for a in arrays}


# -- the steps of a run, and what `print` statements print -----------------------------------------


@dataclass(frozen=True)
class Traced:
    """Collects the steps of a run and everything that it prints. Give it to `lockstep.pram.machine.run` as `watch`."""

    job: Job
    steps: StepWatch
    printer: Watch | None
    printed: list[Printed]

    @staticmethod
    def of(program: Program, job: Job, every: bool) -> Traced:
        from lockstep.common.tracing.machine_text import StepWatch
        from lockstep.pram.showing import Printer

        printed: list[Printed] = []
        return Traced(job, StepWatch(job, every), Printer(program, job, printed.append) if program.code.prints else None, printed)

    def __call__(self, machine: Machine, step: Step | None) -> None:
        for watch in (self.printer, self.steps):
            if watch is not None:
                watch(machine, step)

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"trace": trace_record(self.printed), "steps": [step.record(self.job) for step in self.steps.steps]}

    def table(self, full: bool) -> RenderableType:
        """What was printed, if the program prints, then a row for each step."""
        from lockstep.common.tracing.machine_text import steps_table

        printed = [trace_table(self.printed, full)] if self.printer is not None else []
        return Group(*printed, steps_table(self.steps, table_width(), full))


def trace_record(printed: Sequence[Printed]) -> list[dict[str, Any]]:
    return [
        {"step": p.step, "line": p.line, "processor": p.processor, "values": [_shown_in_json(value) for value in p.values]}
        for p in printed
    ]


def _shown_in_json(value: Shown) -> Any:
    return value if isinstance(value, (str, int)) else {"no value": value.reason}


def trace_table(printed: Sequence[Printed], full: bool) -> RenderableType:
    """A row for each time that a `print` was reached; the first MOST_PRINTED of them, unless `full`. Ends with an empty line."""
    if not printed:
        return Text("the run reached no `print`\n")
    table = narrow_table()
    for column in ("step", "line", "processor"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("printed", overflow="fold")
    shown = printed if full else printed[:MOST_PRINTED]
    for p in shown:
        texts = [str(value) if isinstance(value, (str, int)) else f"({value.reason})" for value in p.values]
        table.add_row(f"{p.step:,}", str(p.line), "all" if p.processor is None else str(p.processor), Text(" ".join(texts)))
    more = len(printed) - len(shown)
    return Group(table, Text(f"{count(more, 'more row')}; --full prints all\n" if more else ""))


# -- one run of each size --------------------------------------------------------------------------


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
