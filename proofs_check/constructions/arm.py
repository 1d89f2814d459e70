"""Autoregression (`lockstep.compiler.arm`): the same blocks as in masked diffusion, appended one token a step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import arm
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import Machine
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.mdm import FACTS as MDM
from lockstep.proofs_check.constructions.mdm import FIELDS
from lockstep.proofs_check.expectation import Expectation, Tokens


class ArmExpectation(Expectation):
    """Blocks are appended token by token; who has halted writes 0, HALT and NONE; outputs come last."""

    layout: arm.Layout

    def __init__(self, layout: arm.Layout) -> None:
        self.layout = layout
        given = layout.tokens()
        self.room = np.zeros(layout.length, np.int64)  # `tokens` is its first part
        self.room[: len(given)] = given
        self.tokens = self.room[: len(given)]
        self.machine = Machine(layout.job)

    def __iter__(self) -> Iterator[Tokens]:
        """The row of each decoding step.

        Raises: PramError: the machine refuses the run, or it takes longer than the layout has room for.
        """
        layout, vocabulary = self.layout, self.layout.circuit.vocabulary
        word, halt, none = (vocabulary.token(kind) for kind in ("WORD", "HALT", "NONE"))
        for step in self.machine.steps(layout.time):
            for tokens in layout.step_tokens(step).values():  # who has halted has 0, HALT and NONE
                yield from self._append(tokens)
        for _ in range(layout.time - self.machine.costs.time):
            yield from self._append(np.repeat([word, halt, none], layout.job.processors))
        cells = layout.job.outputs
        yield from self._append(word + self.machine.memory[cells.start : cells.stop])

    def one_by_one(self, sampling: Sampling) -> Iterator[Tokens]:
        """As in parallel order: each decoding step appends one token in any case. Raises: as `__iter__`."""
        return iter(self)

    def _append(self, tokens: Tokens) -> Iterator[Tokens]:
        for token in tokens:
            at = len(self.tokens)
            self.room[at] = token
            self.tokens = self.room[: at + 1]
            yield np.array([at])

    def place(self, position: int) -> tuple[str, int, int]:
        role, step, number = self.layout.locate(position)
        return FIELDS.get(role, role), number, step


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    """One token more after each step."""
    steps, most = bound.decoding_steps(values), bound.context(values)
    yield from ((1, most - steps + step) for step in range(steps))


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """The prompt, then one new row a step; the mean context stands for all of them."""
    steps, most = bound.decoding_steps(values), bound.context(values)
    start = most - steps
    return [Phase(1, start, start, start), Phase(max(0, steps - 1), (start + most) // 2, 1, 1)]


FACTS = Facts(
    expectation=ArmExpectation,
    width=ClosedForm(f"{MDM.width.text} + 2 * p - 1"),
    tokens=MDM.tokens,
    same_tokens=True,
    contexts=contexts,
    phases=phases,
)
