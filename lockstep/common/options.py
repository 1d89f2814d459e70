"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from lockstep.common.finding import find_optional, find_program
from lockstep.compiler.names import ScheduleName
from lockstep.models.names import DeviceName, DtypeName, EngineName, OrderName, ParallelName, ProcessName
from lockstep.pram.winner import FIXED_FORMS, FORMS, MOST_SEED
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS

ProcessOrAll = Literal[ProcessName, "all"]
ParallelOrAll = Literal[ParallelName, "all"]
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
        "--input",
        help="JSON file with params and arrays. NAME.jsonl has one input on each line; all are decoded together.",
        show_default=False,
    ),
]
Size = Annotated[
    Optional[int], typer.Option("--size", min=1, help="Draw an input of this size instead of --input.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=MOST_SEED, help="Seed for all random choices.")]
DrawnSeed = Annotated[
    Optional[int],
    typer.Option(
        "--seed",
        min=0,
        max=MOST_SEED,
        help="Seed for a drawn input [0]. Under ERCW and CRCW arbitrary it also means --winner random:SEED.",
        show_default=False,
    ),
]
AnyWinner = Annotated[
    Optional[str],
    typer.Option(
        "--winner", help=f"Which processor wins a concurrent write under ERCW and CRCW arbitrary: {FORMS}.", show_default=False
    ),
]
FixedWinner = Annotated[
    Optional[str],
    typer.Option(
        "--winner",
        help=f"Which processor wins a concurrent write under ERCW and CRCW arbitrary: {FIXED_FORMS}.",
        show_default=False,
    ),
]
Bits = Annotated[
    Optional[int],
    typer.Option("--word-bits", help="Bits of a word, instead of the number that the program declares.", show_default=False),
]
ModelBits = Annotated[
    Optional[int],
    typer.Option(
        "--word-bits",
        min=MIN_WORD_BITS,
        max=MAX_WORD_BITS,
        help="Bits of a word [the number that the program declares, or 16].",
        show_default=False,
    ),
]
Steps = Annotated[int, typer.Option("--max-steps", min=1, help="Stop a run after this many steps.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Order = Annotated[
    Optional[OrderName],
    typer.Option(
        "--order",
        help="Order in which the decode unmasks tokens [parallel; left-to-right for ao-mdm and masked-arm].",
        show_default=False,
    ),
]
Permutation = Annotated[
    Optional[Path],
    typer.Option(
        "--permutation", help="File with the masked positions, first to last, for --order permutation.", show_default=False
    ),
]
Sampler = Annotated[
    Optional[str],
    typer.Option(
        "--sampler",
        help="Rules for the masks that each decoding step unmasks, such as top:4,margin or blocks:32+threshold:0.9 (mdm).",
        show_default=False,
    ),
]
Anchor = Annotated[
    bool, typer.Option("--anchor", help="Write given tokens back after each decoding step. Without --sampler, it is parallel.")
]
Temperature = Annotated[float, typer.Option("--temperature", help="What the logits that the sampler sees are divided by.")]
NoiseGiven = Annotated[
    Optional[str],
    typer.Option(
        "--noise", help="SEED:SIZE adds uniform noise, -SIZE to SIZE, to the logits that the sampler sees.", show_default=False
    ),
]
Dtype = Annotated[DtypeName, typer.Option("--dtype", help="Number type of weights and arithmetic.")]
ModelDtype = Annotated[
    Optional[DtypeName], typer.Option("--dtype", help="Number type of weights and arithmetic [float64].", show_default=False)
]
Process = Annotated[ProcessName, typer.Option("--process", help="Generation process.")]
Parallel = Annotated[ParallelName, typer.Option("--process", help="Generation process.")]
SCHEDULES_HELP = "two-step or one-step of ap-mdm; erasing of arm, which keeps the context short; 3-copies or 5-copies of revision"
Schedule = Annotated[ScheduleName, typer.Option("--schedule", help=f"Schedule: {SCHEDULES_HELP}.")]
ModelProcess = Annotated[Optional[ProcessName], typer.Option("--process", help="Generation process [mdm].", show_default=False)]
ModelSchedule = Annotated[
    Optional[ScheduleName], typer.Option("--schedule", help=f"Schedule: {SCHEDULES_HELP} [two-step].", show_default=False)
]
SomeProcess = Annotated[
    Optional[ProcessOrAll],
    typer.Option("--process", help="Generation process; all takes mdm, ap-mdm, arm and revision [mdm].", show_default=False),
]
SomeSchedule = Annotated[
    Optional[ScheduleOrAll], typer.Option("--schedule", help=f"Schedule: {SCHEDULES_HELP} [two-step].", show_default=False)
]
EachProcess = Annotated[
    ProcessOrAll, typer.Option("--process", help="Generation process; all takes mdm, ap-mdm, arm and revision.")
]
AnyProcess = Annotated[ProcessOrAll, typer.Option("--process", help="Generation process; all takes each of them.")]
EachParallel = Annotated[ParallelOrAll, typer.Option("--process", help="Generation process; all takes each of them.")]
EachSchedule = Annotated[ScheduleOrAll, typer.Option("--schedule", help=f"Schedule: {SCHEDULES_HELP}; all takes each.")]
Copies = Annotated[
    Optional[int],
    typer.Option("--copies", help="Copies of every item, of --process revision: 3 is --schedule 3-copies.", show_default=False),
]
Every = Annotated[
    Optional[int],
    typer.Option(
        "--every",
        min=1,
        help="Steps of the machine between two erasures, for --schedule erasing [so many that they have as many tokens as a snapshot].",
        show_default=False,
    ),
]
Engine = Annotated[
    EngineName, typer.Option("--engine", help="How decodes are computed. All engines give the same tokens; auto chooses by size.")
]
Device = Annotated[DeviceName, typer.Option("--device", help="Where the engines dense and active compute.")]
Sidecar = Annotated[bool, typer.Option("--no-sidecar", help="Ignore the sidecar NAME.py beside the program.")]
NoContracts = Annotated[
    bool, typer.Option("--no-contracts", help="Leave the contracts of the program out, for runs that are long or large.")
]
SidecarTimeout = Annotated[
    float, typer.Option("--sidecar-timeout", min=0, help="Seconds that each call of the sidecar may take; 0 sets no limit.")
]
Full = Annotated[bool, typer.Option("--full", help="Print all entries of long arrays.")]
Strict = Annotated[bool, typer.Option("--strict", help="End the run with an error if it reads a cell that nothing has written.")]
Shrink = Annotated[
    int, typer.Option("--shrink", min=0, help="Seconds to search for a smaller failing input; 0 keeps it as it is.")
]
