"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from lockstep.pram.winner import FIXED_FORMS, FORMS, MOST_SEED
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS

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
    typer.Option(
        "--word-bits", min=MIN_WORD_BITS, max=MAX_WORD_BITS, help="Bits of a word [as declared, or 16].", show_default=False
    ),
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
