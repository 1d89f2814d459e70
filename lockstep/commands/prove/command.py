"""`lockstep prove`: proves that a program's weights are right."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Optional

import typer
from rich.console import Group

from lockstep.common.arguments import constructions, with_copies
from lockstep.common.console import FAILED, emit, err, progress_bar
from lockstep.common.models import DEFAULT_BITS, check_model, word_in_range
from lockstep.common.options import Copies, Json, ProgramOrModel, SomeProcess, SomeSchedule
from lockstep.compiler.names import MASKED_ARM
from lockstep.pram.parameters import evaluate
from lockstep.pram.program import Program

MOST_PROVED_BITS = 16


def prove(file: ProgramOrModel,
          process: SomeProcess = None, schedule: SomeSchedule = None, copies: Copies = None,
          word_bits: Annotated[Optional[int], typer.Option("--word-bits", min=2, max=MOST_PROVED_BITS,
                    help="Bits of a word [the number that the program declares, or 16].", show_default=False)] = None,
          json_: Json = False) -> None:  # fmt: skip
    """Prove that every gate in a program's weights is right.

    The proof covers all operand words of up to 16 bits: word operations, every instruction on every kind of row, and the
    tokens that leave the model.
    """
    scheduled = with_copies(schedule, copies)
    wanted = constructions(process, scheduled)
    _check_has_interface(wanted)
    from lockstep.commands.prove.proving import prove_program
    from lockstep.commands.prove.table import proof_record, proof_table
    from lockstep.compiler.storage import load_program_or_model

    with progress_bar(err, "proving") as progress:
        program, compiled = load_program_or_model(file)
        check_model(compiled, word_bits, None, process, scheduled)
        _check_has_interface([compiled.construction] if compiled else [])
        bits = compiled.widths.word if compiled else word_bits or fixed_bits(program)
        if bits > MOST_PROVED_BITS:
            raise typer.BadParameter(
                f"proofs are for words of up to {MOST_PROVED_BITS} bits, not {bits}", param_hint="--word-bits"
            )
        possible = [] if compiled else with_models(program, wanted)
        found = prove_program(program, possible, bits, compiled, progress)
    emit([proof_record(each) for each in found], Group(*(proof_table(each) for each in found)), json_)
    if not all(each.holds for each in found):
        raise typer.Exit(FAILED)


def _check_has_interface(wanted: Sequence[str]) -> None:
    """Raises: typer.BadParameter: a construction has layers that no proof knows."""
    if MASKED_ARM in wanted:
        raise typer.BadParameter(
            "masked-arm has the layers of mdm between its own two: prove --process mdm; verify checks the others on runs",
            param_hint="--process",
        )


def with_models(program: Program, wanted: Sequence[str]) -> list[str]:
    """Return the constructions that have models of the program's write rules, and say which of several have none.

    Raises: typer.BadParameter: none of them has.
    """
    from lockstep.compiler.names import lacking

    why = {name: lacking(name, program.rules) for name in wanted}
    if all(why.values()):
        raise typer.BadParameter("; ".join(why.values()), param_hint="--process")
    for reason in filter(None, why.values()):
        print(f"left out: {reason}", file=sys.stderr)
    return [name for name in wanted if not why[name]]


def fixed_bits(program: Program) -> int:
    """The word size that a program declares as a number, or the default."""
    word = program.symbols.word
    try:
        return word_in_range(program, evaluate(word.bits, {}, program.source)) if word is not None else DEFAULT_BITS
    except KeyError:  # it depends on parameters
        return DEFAULT_BITS
