"""Checks of options for commands that compile, decode and prove, made before they start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from lockstep.compiler.names import SCHEDULES, process_of, schedule_of
from lockstep.pram.errors import fail
from lockstep.pram.parameters import evaluate
from lockstep.pram.program import Program
from lockstep.pram.winner import Winner
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS

if TYPE_CHECKING:
    from lockstep.compiler.compile import Compiled


DEFAULT_BITS = 16


def declared_bits(program: Program) -> int | None:
    """The word size that a program declares; None if it declares none."""
    word = program.symbols.word
    if word is None:
        return None
    try:
        return word_in_range(program, evaluate(word.bits, {}, program.source))
    except KeyError:
        raise typer.BadParameter(
            "the number of bits of this program's words depends on parameters: choose one", param_hint="--word-bits"
        ) from None


def word_in_range(program: Program, bits: int) -> int:
    """Check the word size that a program declares, and return it.

    Raises: PramError: the machine has no words of that size.
    """
    if not MIN_WORD_BITS <= bits <= MAX_WORD_BITS:
        word = program.symbols.word
        raise fail(f"word size {bits} is not in {MIN_WORD_BITS} .. {MAX_WORD_BITS}", program.source, word.at if word else None)
    return bits


def check_model(compiled: Compiled | None, word_bits: int | None, dtype: str | None, process: str | None,
                schedule: str | None, winner: Winner | None = None) -> None:  # fmt: skip
    """Refuse options that contradict the model file, if there is one."""
    if compiled is None:
        return
    own_dtype = compiled.model.dtype_name
    own_schedule = schedule_of(compiled.construction) or SCHEDULES[0]
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
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise typer.BadParameter("torch finds no cuda device here", param_hint="--device")
    if engine in ("indexed", "native"):
        raise typer.BadParameter(f"the {engine} engine computes on the processor; take dense or active", param_hint="--device")


def check_order(order: str | None, constructions: Iterable[str]) -> None:
    """Raises: typer.BadParameter: the user chose an order that a construction's process does not take."""
    from lockstep.models.processes import PROCESSES

    for process in dict.fromkeys(process_of(name) for name in constructions if order):
        try:
            PROCESSES[process].check_order(order or "")
        except ValueError as error:
            raise typer.BadParameter(f"{error}", param_hint="--order") from None
