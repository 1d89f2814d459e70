"""`lockstep decode`: generates a program's run by a generation process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from lockstep.common.arguments import check_every, with_copies
from lockstep.common.arguments import construction as construction_named
from lockstep.common.console import FAILED, INTERRUPTED, emit, err, progress_bar, spinner, table_width
from lockstep.common.ending import end_with_failures, end_with_run, false_claims, given_parameters, unexpected
from lockstep.common.faults import Corrupt, Kind, check_faults
from lockstep.common.inputs import job_and_input, winner_named
from lockstep.common.models import check_device, check_model, check_order
from lockstep.common.options import (
    Anchor,
    Bits,
    Copies,
    Device,
    Engine,
    Every,
    FixedWinner,
    Full,
    Inputs,
    Json,
    ModelDtype,
    ModelProcess,
    ModelSchedule,
    NoContracts,
    NoiseGiven,
    Order,
    Permutation,
    ProgramOrModel,
    Sampler,
    Seed,
    Sidecar,
    Size,
    Steps,
    Strict,
    Temperature,
)
from lockstep.common.permutations import read_permutation
from lockstep.common.samplers import read_sampled, saying_why
from lockstep.common.tables import heading, narrow_table, record_table, value_text
from lockstep.compiler.names import ERASING, process_of
from lockstep.models.faults import Faults
from lockstep.models.processes import usual_order
from lockstep.models.sampling import Sampling
from lockstep.pram.errors import PramError
from lockstep.pram.job import Job
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import Program
from lockstep.pram.progress import Progress
from lockstep.pram.winner import Winner

if TYPE_CHECKING:
    from lockstep.proofs_check.decoding import Decoded, DecodeOptions
    from lockstep.proofs_check.watching import Watching


def decode(file: ProgramOrModel,
           input: Inputs = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None, process: ModelProcess = None,
           schedule: ModelSchedule = None, copies: Copies = None, every: Every = None, order: Order = None, permutation: Permutation = None,
           sampler: Sampler = None, anchor: Anchor = False, temperature: Temperature = 1, noise: NoiseGiven = None,
           dtype: ModelDtype = None, winner: FixedWinner = None,
           time: Annotated[Optional[int], typer.Option("--time", min=1,
                                                       help="Steps to make room for (mdm, arm) [the steps of the run].")] = None,
           engine: Engine = "auto", device: Device = "cpu",
           workers: Annotated[Optional[int], typer.Option("--workers", min=0, show_default=False,
                                                          help="Worker processes for --input FILE.jsonl [one for each core if "
                                                               "the decodes take long enough]; 0 decodes in this process.")] = None,
           max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False,
           trace: Annotated[bool, typer.Option("--trace",
                    help="Show each decoding step: the sequence, with masks as `·`, and its edits.")] = False,
           samples: Annotated[Optional[int], typer.Option("--samples", min=1, show_default=False,
                                                          help="Decode so many times, and draw each token from the model's whole "
                                                               "distribution, by --seed.")] = None,
           explain: Annotated[bool, typer.Option("--explain", help="With --sampler: say why it is right or wrong.")] = False,
           corrupt: Corrupt = None, fault_kind: Kind = None,
           no_sidecar: Sidecar = False, no_contracts: NoContracts = False, full: Full = False, json_: Json = False) -> None:  # fmt: skip
    """Generate a program's run by masked diffusion, or token by token with --process arm."""
    scheduled = with_copies(schedule, copies)
    construction = construction_named(process, scheduled)
    check_device(device, engine)
    from lockstep.compiler import storage
    from lockstep.compiler.compile import is_causal, takes_time
    from lockstep.proofs_check.decoding import DecodeOptions, decode_job

    with spinner(err, "loading the model"):
        program, compiled = storage.load_program_or_model(file)
        program = replace(program, has_contracts=not no_contracts)
    # If the program declares no word size, the model's applies: larger words change no run.
    bits = compiled.widths.word if compiled and program.symbols.word is None else word_bits
    named = winner_named(program, winner)
    check_model(compiled, word_bits, dtype, process, scheduled, named)
    named = compiled.winner if compiled and compiled.winner else named
    construction = compiled.construction if compiled else construction
    check_every(every, [construction])
    if time is not None and construction == ERASING:
        raise typer.BadParameter("arm erasing makes room for a few steps, again and again: see --every", param_hint="--time")
    if time is not None and not takes_time(construction):
        raise typer.BadParameter("the context of ap-mdm grows as it needs, so it makes no room for steps", param_hint="--time")
    given_order = read_permutation(permutation) if permutation else None
    chosen = order or ("permutation" if permutation else usual_order(process_of(construction)))
    check_order(chosen, [construction])
    if given_order is not None and chosen != "permutation":
        raise typer.BadParameter(f"this is for --order permutation, not {chosen}", param_hint="--permutation")
    sampled = read_sampled(sampler, anchor, temperature, noise, chosen if order or permutation else None, [construction])
    sampling = Sampling(chosen, seed, engine, device, given_order.positions if given_order else None, every, **sampled)
    options = DecodeOptions(construction, dtype or "float64", time, compiled, max_steps, strict, sampling)
    about = {"process": construction, "order": "left-to-right" if is_causal(construction) else chosen}
    if sampling.sampler is not None:
        about = {"process": construction, "sampler": sampling.sampler}
        _check_sampled(input, samples, time)
    if explain and sampling.sampler is None:
        raise typer.BadParameter("this says why a sampler is right or wrong: give --sampler, too", param_hint="--explain")
    if trace and time is not None:
        raise typer.BadParameter("--trace makes room for the steps of the run: leave --time out", param_hint="--trace")
    check_faults(corrupt, fault_kind, [construction])
    if corrupt is not None and (trace or samples is not None or (input and input.suffix == ".jsonl")):
        raise typer.BadParameter("--corrupt takes one input, shows no steps and draws no samples", param_hint="--corrupt")
    if samples is not None and (trace or (input and input.suffix == ".jsonl")):
        raise typer.BadParameter("--samples takes one input, and shows no steps", param_hint="--samples")
    if input and input.suffix == ".jsonl":
        _check_lines(trace, permutation)
        _decode_lines(program, input, size, bits, named, options, workers, about, full, json_)
        return
    if workers is not None:
        raise typer.BadParameter("this is for many inputs: --input FILE.jsonl", param_hint="--workers")
    job, given = job_and_input(program, input, size, seed, bits, named, use_sidecar=not no_sidecar,
                            of_model=compiled.winner if compiled else None)  # fmt: skip
    why = saying_why(job, options) if explain else nullcontext()
    with why, progress_bar(err, "decoding") as progress, given_order.blamed() if given_order else nullcontext():
        if corrupt is not None:
            _disturb(job, options, Faults(corrupt, fault_kind or "random", seed), about, full, json_)
            return
        if trace:
            decoded = _show_steps(job, options, about, full, json_, progress)
        elif sampling.sampler is not None:
            decoded = _watched(job, options, about, full, json_, progress)
        elif samples is not None:
            decoded = _draw(job, options, samples, about, full, json_, progress)
        else:
            decoded = decode_job(job, options, progress)
            emit(decoded.record | about, record_table(decoded.record | about, full), json_)
    end_with_run(program, job, decoded.run, given)


