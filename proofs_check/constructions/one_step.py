"""Any-process masked diffusion in one decoding step for each step (`lockstep.compiler.one_step`): two slots for each word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import in_place
from lockstep.pram.machine import HALTED, NO_DESTINATION, Step, register_of
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.in_place import ASSUMED, InPlaceExpectation, end, growth, phases_of
from lockstep.proofs_check.constructions.widths import PROGRAM
from lockstep.proofs_check.expectation import Tokens


class OneStepExpectation(InPlaceExpectation):
    """What a step hits moves to its other slot."""

    def __init__(self, layout: in_place.Layout) -> None:
        super().__init__(layout)
        self.cells = np.zeros(layout.job.space, np.int64)  # the slot of each cell that is written
        self.rows = np.zeros((layout.job.processors, 1 + layout.job.registers), np.int64)  # of each PC and register

    def _grow(self) -> Iterator[Tokens]:
        """First each input gets its other slot; the number of masks behind the last word goes 1, 3, 7, .."""
        given = self.layout.first_cell
        paired = np.column_stack([self.tokens[given:], np.full(self.layout.job.inputs, self.mask)]).ravel()
        words = np.append(self.tokens[:given], paired[:-1])  # without the last one's other slot
        masks, full = 0, self.layout.length - len(words)
        while masks < full:
            masks = min(2 * masks + 1, full)
            self.tokens = np.append(words, np.full(masks, self.mask))
            yield self._all_rows()

    def _hold_state(self, counter: Tokens) -> None:
        layout, machine = self.layout, self.machine
        self.tokens[layout.first_cell :] = self.mask
        self.tokens[layout.first_cell + 2 * np.arange(layout.job.space) + self.cells] = self.word + machine.memory
        words = np.column_stack([self._counters(counter), self.word + machine.registers.T]).ravel()
        self.tokens[layout.first_processor + 2 * np.arange(words.size) + self.rows.ravel()] = words

    def _step(self, step: Step) -> Iterator[Tokens]:
        """The running PCs move, and the registers and cells that they hit."""
        layout = self.layout
        pids = np.flatnonzero(step.counter != HALTED)
        target = step.destination[pids]
        cells, hit = np.unique(target[target >= 0]), target < NO_DESTINATION
        places = np.concatenate([pids * self.rows.shape[1], pids[hit] * self.rows.shape[1] + 1 + register_of(target[hit])])
        words = [self._counters(step.next[pids]), self.word + self.machine.registers[register_of(target[hit]), pids[hit]]]
        yield np.concatenate([
            self._move(layout.first_cell, self.cells, cells, self.word + self.machine.memory[cells]),
            self._move(layout.first_processor, self.rows.reshape(-1), places, np.concatenate(words)),
        ])  # fmt: skip

    def _move(self, first: int, slots: Tokens, which: Tokens, words: Tokens) -> Tokens:
        """Write words to the other slots of some places, which start at `first`; their rows, both slots of each."""
        pairs = first + 2 * which
        slots[which] ^= 1
        self.tokens[pairs + slots[which]] = words
        self.tokens[pairs + 1 - slots[which]] = self.mask
        return np.concatenate([pairs, pairs + 1])


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    """First the inputs get their other slots, in one step more."""
    yield 1, values["n0"]
    yield from growth(values["N"] - values["F"], values["N"], lambda masks: 2 * masks + 1)
    yield from end(values, 1)


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """The slots of all registers read their program counter; then only what is targeted goes on."""
    rows = 2 * ((values["k"] + 1) * running + written) * values["P"]
    later = min(rows, 2 * (running + 2 * written) * values["P"])
    return phases_of(list(contexts(values, bound)), values["T"], values["N"], rows, later)


#: Memory, registers and program counters are filled at the start; then a step fills what moves.
FACTS = Facts(
    expectation=OneStepExpectation,
    width=ClosedForm(f"2 * b + 5 * w + 3 * i + max(w, i) + p + 52 + l * w + {PROGRAM}"),
    tokens=ClosedForm("S - inp + P * (k + 1) + run + put"),
    contexts=contexts,
    phases=phases,
    in_place=True,
    assumed=ASSUMED,
)
