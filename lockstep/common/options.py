"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from lockstep.common.finding import find_optional, find_program
from lockstep.compiler.names import ScheduleName
from lockstep.models.names import DeviceName, DtypeName, EngineName, OrderName, ProcessName
from lockstep.pram.winner import FIXED_FORMS, FORMS, MOST_SEED
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS

ProcessOrAll = Literal[ProcessName, "all"]
ScheduleOrAll = Literal[ScheduleName, "all"]

File = Annotated[Path, typer.Argument(callback=find_program, help="A program, NAME.pram.", show_default=False)]
OptionalFile = Annotated[Optional[Path], typer.Argument(callback=find_optional, help="A program, NAME.pram.", show_default=False)]
ProgramOrModel = Annotated[
    Path, typer.Argument(callback=find_program, help="A program, or a model file made by `compile`.", show_default=False)
]
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
    typer.Option(
        "--word-bits", min=MIN_WORD_BITS, max=MAX_WORD_BITS, help="Bits of a word [as declared, or 16].", show_default=False
    ),
]
Steps = Annotated[int, typer.Option("--max-steps", min=1, help="Give up after so many steps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Order = Annotated[OrderName, typer.Option("--order", help="Order of unmasking.")]
Dtype = Annotated[DtypeName, typer.Option("--dtype", help="Of weights and arithmetic.")]
ModelDtype = Annotated[
    Optional[DtypeName], typer.Option("--dtype", help="Of weights and arithmetic [float64].", show_default=False)
]
Process = Annotated[ProcessName, typer.Option("--process", help="Generation process.")]
Schedule = Annotated[ScheduleName, typer.Option("--schedule", help="Of ap-mdm: one-step takes twice the space.")]
ModelProcess = Annotated[Optional[ProcessName], typer.Option("--process", help="Generation process [mdm].", show_default=False)]
ModelSchedule = Annotated[Optional[ScheduleName], typer.Option("--schedule", help="Of ap-mdm [two-step].", show_default=False)]
SomeProcess = Annotated[
    Optional[ProcessOrAll], typer.Option("--process", help="Generation process; all: each [mdm].", show_default=False)
]
SomeSchedule = Annotated[Optional[ScheduleOrAll], typer.Option("--schedule", help="Of ap-mdm [two-step].", show_default=False)]
EachProcess = Annotated[ProcessOrAll, typer.Option("--process", help="Generation process; all: side by side.")]
EachSchedule = Annotated[ScheduleOrAll, typer.Option("--schedule", help="Of ap-mdm.")]
Engine = Annotated[EngineName, typer.Option("--engine", help="All give the same tokens; auto chooses by size.")]
Device = Annotated[DeviceName, typer.Option("--device", help="Where dense and active compute.")]
Sidecar = Annotated[bool, typer.Option("--no-sidecar", help="Ignore NAME.py beside the program.")]
SidecarTimeout = Annotated[
    float, typer.Option("--sidecar-timeout", min=0, help="Seconds for each call of the sidecar; 0: no limit.")
]
Full = Annotated[bool, typer.Option("--full", help="Print long arrays whole.")]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse reads of cells that nothing has written.")]
Shrink = Annotated[int, typer.Option("--shrink", min=0, help="Seconds to look for a smaller failing input.")]
