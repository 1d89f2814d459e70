"""`--prove` of tasks: the rows of a model do what its rules say, in all cases that a row can see."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import typer

from lockstep.commands.task.solved import Solved, finish
from lockstep.common.console import err, progress_bar

if TYPE_CHECKING:
    from lockstep.compiler.circuit import Circuit
    from lockstep.models.positions import Positions
    from lockstep.models.transformer import Transformer
    from lockstep.proofs_check.tasks.rules import Rules

#: What the proof shows.
NOTE = (
    "On the weights, for all tokens at all positions: each head finds the row that the rules mean, and gates say what they say."
)


class OfCircuit(Protocol):
    """A task whose model was assembled from a circuit."""

    @property
    def circuit(self) -> Circuit: ...

    def model(self, dtype: str) -> Transformer: ...

    def positions(self, length: int) -> Positions: ...


def for_decodes_only(given: Mapping[str, object]) -> None:
    """Raises: BadParameter: an option stands beside --prove that is for a decode. given: what users gave, by its name."""
    for hint, value in given.items():
        if value:
            raise typer.BadParameter("--prove decodes nothing: leave this out", param_hint=hint)


def require(given: object, hint: str) -> None:
    """Raises: BadParameter: nothing was given. hint: its name."""
    if given is None:
        raise typer.BadParameter("it is missing; only --prove does without it", param_hint=hint)


def prove_task(title: str, task: OfCircuit, rules: Rules, dtype: str, as_json: bool) -> None:
    """Prove that each row does what the rules say, and print what was compared; status 3 if one does not."""
    from lockstep.proofs_check.tasks.all_rows import prove_rows
    from lockstep.proofs_check.tasks.cases import RowDiffers

    started, differs, measured = time.perf_counter(), "", {}
    with progress_bar(err, "heads and gates") as progress:
        try:
            proved = prove_rows(task.model(dtype), task.circuit, task.positions(rules.length), rules, progress)
            measured = {"heads": proved.heads, "columns_that_gates_write": proved.columns, "cases_of_a_pair_of_rows": proved.pairs,
                        "cases_of_a_row": proved.cases}  # fmt: skip
        except RowDiffers as found:
            differs = str(found)
    answer = {"each_row_does_what_the_rules_say": not differs} | ({"it_differs": differs} if differs else {})
    rests = tuple(f"It rests on this, of whole sequences: {each}." for each in rules.argued)
    finish(
        Solved(f"{title}, up to {rules.length:,} rows, in {dtype}", answer, measured, {"each_row_does_what_the_rules_say": True},
               time.perf_counter() - started, "", (NOTE, *rests)),
        as_json,
    )  # fmt: skip