def _check_sampled(input: Path | None, samples: int | None, time: int | None) -> None:
    """Refuse what a decode by a sampler does not take: it is one decode, beside the machine, up to its first wrong token."""
    if samples is not None:
        raise typer.BadParameter("a sampler takes best tokens, and --samples draws them: choose one", param_hint="--sampler")
    if input and input.suffix == ".jsonl":
        raise typer.BadParameter("--sampler takes one input", param_hint="--sampler")
    if time is not None:
        raise typer.BadParameter("--sampler makes room for the steps of the run: leave --time out", param_hint="--sampler")


def _check_lines(trace: bool, permutation: Path | None) -> None:
    """Refuse what a .jsonl file of inputs does not take."""
    if trace:
        raise typer.BadParameter("--trace shows one decode: give one input", param_hint="--trace")
    if permutation is not None:
        raise typer.BadParameter(
            "this is for one input: those of a .jsonl file have their own lengths", param_hint="--permutation"
        )


def _draw(job: Job, options: DecodeOptions, samples: int, about: dict[str, str], full: bool, json_: bool,
          progress: Progress) -> Decoded:  # fmt: skip
    """Decode by a sampler, so many times; print the first sample, and in how many steps samples end. All have the machine's outputs.

    Raises: PramError: as `decode_job`, for any of them.
    """
    from lockstep.proofs_check.decoding import decode_job

    drawn = []
    for number in range(samples):
        drawn.append(decode_job(job, replace(options, sampling=replace(options.sampling, sample=number))))
        progress(number + 1, samples)
    steps = sorted({each.steps for each in drawn})
    record = drawn[0].record | {"samples": samples, "decoding_steps": steps[0] if len(steps) == 1 else steps} | about
    emit(record, record_table(record, full), json_)
    return drawn[0]


