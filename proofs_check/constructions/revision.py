"""Revision (`lockstep.compiler.revision`): one decoding step for each step, in the state alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import revision
from lockstep.pram.machine import HALTED, Machine
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.in_place import FIELDS
from lockstep.proofs_check.constructions.widths import PROGRAM
from lockstep.proofs_check.expectation import Expectation, Tokens


class RevisionExpectation(Expectation):
    """After decoding step t, the state of the machine after step t."""

    layout: revision.Layout

    def __init__(self, layout: revision.Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)
        self.vocabulary = layout.circuit.vocabulary
        self.word = self.vocabulary.token("WORD")

    def __iter__(self) -> Iterator[Tokens]:
        """The rows of each decoding step.

        Raises: PramError: the machine refuses the run.
        """
        for _ in self.machine.steps():
            before = self.tokens.copy()
            self._hold_state()
            yield np.flatnonzero(before != self.tokens)

    def place(self, position: int) -> tuple[str, int, int]:
        role, _, number = self.layout.locate(position)
        if role == "start":
            return "token", position, 0
        name = f"register {role[1:]}" if role.startswith("R") else FIELDS.get(role, role)
        return name, number, self.machine.costs.time

    def _hold_state(self) -> None:
        """Memory, registers and program counters as the machine has them."""
        self.tokens[self.layout.first_cell :] = self.state()

    def state(self) -> Tokens:
        """The tokens of cells, program counters and registers."""
        machine = self.machine
        counters = np.where(
            machine.counter == HALTED, self.vocabulary.token("HALT"), self.vocabulary.token("PC") + machine.counter
        )
        return np.concatenate([self.word + machine.memory, np.column_stack([counters, self.word + machine.registers.T]).ravel()])


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    """The same length in every step, and in the one that finds nothing to change."""
    yield values["T"] + 1, values["N"]


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """First every row is computed. Then the registers of processors read their program counter, and what is targeted goes on."""
    full = values["N"]
    rows = ((values["k"] + 1) * running + written) * values["P"]
    later = min(rows, (running + 2 * written) * values["P"])
    return [Phase(1, full, full, full), Phase(values["T"], full, rows, later)]


#: Memory, registers and program counters are filled in the first step; then a step fills what it changes.
FACTS = Facts(
    expectation=RevisionExpectation,
    width=ClosedForm(f"2 * b + 5 * w + 3 * i + max(w, i) + p + 25 + l * w + {PROGRAM}"),
    tokens=ClosedForm("S - inp + P * (k + 1) + new"),
    contexts=contexts,
    phases=phases,
    in_place=True,
)
