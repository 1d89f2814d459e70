"""Commands that compile programs and decode their runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from lockstep.common import display
from lockstep.common.arguments import MODEL_BITS, PROCESSES, choose, parse_sizes
from lockstep.common.arguments import construction as construction_named
from lockstep.common.ending import end_with, end_with_run, false_claims, given_of, unexpected
from lockstep.common.options import (
    DEFAULT_BITS,
    ENGINES,
    FAILED,
    Bits,
    Device,
    Dtype,
    Engine,
    File,
    FixedWinner,
    Input,
    Inputs,
    Json,
    ModelBits,
    ModelDtype,
    ModelProcess,
    ModelSchedule,
    Order,
    Process,
    Schedule,
    Seed,
    Size,
    Steps,
    Strict,
    check_device,
    check_model,
    check_order,
    declared_bits,
    emit,
    err,
    given_case,
    winner_named,
    writable,
)
from lockstep.pram.machine import DEFAULT_MAX_STEPS
from lockstep.pram.program import Program, load

TIME_BITS, LENGTH_BITS, PID_BITS = (MODEL_BITS[name] for name in ("time", "length", "pid"))


def compile(file: File,
            out_: Annotated[Optional[Path], typer.Option("--out", help="File to write [NAME.safetensors, of the program's name].",
                                                         show_default=False)] = None,
            word_bits: ModelBits = None,
            time_bits: Annotated[int, typer.Option(min=TIME_BITS[0], max=TIME_BITS[1], help="Bits of the step number (mdm).")] = 12,
            length_bits: Annotated[int, typer.Option(min=LENGTH_BITS[0], max=LENGTH_BITS[1], help="Bits of a position (ap-mdm).")] = 12,
            pid_bits: Annotated[int, typer.Option(min=PID_BITS[0], max=PID_BITS[1], help="Bits of a pid.")] = 6,
            dtype: Dtype = "float64", process: Process = "mdm", schedule: Schedule = "two-step", winner: FixedWinner = None,
            json_: Json = False) -> None:  # fmt: skip
    """Compile a program to the weights of a transformer."""
    choose("--dtype", dtype, ("float64", "float32"))
    construction = construction_named(process, schedule)
    from lockstep.compiler import storage
    from lockstep.compiler.compile import CONSTRUCTIONS

    program = load(file)
    named = winner_named(program, winner)
    target = out_ or Path(f"{program.name}.safetensors")
    bits = word_bits or declared_bits(program) or DEFAULT_BITS
    widths = CONSTRUCTIONS[construction].bits(bits, time_bits if process == "mdm" else length_bits, pid_bits)
    record = storage.compile_to_file(program, writable(target), widths, dtype, construction, named)
    emit(record, display.record_table(record), json_)


def decode(file: Annotated[Path, typer.Argument(help="A program, or a model file made by `compile`.", show_default=False)],
           input: Inputs = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None, process: ModelProcess = None,
           schedule: ModelSchedule = None, order: Order = "parallel", dtype: ModelDtype = None, winner: FixedWinner = None,
           time: Annotated[Optional[int], typer.Option("--time", min=1, help="Blocks to lay out (mdm).")] = None,
           engine: Engine = "auto", device: Device = "cpu", max_steps: Steps = DEFAULT_MAX_STEPS, strict: Strict = False,
           json_: Json = False) -> None:  # fmt: skip
    """Generate a program's run by masked diffusion."""
    construction = construction_named(process, schedule)
    choose("--engine", engine, ENGINES)
    check_device(device, engine)
    choose("--dtype", dtype or "float64", ("float64", "float32"))
    from lockstep.compiler import storage
    from lockstep.proofs_check.decoding import decode_job

    with display.spinner(err, "loading the model"):
        program, compiled = storage.program_or_model(file)
    # A program that declares its word size means it; else a model's larger words change no run.
    bits = compiled.widths.word if compiled and program.symbols.word is None else word_bits
    named = winner_named(program, winner)
    check_model(compiled, word_bits, dtype, process, schedule, named)
    named = compiled.winner if compiled and compiled.winner else named
    construction = compiled.construction if compiled else construction
    check_order(order, construction.split()[0])
    if time is not None and construction != PROCESSES[0]:
        raise typer.BadParameter("only mdm lays out blocks: the context of ap-mdm grows as it needs", param_hint="--time")
    how: dict[str, Any] = {"construction": construction, "order": order, "seed": seed, "dtype": dtype or "float64", "time": time,
           "compiled": compiled, "engine": engine, "device": device, "max_steps": max_steps, "strict": strict}  # fmt: skip
    about = {"process": construction, "order": order}
    if input and input.suffix == ".jsonl":
        _decode_lines(program, input, size, bits, how | {"winner": named}, about, json_)
        return
    job, given = given_case(program, input, size, seed, bits, named, of_model=compiled.winner if compiled else None)
    with display.progress(err, "decoding") as progress:
        decoded = decode_job(job, progress=progress, **how)
    record = decoded.record | about
    emit(record, display.record_table(record), json_)
    end_with_run(program, job, decoded.run, given)


