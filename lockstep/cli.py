"""The command line. Exit status: 0 fine, 1 the program or its input is wrong, 2 usage, 3 a check failed.

Torch and SymPy are imported by the commands that need them, so that `run` starts at once.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn, Optional

import typer
from rich.console import Console

from lockstep import __version__, display
from lockstep.arguments import PROCESSES, constructions, parse_sizes, reading
from lockstep.arguments import choose as _choose
from lockstep.arguments import construction as _construction
from lockstep.commands.sweep import report, sweep
from pram.errors import PramError
from pram.job import Job
from pram.machine import DEFAULT_MAX_STEPS
from pram.parameters import evaluate
from pram.program import Program, load

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="PRAM programs, the transformers that generate their runs, and the checks that hold both together.")  # fmt: skip
#: In a pipe or file, tables are as wide as they like to be, within reason.
out, err = Console(width=None if sys.stdout.isatty() else 120), Console(stderr=True)

WRONG, FAILED = 1, 3
DEFAULT_BITS = 16

File = Annotated[Path, typer.Argument(help="A program, NAME.pram.", show_default=False)]
Input = Annotated[Optional[Path], typer.Option("--input", help="JSON file with params and arrays.", show_default=False)]
Size = Annotated[
    Optional[int], typer.Option("--size", min=1, help="Draw an input of this size instead of --input.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Seed of whatever is drawn at random.")]
Bits = Annotated[Optional[int], typer.Option("--word-bits", help="Word size, instead of the program's.", show_default=False)]
Steps = Annotated[int, typer.Option("--max-steps", min=1, help="Give up after so many steps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Order = Annotated[str, typer.Option("--order", help="parallel, left-to-right, random or random-subsets.")]
Dtype = Annotated[str, typer.Option("--dtype", help="float64 or float32.")]
Process = Annotated[str, typer.Option("--process", help="Generation process: mdm or ap-mdm.")]
Schedule = Annotated[str, typer.Option("--schedule", help="Of ap-mdm: two-step, or one-step in twice the space.")]
Sidecar = Annotated[bool, typer.Option("--no-sidecar", help="Ignore NAME.py beside the program.")]
Out = Annotated[Optional[Path], typer.Option("--out", help="File to write.", show_default=False)]


@app.command()
def run(file: File, input: Input = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None,
        max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Run a program on the exact lock-step machine."""
    from pram.machine import run as run_job
    from proofs_check.claims import check_claims

    program = load(file)
    job = _job(program, input, size, seed, word_bits)
    with display.spinner(err, f"running {program.name}"):
        result = run_job(job, max_steps=max_steps, seed=seed if program.symbols.mode == "CRCW arbitrary" else None)
    _print(display.run_record(result), display.run_table(result), json_)
    false = [c for c in check_claims(program, [(given_of(program, job), result)], "this run") if not c.holds]
    for claim in false:
        print(f"{claim.what} {claim.bound} is false: {claim.measured}", file=sys.stderr)
    if false:
        raise typer.Exit(FAILED)


@app.command()
def asm(file: File, json_: Json = False) -> None:
    """Print the machine code beside its source lines."""
    program = load(file)
    _print(display.code_record(program), display.code_text(program), json_)


@app.command()
def compile(file: File, out_: Out = None,
            word_bits: Annotated[Optional[int], typer.Option(min=2, max=24, help="Bits of a word [16, or as declared].")] = None,
            time_bits: Annotated[int, typer.Option(min=1, max=40, help="Bits of the step number (mdm).")] = 12,
            length_bits: Annotated[int, typer.Option(min=4, max=40, help="Bits of a position (ap-mdm).")] = 12,
            pid_bits: Annotated[int, typer.Option(min=1, max=24, help="Bits of a pid.")] = 6,
            dtype: Dtype = "float64", process: Process = "mdm", schedule: Schedule = "two-step",
            json_: Json = False) -> None:  # fmt: skip
    """Compile a program to the weights of a transformer."""
    _choose("--dtype", dtype, ("float64", "float32"))
    construction = _construction(process, schedule)
    from compiler.compile import CONSTRUCTIONS
    from lockstep import storage

    program = load(file)
    target = out_ or Path(f"{program.name}.safetensors")
    bits = word_bits or _declared_bits(program) or DEFAULT_BITS
    widths = CONSTRUCTIONS[construction].bits(bits, time_bits if process == "mdm" else length_bits, pid_bits)
    record = storage.compile_to_file(program, _writable(target), widths, dtype, construction)
    _print(record, display.record_table(record), json_)


