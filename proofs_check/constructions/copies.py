"""Revision with several copies of every item (`lockstep.compiler.copies`): the state of the machine, so many times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lockstep.compiler import copies
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions import revision
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase


class CopiesExpectation(revision.RevisionExpectation):
    """After decoding step t, the state of the machine after step t, in every copy."""

    layout: copies.Layout

    def _hold_state(self) -> None:
        items, first = self.layout.items, self.layout.first_cell - 1
        self.tokens[1:].reshape(-1, items)[:, first:] = self.state()


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    """The same length in every step, and in the one that finds nothing to change."""
    yield values["T"] + 1, values["N"]


def phases(values: Letters, bound: Bound, running: float, written: float, copies: int) -> list[Phase]:
    """As revision, so many times."""
    return [
        Phase(each.steps, each.context, min(each.context, copies * each.rows), min(each.context, copies * each.later))
        for each in revision.phases(values, bound, running, written)
    ]


def facts(number: int) -> Facts:
    """Those of so many copies: votes, the own program counter, what marks a copy, and the layer of the votes."""
    return Facts(
        expectation=CopiesExpectation,
        width=ClosedForm(f"{revision.FACTS.width.text} + b + c + {number + 2}"),
        tokens=ClosedForm(f"{number} * ({revision.FACTS.tokens.text})"),
        contexts=contexts,
        phases=partial(phases, copies=number),
        in_place=True,
        depth=ClosedForm("4"),
    )


#: By the number of copies.
FACTS = {number: facts(number) for number in copies.CONSTRUCTION}
