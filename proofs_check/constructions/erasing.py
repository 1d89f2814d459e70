"""Autoregression with erasing (`lockstep.compiler.erasing`): cycles of L steps, each of which ends with a new snapshot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import erasing
from lockstep.models.erasing import CALL, END, RETURN, SEP
from lockstep.pram.machine import HALTED
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.arm import FACTS as ARM
from lockstep.proofs_check.constructions.arm import ArmExpectation
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.mdm import FIELDS
from lockstep.proofs_check.expectation import Tokens


class ErasingExpectation(ArmExpectation):
    """The first snapshot, then cycle after cycle: L blocks, and a new snapshot, or the outputs when all have halted.

    The tokens of a step stand where the tokens of the same step of the cycle before stood.
    """

    layout: erasing.Layout

    def __init__(self, layout: erasing.Layout) -> None:
        super().__init__(layout)
        self.layout, self.cycle = layout, 0

    def __iter__(self) -> Iterator[Tokens]:
        """The row of each decoding step. Raises: PramError: the machine refuses the run."""
        layout, token = self.layout, self.layout.circuit.vocabulary.token
        yield from self._append(self._snapshot()[layout.given_cells :])
        while True:
            yield from self._blocks()
            yield from self._append(np.array([token(SEP), token(CALL)]))
            if not self.machine.running:
                yield from self._append(self._snapshot()[: len(layout.job.outputs)])
                yield from self._append(np.array([token(END)]))
                return
            snapshot = self._snapshot()
            yield from self._append(snapshot)
            yield from self._append(np.array([token(RETURN)]))
            self._erase(snapshot)

    def _blocks(self) -> Iterator[Tokens]:
        """L blocks. Who has halted writes 0, HALT and NONE."""
        word, halt, none = (self.layout.circuit.vocabulary.token(kind) for kind in ("WORD", "HALT", "NONE"))
        for _ in range(self.layout.time):
            if self.machine.running:
                for tokens in self.layout.step_tokens(self.machine.step()).values():
                    yield from self._append(tokens)
            else:
                yield from self._append(np.repeat([word, halt, none], self.layout.job.processors))

    def _snapshot(self) -> Tokens:
        """Cells, program counters and registers of the machine now, as tokens, [z]."""
        machine, token = self.machine, self.layout.circuit.vocabulary.token
        counters = np.where(machine.counter == HALTED, token("HALT"), token("PC") + machine.counter)
        cells = token("WORD") + machine.memory[self.layout.cells]
        return np.concatenate([cells, counters, token("WORD") + machine.registers.T.ravel()])

    def _erase(self, snapshot: Tokens) -> None:
        """Put the new snapshot in the place of the old one. The next decoding step finds it there."""
        first, end = self.layout.first_snapshot, self.layout.first_block
        self.room[first:end] = snapshot
        self.tokens, self.cycle = self.room[:end], self.cycle + 1

    def place(self, position: int) -> tuple[str, int, int]:
        role, step, number = self.layout.locate(position)
        names = {"counter": "program counter", "start": "token"}
        return FIELDS.get(role, names.get(role, role)), number, self.cycle * self.layout.time + step if step else 0


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    """One token more after each step; each cycle but the first starts with a snapshot."""
    start, snapshot = 2 + values["h"], values["z"]
    behind = start + snapshot + 3 * values["P"] * values["L"] + 2
    for cycle in range(1, values["y"] + 1):
        first = start + (snapshot if cycle > 1 else values["d"])
        end = behind + 1 + (snapshot if cycle < values["y"] else values["out"])
        yield from ((1, context) for context in range(first, end))


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """A cycle computes the snapshot anew, and then one row a step; the mean context stands for all of them."""
    start, steps = 2 + values["h"] + values["z"], bound.decoding_steps(values)
    middle = start + 3 * values["P"] * values["L"] // 2
    return [Phase(values["y"], start, start, start), Phase(max(0, steps - values["y"]), middle, 1, 1)]


FACTS = Facts(
    expectation=ErasingExpectation,
    width=ClosedForm(f"{ARM.width.text} + 13"),
    tokens=ClosedForm("y * (3 * P * L + z + 3) - d + out"),
    erases=True,
    same_tokens=True,
    contexts=contexts,
    phases=phases,
    vocabulary=ClosedForm(f"{ARM.vocabulary.text} + 4"),
)