@app.command()
def decode(file: Annotated[Path, typer.Argument(help="A program, or a model file made by `compile`.", show_default=False)],
           input: Input = None, size: Size = None, seed: Seed = 0, word_bits: Bits = None, process: Process = "mdm",
           schedule: Schedule = "two-step", order: Order = "parallel",
           dtype: Annotated[Optional[str], typer.Option("--dtype", help="float64 (default) or float32.", show_default=False)] = None,
           time: Annotated[Optional[int], typer.Option("--time", min=1, help="Blocks to lay out (mdm).")] = None,
           max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Generate a program's run by masked diffusion."""
    construction = _construction(process, schedule)
    _check_order(order, process)
    _choose("--dtype", dtype or "float64", ("float64", "float32"))
    from lockstep import storage
    from lockstep.decoding import decode_job

    with display.spinner(err, "loading the model"):
        program, compiled = storage.program_or_model(file)
    # A program that declares its word size means it; else a model's larger words change no run.
    bits = compiled.widths.word if compiled and program.symbols.word is None else word_bits
    if compiled and word_bits not in (None, compiled.widths.word):
        raise typer.BadParameter(f"this model was compiled for words of {compiled.widths.word} bits", param_hint="--word-bits")
    if compiled and dtype and not str(compiled.model.dtype).endswith(dtype):
        raise typer.BadParameter("this model was compiled for another dtype", param_hint="--dtype")
    job = _job(program, input, size, seed, bits)
    with display.progress(err, "decoding") as progress:
        decoded = decode_job(job, construction=construction, order=order, seed=seed, dtype=dtype or "float64", time=time, compiled=compiled,
                             max_steps=max_steps, progress=progress)  # fmt: skip
    record = {"outputs": decoded.outputs, "decoding_steps": decoded.steps, "context": max(decoded.context),
              "time": decoded.run.time, "process": compiled.construction if compiled else construction, "order": order}  # fmt: skip
    _print(record, display.record_table(record), json_)


@app.command()
def verify(file: File, input: Input = None,
           process: Annotated[str, typer.Option("--process", help="mdm, ap-mdm, or all: both side by side.")] = "mdm",
           schedule: Annotated[str, typer.Option("--schedule", help="Of ap-mdm: two-step, one-step, or all.")] = "two-step",
           random: Annotated[int, typer.Option("--random", min=1, help="Inputs of each size; repeated ones run once.")] = 3,
           sizes: Annotated[str, typer.Option("--sizes", help="Sizes of inputs: 8, 1..64 or 1,2,4.")] = "1..4",
           seed: Seed = 0, order: Order = "parallel", dtype: Dtype = "float64", word_bits: Bits = None, no_sidecar: Sidecar = False,
           max_context: Annotated[int, typer.Option("--max-context", help="Longer contexts are not decoded.")] = 1000,
           max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Hold machine and model against each other.

    Both run one input or random ones, side by side, and are held against the theorems.
    """
    _choose("--dtype", dtype, ("float64", "float32"))
    chosen = constructions(process, schedule)
    _check_order(order, *(PROCESSES if process == "all" else (process,)))
    wanted = parse_sizes(sizes)
    program = load(file)
    with reading(input) as inputs, display.progress(err, f"verifying {program.name}") as progress:
        from lockstep.verification import verify as verify_program

        report = verify_program(
            program, inputs=inputs, sizes=wanted, random=random, use_sidecar=not no_sidecar, progress=progress, constructions=chosen,
            seed=seed, order=order, dtype=dtype, word_bits=word_bits, max_context=max_context, max_steps=max_steps,
        )  # fmt: skip
    _print(display.report_record(report), display.report_table(report), json_)
    if not report.holds:
        raise typer.Exit(FAILED)


@app.command()
def space(file: File, sizes: Annotated[str, typer.Option("--sizes", help="Sizes of inputs: 8, 1..8 or 1,2,4.")] = "1..8",
          seed: Seed = 0, max_context: Annotated[int, typer.Option(help="Longer contexts are computed, not decoded.")] = 1000,
          max_decoding_steps: Annotated[int, typer.Option(help="Longer decodes are computed, not decoded.")] = 2000,
          json_: Json = False) -> None:  # fmt: skip
    """Show how context grows with each process.

    Contexts come from the theorems' closed forms; they are decoded beside the machine where that fits.
    """
    wanted = parse_sizes(sizes)
    program = load(file)
    with display.progress(err, f"running {program.name}") as progress:
        from lockstep.space import space_rows

        limits = {"max_context": max_context, "max_steps": max_decoding_steps}
        rows = space_rows(program, wanted, seed=seed, progress=progress, **limits)
    _print([asdict(row) for row in rows], display.space_table(program.name, rows), json_)
    if not all(row.holds for row in rows):
        raise typer.Exit(FAILED)


@app.command()
def export(file: File, input: Input = None, size: Size = None, seed: Seed = 0, process: Process = "mdm",
           schedule: Schedule = "two-step", out_: Out = None, word_bits: Bits = None, dtype: Dtype = "float64",
           max_steps: Steps = DEFAULT_MAX_STEPS, json_: Json = False) -> None:  # fmt: skip
    """Write one run with its weights for other decoders."""
    _choose("--dtype", dtype, ("float64", "float32"))
    construction = _construction(process, schedule)
    program = load(file)
    job = _job(program, input, size, seed, word_bits)
    target = _writable(out_ or Path(f"{program.name}.job.safetensors"))
    with display.spinner(err, "exporting"):
        from lockstep.export import export_job

        metadata = export_job(program, job, target, construction=construction, dtype=dtype, max_steps=max_steps)
    record = {"file": str(target), **{k: metadata[k] for k in ("process", "word_bits", "time", "decoding_steps")}}
    _print(record, display.record_table(record), json_)


app.command()(sweep)
app.command()(report)

# -- what the commands share -------------------------------------------------------------------


def _job(program: Program, input: Path | None, size: int | None, seed: int, word_bits: int | None) -> Job:
    """The job of an input file, or of an input drawn at random."""
    if (input is None) == (size is None) and (program.given or program.has_inputs):
        both = "--input and --size exclude each other" if input else "an input is missing"
        raise typer.BadParameter(f"{both}; give --input FILE or --size N", param_hint="--input")
    with reading(input) as given:
        params, arrays = given or _drawn(program, size or 1, seed, word_bits)
        return program.instantiate(params, arrays, word_bits)


def _declared_bits(program: Program) -> int | None:
    """The word size that a program declares; None if it declares none."""
    word = program.symbols.word
    if word is None:
        return None
    try:
        return evaluate(word.bits, {}, program.source)
    except KeyError:
        raise typer.BadParameter(
            "this program's `word` depends on parameters: say for how many bits", param_hint="--word-bits"
        ) from None


def _drawn(program: Program, size: int, seed: int, word_bits: int | None) -> tuple[dict[str, int], dict[str, Any]]:
    import numpy as np

    from lockstep.sidecar import generator_for

    return generator_for(program, word_bits=word_bits).inputs(size, np.random.default_rng((seed, size, 0)))


def given_of(program: Program, job: Job) -> dict[str, int]:
    """The parameters that the user gave."""
    return {name: job.values[name] for name in program.given}


def _check_order(order: str, *processes: str) -> None:
    _choose("--order", order, ("parallel", "left-to-right", "random", "random-subsets"))
    if order != "parallel" and "ap-mdm" in processes:
        raise typer.BadParameter("the updates of ap-mdm are synchronous: its only order is parallel", param_hint="--order")


def _writable(path: Path) -> Path:
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory", param_hint="--out")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {path.parent}", param_hint="--out")
    return path


def _print(record: Any, table: Any, as_json: bool) -> None:
    if as_json or isinstance(table, str):
        print(json.dumps(record) if as_json else table)
    else:
        out.print(table)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False) -> None:
    if show:
        print(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Entry point of the command `lockstep`."""
    # Torch reads this when it is imported. Contexts here are small: threads that wait for each other only cost,
    # and on a busy machine they cost a hundredfold.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app(prog_name="lockstep")
    except PramError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception as error:
        if type(error).__name__ != "NotCertified":  # named, so that torch is not imported for this
            raise
        print(f"error: {error}", file=sys.stderr)
    sys.exit(WRONG)


if __name__ == "__main__":
    main()
