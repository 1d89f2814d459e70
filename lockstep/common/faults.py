"""Options for decodes with faults (`lockstep.models.faults`), and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Optional

import typer

from lockstep.compiler.names import MASKED_ARM
from lockstep.models.names import FaultKind

Corrupt = Annotated[
    Optional[float],
    typer.Option(
        "--corrupt",
        min=0,
        max=1,
        help="Change each generated token with this chance between two decoding steps, by --seed, and say what comes of it.",
        show_default=False,
    ),
]
Kind = Annotated[
    Optional[FaultKind],
    typer.Option(
        "--fault-kind",
        help="What a token changes to: any other, or one of its kind in which a bit flips [random].",
        show_default=False,
    ),
]


def check_faults(corrupt: object, kind: str | None, constructions: Sequence[str] = ()) -> None:
    """Refuse a kind without a rate, and what has no faults. Raises: typer.BadParameter."""
    if corrupt is None and kind is not None:
        raise typer.BadParameter("this is for --corrupt", param_hint="--fault-kind")
    if corrupt is not None and MASKED_ARM in constructions:
        raise typer.BadParameter(
            "a pair of masked-arm names a position, and faults make of it what is no sequence", param_hint="--corrupt"
        )


def parse_rates(text: str) -> tuple[float, ...]:
    """The rates in a text such as `1e-4,1e-3,0.01`, ascending, each once.

    Raises: typer.BadParameter: the text is no such list.
    """
    try:
        rates = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of rates such as 1e-4,1e-3,0.01", param_hint="--corrupt") from None
    if not all(0 <= rate <= 1 for rate in rates):
        raise typer.BadParameter(f"{text!r}: a rate is a chance from 0 to 1", param_hint="--corrupt")
    return tuple(rates)
