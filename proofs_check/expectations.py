"""What a perfect decode holds after every decoding step, from the machine's run. EXPECTATIONS has one for each process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compiler import ap_mdm, mdm
from pram.machine import HALTED, NO_DESTINATION, Machine, Step

Tokens = NDArray[np.int64]


class MdmExpectation:
    """Blocks fill up one a step; who has halted fills the rest at once; outputs come last."""

    def __init__(self, layout: mdm.Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)
        self.counters: list[Tokens] = []

    def __iter__(self) -> Iterator[Tokens]:
        """One sequence for each decoding step in parallel order; the array is reused.

        Raises: PramError: the machine refuses the run, or it takes longer than the layout has room for.
        """
        layout, processors = self.layout, self.layout.job.processors
        halted = np.zeros(processors, bool)
        filled = np.zeros(processors, bool)
        for step in self.machine.steps(layout.time):
            self._fill_halted(np.flatnonzero(halted & ~filled), step.number)
            filled |= halted
            self._fill_block(step, ~filled)
            halted |= step.next == HALTED
            self.counters.append(step.counter)
            yield self.tokens
        if layout.time > self.machine.costs.time:
            self._fill_halted(np.flatnonzero(~filled), self.machine.costs.time + 1)
            yield self.tokens
        if layout.job.outputs:
            cells = layout.job.outputs
            word = layout.circuit.vocabulary.token("WORD")
            self.tokens[layout.first_output :] = word + self.machine.memory[cells.start : cells.stop]
            yield self.tokens

    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
        role, step, number = self.layout.locate(position)
        fields = {"V": "value", "C": "next program counter", "A": "destination"}
        return fields.get(role, role), number, step

    def _fill_block(self, step: Step, running: NDArray[np.bool_]) -> None:
        pids = np.flatnonzero(running)
        for role, tokens in self.layout.step_tokens(step).items():
            self.tokens[self.layout.row(role, step.number, 0) + pids] = tokens[pids]

    def _fill_halted(self, pids: Tokens, first: int) -> None:
        """Processors that had halted before step `first` fill all their rows from there on."""
        vocabulary, layout = self.layout.circuit.vocabulary, self.layout
        fills = {"V": vocabulary.token("WORD"), "C": vocabulary.token("HALT"), "A": vocabulary.token("NONE")}
        for number in range(first, layout.time + 1) if len(pids) else ():
            for role, token in fills.items():
                self.tokens[layout.row(role, number, 0) + pids] = token


class ApMdmExpectation:
    """The state of the machine, in place: grow, start, execute and commit each step, shrink."""

    def __init__(self, layout: ap_mdm.Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)
        self.counters: list[Tokens] = []
        self.vocabulary = layout.circuit.vocabulary
        self.word, self.mask = self.vocabulary.token("WORD"), self.vocabulary.mask

    def __iter__(self) -> Iterator[Tokens]:
        """One sequence for each decoding step.

        Raises: PramError: the machine refuses the run.
        """
        yield from self._grow()
        self._commit(np.zeros(self.layout.job.processors, np.int64))
        yield self.tokens
        for step in self.machine.steps():
            self.counters.append(step.counter)
            self._execute(step)
            yield self.tokens
            self._commit(step.next)
            yield self.tokens
        yield from self._shrink()

    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
        layout, step = self.layout, len(self.counters)
        if position < layout.first_cell or len(self.tokens) < layout.length:
            return "token", position, 0
        if position < layout.first_processor:
            return "cell", position - layout.first_cell, step
        pid, row = divmod(position - layout.first_processor, layout.rows_each)
        registers = [f"register {r}" for r in range(layout.job.registers)]
        return ["program counter", *registers, *ap_mdm.BUFFERS][row], pid, step

    def _grow(self) -> Iterator[Tokens]:
        """The number of masks goes 1, 2, 4, .. up to the full length."""
        start, full = self.layout.start_length, self.layout.length
        while len(self.tokens) < full:
            masks = min(max(1, 2 * (len(self.tokens) - start)), full - start)
            self.tokens = np.append(self.tokens[:start], np.full(masks, self.mask))
            yield self.tokens

    def _commit(self, counter: Tokens) -> None:
        """Memory, registers and program counters as the machine has them; buffers masked."""
        layout, machine, processors = self.layout, self.machine, self.layout.job.processors
        self.tokens[layout.first_cell : layout.first_processor] = self.word + machine.memory
        rows = self.tokens[layout.first_processor :].reshape(processors, layout.rows_each)
        rows[:, 0] = np.where(counter == HALTED, self.vocabulary.token("HALT"), self.vocabulary.token("PC") + counter)
        rows[:, 1 : 1 + layout.job.registers] = self.word + machine.registers.T
        rows[:, 1 + layout.job.registers :] = self.mask

    def _execute(self, step: Step) -> None:
        """Running processors write their buffers; what they target is masked."""
        layout, k = self.layout, self.layout.job.registers
        pids = np.flatnonzero(step.counter != HALTED)
        rows = self.tokens[layout.first_processor :].reshape(-1, layout.rows_each)
        target, following = step.destination[pids], step.next[pids]
        none, register = self.vocabulary.token("NONE"), self.vocabulary.token("REG")
        place = np.where(target >= 0, self.word + target, register - 2 - target)
        rows[pids, 1 + k] = np.where(target == NO_DESTINATION, none, place)
        rows[pids, 2 + k] = self.word + step.value[pids]
        halt, counter = self.vocabulary.token("HALT"), self.vocabulary.token("PC")
        rows[pids, 3 + k] = np.where(following == HALTED, halt, counter + following)
        rows[pids, 0] = self.mask
        rows[pids[target < NO_DESTINATION], 1 - 2 - target[target < NO_DESTINATION]] = self.mask
        self.tokens[layout.first_cell + target[target >= 0]] = self.mask

    def _shrink(self) -> Iterator[Tokens]:
        layout, cells = self.layout, self.layout.job.outputs
        kept = np.zeros(layout.length, bool)
        kept[[0, layout.first_processor]] = True
        kept[layout.first_cell + cells.start : layout.first_cell + cells.stop] = True
        self.tokens = np.where(kept, self.tokens, self.mask)
        yield self.tokens
        self.tokens = self.tokens[kept]
        yield self.tokens


EXPECTATIONS = {"mdm": MdmExpectation, "ap-mdm": ApMdmExpectation}