def _disturb(job: Job, options: DecodeOptions, faults: Faults, about: dict[str, str], full: bool, json_: bool) -> None:
    """Decode with faults, and print what came of them. Wrong outputs are no failure, unless the construction repairs such faults.

    Raises: PramError: as `decode_job`, for the decode without faults.
    """
    from lockstep.proofs_check.disturbed import Disturbable

    found = Disturbable(job, options).disturb(faults)
    record = found.record | about | {"rate": faults.rate, "fault_kind": faults.kind}
    emit(record | ({"spread": [*found.spread]} if json_ else {}), record_table(record, full), json_)
    if found.breaks_theorem:
        err.print("the model repairs such faults, and it did not")
        raise typer.Exit(FAILED)


def _show_steps(job: Job, options: DecodeOptions, about: dict[str, str], full: bool, json_: bool, progress: Progress) -> Decoded:
    """Decode, and print a row for each decoding step. A decode with a wrong token is shown up to this token.

    Raises: PramError: as `Watching` and its `decoded`.
    """
    from lockstep.common.tracing.decode_text import DecodeRows, token_text
    from lockstep.proofs_check.watching import Watching

    watching = Watching(job, options)
    rows = DecodeRows(watching.start, partial(token_text, watching.layout), table_width(), full)
    for step in watching:
        rows.add(step)
        progress(step.number, watching.steps)
    try:
        decoded = _result(watching)
    except (PramError, typer.Exit):
        emit({"steps": rows.records}, rows.table(), json_, paged=True)
        raise
    record = decoded.record | about
    emit(record | {"steps": rows.records}, Group(rows.table(), record_table(record, full)), json_, paged=True)
    return decoded


def _watched(job: Job, options: DecodeOptions, about: dict[str, str], full: bool, json_: bool, progress: Progress) -> Decoded:
    """Decode beside the machine, and print the result.

    Raises: PramError: as `Watching`. typer.Exit: as `_result`.
    """
    from lockstep.proofs_check.watching import Watching

    watching = Watching(job, options)
    for step in watching:
        progress(step.number, watching.steps)
    decoded = _result(watching)
    emit(decoded.record | about, record_table(decoded.record | about, full), json_)
    return decoded


def _result(watching: Watching) -> Decoded:
    """The result of a decode that has come to its end.

    Raises: PramError: as `Watching.decoded`. typer.Exit: a sampler made a wrong token, which is a failed check.
    """
    if watching.sampling.sampler is not None and watching.divergence is not None:
        wrong = replace(watching.divergence, line="")
        print(f"FAILED: {watching.sampling.sampler} is wrong for this run: {wrong}", file=sys.stderr)
        raise typer.Exit(FAILED)
    return watching.decoded()


def _decode_lines(program: Program, input: Path, size: int | None, bits: int | None, winner: Winner | None,
                  options: DecodeOptions, workers: int | None, about: dict[str, str], full: bool, json_: bool) -> None:  # fmt: skip
    """Decode the inputs of all lines together, and print a record for each line."""
    if size is not None:
        raise typer.BadParameter("--input and --size exclude each other", param_hint="--input")
    from lockstep.proofs_check.batch import decode_lines, read_batch

    lines = read_batch(input)
    try:
        with progress_bar(err, "decoding") as progress:
            found = decode_lines(program, lines, options, word_bits=bits, winner=winner, workers=workers, progress=progress)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    records = [{"line": line.number, **decoded.record, **about} for line, decoded in zip(lines, found)]
    for record in records if json_ else []:
        emit(record, "", as_json=True)
    if not json_:
        emit(records, batch_table(program.name, records, about, full), as_json=False)
    wrong = [
        f"line {line.number} of {input}: {difference}"
        for line, decoded in zip(lines, found)
        for difference in unexpected(program, line.given, decoded.run)
    ]
    false = (
        false_claims(program, given_parameters(program, decoded.run.job), decoded.run, f" of line {line.number} of {input}")
        for line, decoded in zip(lines, found)
    )
    end_with_failures(wrong, [claim for each in false for claim in each])


def batch_table(name: str, records: Sequence[dict[str, Any]], about: dict[str, str], full: bool = False) -> RenderableType:
    """Outputs and costs of inputs that were decoded together, one row for each input."""
    names = list(records[0]["outputs"])
    costs = {"time": "time", "decoding_steps": "decoding steps", "context": "context"}
    table = narrow_table()
    table.add_column("line", justify="right", no_wrap=True)
    for output in names:
        table.add_column(Text(output), overflow="fold")
    for title in costs.values():
        table.add_column(title, justify="right", no_wrap=True)
    for record in records:
        outputs = (Text(value_text(record["outputs"][output], full)) for output in names)
        table.add_row(str(record["line"]), *outputs, *(f"{record[cost]:,}" for cost in costs))
    engines = ", ".join(dict.fromkeys(record["engine"] for record in records))
    above = heading(f"{name}: {len(records)} inputs, decoded together")
    return Group(above, table, Text(f"\ndecoded by: {engines}; {about['process']}, {about['order']}"))
