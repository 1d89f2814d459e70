"""Masked diffusion (`lockstep.compiler.mdm`): blocks of V, C and A rows fill up, one a step."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import mdm
from lockstep.models.orders import ORDERS, turns
from lockstep.models.sampling import Sampling
from lockstep.pram.machine import HALTED, Machine, Step
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.readiness import Waiting
from lockstep.proofs_check.constructions.widths import PROGRAM
from lockstep.proofs_check.expectation import Expectation, Tokens

#: What tokens of blocks are called in messages, by their role.
FIELDS = {"V": "value", "C": "next program counter", "A": "destination"}


class MdmExpectation(Expectation):
    """Blocks fill up one a step; who has halted fills the rest at once; outputs come last."""

    layout: mdm.Layout

    def __init__(self, layout: mdm.Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)

    def __iter__(self) -> Iterator[Tokens]:
        """The rows of each decoding step in parallel order.

        Raises: PramError: the machine refuses the run, or it takes longer than the layout has room for.
        """
        layout, processors = self.layout, self.layout.job.processors
        halted = np.zeros(processors, bool)
        filled = np.zeros(processors, bool)
        for step in self.machine.steps(layout.time):
            rows = self._fill_halted(np.flatnonzero(halted & ~filled), step.number)
            filled |= halted
            rows += self._fill_block(step, ~filled)
            halted |= step.next == HALTED
            yield np.concatenate(rows)
        if layout.time > self.machine.costs.time:
            yield np.concatenate(self._fill_halted(np.flatnonzero(~filled), self.machine.costs.time + 1))
        if layout.job.outputs:
            cells = layout.job.outputs
            word = layout.circuit.vocabulary.token("WORD")
            self.tokens[layout.first_output :] = word + self.machine.memory[cells.start : cells.stop]
            yield np.arange(layout.first_output, layout.length)

    def one_by_one(self, sampling: Sampling) -> Iterator[Tokens]:
        """The row of each decoding step in a fixed order: of the rows that are ready, the one that comes first.

        Raises: PramError: as `__iter__`. NoPermutation: as `lockstep.models.orders.turns`.
        """
        layout, start = self.layout, self.tokens.copy()
        for _ in self:
            pass
        final, bits = self.tokens.copy(), dict(layout.circuit.vocabulary.kinds)
        place = turns(start, layout.circuit.vocabulary.mask, sampling).tolist()
        if ORDERS[sampling.order].by_kind:
            kinds = (layout.circuit.vocabulary.split(int(token))[0] for token in final)
            place = [bits[kind] * len(final) + turn for kind, turn in zip(kinds, place)]
        self.tokens[:] = start
        waiting = Waiting(layout, final)
        ready = [(place[row], row) for row in waiting.first()]
        heapify(ready)
        while ready:
            _, row = heappop(ready)
            self.tokens[row] = final[row]
            for following in waiting.released_by(row):
                heappush(ready, (place[following], following))
            yield np.array([row])

    def place(self, position: int) -> tuple[str, int, int]:
        role, step, number = self.layout.locate(position)
        return FIELDS.get(role, role), number, step

    def _fill_block(self, step: Step, running: NDArray[np.bool_]) -> list[Tokens]:
        pids, filled = np.flatnonzero(running), []
        for role, tokens in self.layout.step_tokens(step).items():
            filled.append(self.layout.row(role, step.number, 0) + pids)
            self.tokens[filled[-1]] = tokens[pids]
        return filled

    def _fill_halted(self, pids: Tokens, first: int) -> list[Tokens]:
        """Processors that had halted before step `first` fill all their rows from there on."""
        vocabulary, layout = self.layout.circuit.vocabulary, self.layout
        fills = {"V": vocabulary.token("WORD"), "C": vocabulary.token("HALT"), "A": vocabulary.token("NONE")}
        filled = []
        for number in range(first, layout.time + 1) if len(pids) else ():
            for role, token in fills.items():
                filled.append(layout.row(role, number, 0) + pids)
                self.tokens[filled[-1]] = token
        return filled


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    yield bound.decoding_steps(values), bound.context(values)


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """The block that is filled, and the one after it, which becomes ready."""
    context, blocks, out = bound.context(values), 6 * values["P"], values["out"]
    return [Phase(1, context, context, context), Phase(values["T"], context, blocks, blocks), Phase(1, context, out, out)]


FACTS = Facts(
    expectation=MdmExpectation,
    width=ClosedForm(f"2 * b + 4 * w + 2 * i + max(w, i) + 2 * t + p + 36 + a * (w - w / 2 + 2) + x * (c + w) + {PROGRAM}"),
    tokens=ClosedForm("3 * P * T + out"),
    same_tokens=True,
    contexts=contexts,
    phases=phases,
)