def _decode_lines(program: Program, input: Path, size: int | None, bits: int | None, how: dict[str, Any], about: dict[str, str],
                  json_: bool) -> None:  # fmt: skip
    """A record for each line of the file."""
    if size is not None:
        raise typer.BadParameter("--input and --size exclude each other", param_hint="--input")
    from lockstep.proofs_check.batch import decode_lines, read_batch

    lines = read_batch(input)
    with display.progress(err, "decoding") as progress:
        found = decode_lines(program, lines, word_bits=bits, progress=progress, **how)
    records = [{"line": line.number, **decoded.record, **about} for line, decoded in zip(lines, found)]
    for record in records if json_ else []:
        emit(record, "", as_json=True)
    if not json_:
        emit(records, display.batch_table(program.name, records, about), as_json=False)
    wrong = [
        f"line {line.number} of {input}: {difference}"
        for line, decoded in zip(lines, found)
        for difference in unexpected(program, line.given, decoded.run)
    ]
    false = (
        false_claims(program, given_of(program, decoded.run.job), decoded.run, f" of line {line.number} of {input}")
        for line, decoded in zip(lines, found)
    )
    end_with(wrong, [claim for each in false for claim in each])


def space(file: File, sizes: Annotated[str, typer.Option("--sizes", help="Sizes of inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          seed: Seed = 0, max_context: Annotated[int, typer.Option(min=0, help="Longer contexts are computed, not decoded.")] = 1000,
          max_decoding_steps: Annotated[int, typer.Option(min=0, help="Longer decodes are computed, not decoded.")] = 2000,
          json_: Json = False) -> None:  # fmt: skip
    """Show how context grows with each process.

    Contexts come from the theorems' closed forms; they are decoded beside the machine where that fits.
    """
    wanted = parse_sizes(sizes)
    program = load(file)
    with display.progress(err, f"running {program.name}") as progress:
        from lockstep.commands.space.rows import space_rows

        limits = {"max_context": max_context, "max_steps": max_decoding_steps}
        rows = space_rows(program, wanted, seed=seed, progress=progress, **limits)
    emit([row.record for row in rows], display.space_table(program.name, rows), json_)
    end_with([], [claim for row in rows for claim in false_claims(program, row.params, row.run)])
    if not all(row.holds for row in rows):
        raise typer.Exit(FAILED)


def export(file: File, input: Input = None, size: Size = None, seed: Seed = 0, process: Process = "mdm",
           schedule: Schedule = "two-step", winner: FixedWinner = None,
           out_: Annotated[Optional[Path], typer.Option("--out", help="File to write [NAME.job.safetensors, of the program's name].",
                                                        show_default=False)] = None,
           word_bits: Bits = None, dtype: Dtype = "float64",
           max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Write one run with its weights for other decoders."""
    choose("--dtype", dtype, ("float64", "float32"))
    construction = construction_named(process, schedule)
    program = load(file)
    target = writable(out_ or Path(f"{program.name}.job.safetensors"))
    job, given = given_case(program, input, size, seed, word_bits, winner_named(program, winner))
    with display.spinner(err, "exporting"):
        from lockstep.commands.export.job_file import export_job

        metadata, exact = export_job(program, job, target, construction=construction, dtype=dtype, max_steps=max_steps)
    record = {"file": str(target), **{k: metadata[k] for k in ("process", "word_bits", "time", "decoding_steps")}}
    emit(record, display.record_table(record), json_)
    end_with_run(program, job, exact, given, f"; {target} was written all the same")
