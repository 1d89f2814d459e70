"""Masked-ARM (`lockstep.compiler.masked_arm`): pairs of a position and a token, in the order of any-order masked diffusion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockstep.compiler import masked_arm
from lockstep.models.sampling import Sampling
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions import mdm
from lockstep.proofs_check.constructions.facts import Letters, Phase
from lockstep.proofs_check.expectation import Expectation, Tokens


class MaskedArmExpectation(Expectation):
    """One pair in each decoding step: what any-order masked diffusion unmasks in this step, and where."""

    layout: masked_arm.Layout

    def __init__(self, layout: masked_arm.Layout) -> None:
        self.layout = layout
        self.before = mdm.MdmExpectation(layout.before)
        self.tokens = layout.tokens()
        self.machine = self.before.machine

    def __iter__(self) -> Iterator[Tokens]:
        """The rows of each decoding step. Raises: as MdmExpectation."""
        return self.one_by_one(self.layout.sampling)

    def one_by_one(self, sampling: Sampling) -> Iterator[Tokens]:
        """The same; the layout holds the order."""
        vocabulary, first = self.layout.circuit.vocabulary, self.layout.before.length
        bits = max(vocabulary.bits(kind) for kind in ("REG", "PC", "WORD"))
        for number, row in enumerate(self.before.one_by_one(sampling)):
            kind, value = vocabulary.split(int(self.before.tokens[row[0]]))
            self.tokens[first + number] = vocabulary.token(f"{kind}@", int(row[0]) << bits | value)
            yield row * 0 + first + number

    def place(self, position: int) -> tuple[str, int, int]:
        role, step, number = self.layout.locate(position)
        return ("pair", number, step) if role == "pair" else self.before.place(position)


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """All open pairs read the next row anew, and so do the rows that a pair makes ready."""
    context, steps = bound.context(values), bound.decoding_steps(values)
    return [Phase(1, context, context, context), Phase(steps, context, 6 * values["P"], 6 * values["P"] + steps / 2)]


FACTS = replace(
    mdm.FACTS,
    expectation=MaskedArmExpectation,
    width=ClosedForm(f"{mdm.FACTS.width.text} + 3 * q + b + 9"),
    vocabulary=ClosedForm(f"{mdm.FACTS.vocabulary.text} + 1 + 5 * (1 << b + q)"),
    depth=ClosedForm("3 + 2"),
    phases=phases,
)
