"""What the commands share: options, where they print, what they make of an input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar

import typer
from rich.console import Console

from lockstep.common.arguments import SCHEDULES, check_winner, choose, reading, winner_given
from lockstep.pram.access import MODES
from lockstep.pram.errors import fail
from lockstep.pram.inputs import InputFile
from lockstep.pram.job import Job
from lockstep.pram.parameters import evaluate
from lockstep.pram.program import Program, is_model_file
from lockstep.pram.winner import FIXED_FORMS, FORMS, LOWEST, MOST_SEED, Winner, at_random, parse_winner
from lockstep.pram.word import MAX_BITS, MIN_BITS

if TYPE_CHECKING:  # torch would come with it
    from lockstep.compiler.compile import Compiled

#: In a pipe or file, tables are as wide as they like to be, within reason.
out, err = Console(width=None if sys.stdout.isatty() else 120), Console(stderr=True)

T = TypeVar("T")
WRONG, FAILED = 1, 3
DEFAULT_BITS = 16

#: Keys of lockstep.models.engines.ENGINES, which is not imported here because of torch, and what picks one of them.
ENGINES = ("auto", "dense", "active", "indexed")

File = Annotated[Path, typer.Argument(help="A program, NAME.pram.", show_default=False)]
Input = Annotated[Optional[Path], typer.Option("--input", help="JSON file with params and arrays.", show_default=False)]
Inputs = Annotated[
    Optional[Path],
    typer.Option(
        "--input", help="JSON file with params and arrays; NAME.jsonl: one on each line, decoded together.", show_default=False
    ),
]
Size = Annotated[
    Optional[int], typer.Option("--size", min=1, help="Draw an input of this size instead of --input.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=MOST_SEED, help="Seed of whatever is drawn at random.")]
DrawnSeed = Annotated[
    Optional[int],
    typer.Option(
        "--seed",
        min=0,
        max=MOST_SEED,
        help="Seed of an input that is drawn; under CRCW arbitrary short for --winner random:SEED, too [0].",
        show_default=False,
    ),
]
AnyWinner = Annotated[
    Optional[str], typer.Option("--winner", help=f"Who wins concurrent writes under CRCW arbitrary: {FORMS}.", show_default=False)
]
FixedWinner = Annotated[
    Optional[str],
    typer.Option(
        "--winner", help=f"Who wins concurrent writes under CRCW arbitrary: {FIXED_FORMS} of an order.", show_default=False
    ),
]
Bits = Annotated[Optional[int], typer.Option("--word-bits", help="Word size, instead of the program's.", show_default=False)]
ModelBits = Annotated[
    Optional[int],
    typer.Option("--word-bits", min=MIN_BITS, max=MAX_BITS, help="Bits of a word [as declared, or 16].", show_default=False),
]
Steps = Annotated[int, typer.Option("--max-steps", min=1, help="Give up after so many steps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Order = Annotated[str, typer.Option("--order", help="parallel, left-to-right, random or random-subsets.")]
Dtype = Annotated[str, typer.Option("--dtype", help="float64 or float32.")]
ModelDtype = Annotated[Optional[str], typer.Option("--dtype", help="float64 (default) or float32.", show_default=False)]
Process = Annotated[str, typer.Option("--process", help="Generation process: mdm or ap-mdm.")]
Schedule = Annotated[str, typer.Option("--schedule", help="Of ap-mdm: two-step, or one-step in twice the space.")]
ModelProcess = Annotated[
    Optional[str], typer.Option("--process", help="Generation process: mdm (default) or ap-mdm.", show_default=False)
]
ModelSchedule = Annotated[
    Optional[str], typer.Option("--schedule", help="Of ap-mdm: two-step (default) or one-step.", show_default=False)
]
Engine = Annotated[str, typer.Option("--engine", help="auto (by size), dense, active or indexed; all give the same tokens.")]
Device = Annotated[str, typer.Option("--device", help="Where dense and active compute: cpu or cuda.")]
Sidecar = Annotated[bool, typer.Option("--no-sidecar", help="Ignore NAME.py beside the program.")]
SidecarTimeout = Annotated[
    float, typer.Option("--sidecar-timeout", min=0, help="Seconds for each call of the sidecar; 0: no limit.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse reads of cells that nothing has written.")]
Shrink = Annotated[int, typer.Option("--shrink", min=0, help="Seconds to look for a smaller failing input.")]


def given_case(program: Program, input: Path | None, size: int | None, seed: int, word_bits: int | None,
               winner: Winner | None = None, otherwise: Winner = LOWEST, use_sidecar: bool = True,
               timeout: float | None = None, of_model: Winner | None = None) -> tuple[Job, InputFile]:  # fmt: skip
    """The job of an input file, or of an input drawn at random, and that input.

    Args: winner: who wins concurrent writes; without one, whom the file names, else `otherwise`. use_sidecar, timeout: of
          who draws, as for `lockstep.pram.sidecar.generator_for`. of_model: the winner of the model that will decode it, which the
          file may not contradict.
    """
    if (input is None) == (size is None) and (program.given or program.has_inputs):
        both = "--input and --size exclude each other" if input else "an input is missing"
        raise typer.BadParameter(f"{both}; give --input FILE or --size N", param_hint="--input")
    with reading(input) as given:
        if given is None:
            found, job = drawn_job(program, size or 1, seed, word_bits, use_sidecar, timeout)
        else:
            check_winner(given, of_model)
            found, job = given, program.instantiate(*given.inputs, word_bits)
        return replace(job, winner=winner or winner_given(program, given) or otherwise), found


def winner_named(program: Program, text: str | None, fixed: bool = True) -> Winner | None:
    """The winner that --winner names.

    Raises: typer.BadParameter: it names none, the program leaves none open, or it has to be `fixed` and is not.
    """
    if text is None:
        return None
    try:
        winner = parse_winner(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--winner") from None
    mode = program.symbols.mode
    if not MODES[mode].winner_open:
        raise typer.BadParameter(f"mode {mode} of this program leaves no winner open", param_hint="--winner")
    if fixed and not winner.fixed:
        what = f"{text} is no fixed order of the processors, and a model has one: take {FIXED_FORMS}"
        raise typer.BadParameter(f"{what} (`run` takes any winner)", param_hint="--winner")
    return winner


def machine_case(program: Program, input: Path | None, size: int | None, seed: int | None, word_bits: int | None,
                 winner: str | None, use_sidecar: bool = True, timeout: float | None = None) -> tuple[Job, InputFile]:  # fmt: skip
    """As `given_case`, under any winner; where the mode leaves one open, a seed alone means random:SEED."""
    named = winner_named(program, winner, fixed=False)
    if named is not None and seed is not None and size is None:
        raise typer.BadParameter("--winner and --seed both say who wins concurrent writes; give one", param_hint="--winner")
    if not MODES[program.symbols.mode].winner_open:
        return given_case(program, input, size, seed or 0, word_bits, use_sidecar=use_sidecar, timeout=timeout)
    drawn_anew = at_random(seed or 0)
    if named is None and seed is not None:
        named = drawn_anew
    return given_case(program, input, size, seed or 0, word_bits, named, drawn_anew, use_sidecar, timeout)


def declared_bits(program: Program) -> int | None:
    """The word size that a program declares; None if it declares none."""
    word = program.symbols.word
    if word is None:
        return None
    try:
        return word_in_range(program, evaluate(word.bits, {}, program.source))
    except KeyError:
        raise typer.BadParameter(
            "this program's `word` depends on parameters: say for how many bits", param_hint="--word-bits"
        ) from None


def word_in_range(program: Program, bits: int) -> int:
    """The word size that a program declares.

    Raises: PramError: there are no such words.
    """
    if not MIN_BITS <= bits <= MAX_BITS:
        word = program.symbols.word
        raise fail(f"word size {bits} is not in {MIN_BITS} .. {MAX_BITS}", program.source, word.at if word else None)
    return bits


def drawn_job(program: Program, size: int, seed: int, word_bits: int | None, use_sidecar: bool = True,
              timeout: float | None = None) -> tuple[InputFile, Job]:  # fmt: skip
    """An input drawn at random, and its job; a sidecar is to blame for what it draws."""
    from lockstep.pram.sidecar import draw_one, generator_for
    from lockstep.pram.sidecar.process import DEFAULT_TIMEOUT

    generator = generator_for(program, use_sidecar, word_bits, DEFAULT_TIMEOUT if timeout is None else timeout)
    with generator.blamed():
        found = InputFile(*draw_one(generator, size, 0, seed))
        return found, program.instantiate(*found.inputs, word_bits)


def check_model(compiled: Compiled | None, word_bits: int | None, dtype: str | None, process: str | None,
                schedule: str | None, winner: Winner | None = None) -> None:  # fmt: skip
    """What is said of a model file that was given is true of it."""
    if compiled is None:
        return
    own_dtype = compiled.model.dtype_name
    own_schedule = compiled.construction.removeprefix(compiled.process).strip() or SCHEDULES[0]
    for flag, said, own, what in (
        ("--word-bits", word_bits, compiled.widths.word, f"words of {compiled.widths.word} bits"),
        ("--dtype", dtype, own_dtype, own_dtype),
        ("--process", process, compiled.process, compiled.construction),
        ("--schedule", schedule, own_schedule, compiled.construction),
        ("--winner", winner, compiled.winner or winner, f"the winner {compiled.winner}"),
    ):
        if said not in (None, "all", own):
            raise typer.BadParameter(f"this model was compiled for {what}", param_hint=flag)


def check_device(device: str, engine: str) -> None:
    choose("--device", device, ("cpu", "cuda"))
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise typer.BadParameter("torch finds no cuda device here", param_hint="--device")
    if engine == "indexed":
        raise typer.BadParameter("the indexed engine computes on the processor; take dense or active", param_hint="--device")


def check_order(order: str, *processes: str) -> None:
    choose("--order", order, ("parallel", "left-to-right", "random", "random-subsets"))
    if order != "parallel" and "ap-mdm" in processes:
        raise typer.BadParameter("the updates of ap-mdm are synchronous: its only order is parallel", param_hint="--order")


def writable(path: Path) -> Path:
    """Where a model file may be written: over another one, and over nothing else that somebody may want to keep."""
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory", param_hint="--out")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no directory {path.parent}", param_hint="--out")
    if path.exists() and not _may_be_lost(path):
        raise typer.BadParameter(f"{path} is there already and is no model file: nothing is written over it", param_hint="--out")
    return path


def _may_be_lost(path: Path) -> bool:
    """Whether what stands there is a model file, or a file without anything in it."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(10)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="--out") from None
    return not head or is_model_file(head)


def existing(directory: Path, flag: str = "--failing") -> Path:
    """A directory that files can be written to, found out before anything runs."""
    if not directory.is_dir():
        raise typer.BadParameter(f"there is no directory {directory}", param_hint=flag)
    return directory


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


def emit(record: Any, table: Any, as_json: bool) -> None:
    if as_json or isinstance(table, str):
        print(json.dumps(record) if as_json else table)
    else:
        out.print(table)
