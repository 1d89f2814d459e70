"""What a perfect decode holds after every decoding step, from the machine's run. EXPECTATIONS has one for each construction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compiler import ap_mdm, in_place, mdm
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


class InPlaceExpectation(ABC):
    """The state of the machine, in place: it grows, starts, follows the machine's steps, and shrinks."""

    def __init__(self, layout: in_place.Layout) -> None:
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
        self._start()
        yield self.tokens
        for step in self.machine.steps():
            self.counters.append(step.counter)
            yield from self._step(step)
        yield from self._shrink()

    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
        layout, step = self.layout, len(self.counters)
        if position < layout.first_cell or len(self.tokens) < layout.length:
            return "token", position, 0
        if position < layout.first_processor:
            return "cell", (position - layout.first_cell) // layout.SLOTS, step
        pid, row = divmod(position - layout.first_processor, layout.rows_each(layout.job))
        return self._row_names()[row], pid, step

    @abstractmethod
    def _row_names(self) -> list[str]:
        """What a processor's rows are."""

    @abstractmethod
    def _grow(self) -> Iterator[Tokens]:
        """Up to the full length."""

    @abstractmethod
    def _start(self) -> None:
        """The state before the first step."""

    @abstractmethod
    def _step(self, step: Step) -> Iterator[Tokens]:
        """One step, which the machine has made."""

    def _counters(self, counter: Tokens) -> Tokens:
        """Program counters as tokens."""
        return np.where(counter == HALTED, self.vocabulary.token("HALT"), self.vocabulary.token("PC") + counter)

    def _shrink(self) -> Iterator[Tokens]:
        """All but BOS, outputs and PC_0 is masked, then every mask goes."""
        layout, cells = self.layout, self.layout.job.outputs
        kept = np.zeros(layout.length, bool)
        kept[0] = True
        kept[layout.first_processor : layout.first_processor + layout.SLOTS] = True
        kept[layout.first_cell + layout.SLOTS * cells.start : layout.first_cell + layout.SLOTS * cells.stop] = True
        self.tokens = np.where(kept, self.tokens, self.mask)
        yield self.tokens
        self.tokens = self.tokens[self.tokens != self.mask]
        yield self.tokens


class TwoStepExpectation(InPlaceExpectation):
    """Execute and commit each step."""

    def _row_names(self) -> list[str]:
        return ["program counter", *(f"register {r}" for r in range(self.layout.job.registers)), *ap_mdm.BUFFERS]

    def _grow(self) -> Iterator[Tokens]:
        """The number of masks goes 1, 2, 4, .. up to the full length."""
        start, full = self.layout.start_length, self.layout.length
        while len(self.tokens) < full:
            masks = min(max(1, 2 * (len(self.tokens) - start)), full - start)
            self.tokens = np.append(self.tokens[:start], np.full(masks, self.mask))
            yield self.tokens

    def _start(self) -> None:
        self._commit(np.zeros(self.layout.job.processors, np.int64))

    def _step(self, step: Step) -> Iterator[Tokens]:
        self._execute(step)
        yield self.tokens
        self._commit(step.next)
        yield self.tokens

    def _commit(self, counter: Tokens) -> None:
        """Memory, registers and program counters as the machine has them; buffers masked."""
        layout, machine, processors = self.layout, self.machine, self.layout.job.processors
        self.tokens[layout.first_cell : layout.first_processor] = self.word + machine.memory
        rows = self.tokens[layout.first_processor :].reshape(processors, -1)
        rows[:, 0] = self._counters(counter)
        rows[:, 1 : 1 + layout.job.registers] = self.word + machine.registers.T
        rows[:, 1 + layout.job.registers :] = self.mask

    def _execute(self, step: Step) -> None:
        """Running processors write their buffers; what they target is masked."""
        layout, k = self.layout, self.layout.job.registers
        pids = np.flatnonzero(step.counter != HALTED)
        rows = self.tokens[layout.first_processor :].reshape(layout.job.processors, -1)
        target = step.destination[pids]
        none, register = self.vocabulary.token("NONE"), self.vocabulary.token("REG")
        place = np.where(target >= 0, self.word + target, register - 2 - target)
        rows[pids, 1 + k] = np.where(target == NO_DESTINATION, none, place)
        rows[pids, 2 + k] = self.word + step.value[pids]
        rows[pids, 3 + k] = self._counters(step.next[pids])
        rows[pids, 0] = self.mask
        rows[pids[target < NO_DESTINATION], 1 - 2 - target[target < NO_DESTINATION]] = self.mask
        self.tokens[layout.first_cell + target[target >= 0]] = self.mask


class OneStepExpectation(InPlaceExpectation):
    """What a step hits moves to its other slot."""

    def __init__(self, layout: in_place.Layout) -> None:
        super().__init__(layout)
        self.cells = np.zeros(layout.job.space, np.int64)  # the slot of each cell that is written
        self.rows = np.zeros((layout.job.processors, 1 + layout.job.registers), np.int64)  # of each PC and register

    def _row_names(self) -> list[str]:
        names = ["program counter", *(f"register {r}" for r in range(self.layout.job.registers))]
        return [name for name in names for _ in range(2)]

    def _grow(self) -> Iterator[Tokens]:
        """First each input gets its other slot; the number of masks behind the last word goes 1, 3, 7, .."""
        given = self.layout.first_cell
        paired = np.column_stack([self.tokens[given:], np.full(self.layout.job.inputs, self.mask)]).ravel()
        words = np.append(self.tokens[:given], paired[:-1])  # without the last one's other slot
        masks, full = 0, self.layout.length - len(words)
        while masks < full:
            masks = min(2 * masks + 1, full)
            self.tokens = np.append(words, np.full(masks, self.mask))
            yield self.tokens

    def _start(self) -> None:
        self._write(np.zeros(self.layout.job.processors, np.int64))

    def _step(self, step: Step) -> Iterator[Tokens]:
        pids = np.flatnonzero(step.counter != HALTED)
        target = step.destination[pids]
        self.cells[np.unique(target[target >= 0])] ^= 1
        registers = target < NO_DESTINATION
        self.rows[pids, 0] ^= 1
        self.rows[pids[registers], 1 - 2 - target[registers]] ^= 1
        self._write(step.next)
        yield self.tokens

    def _write(self, counter: Tokens) -> None:
        """Memory, registers and program counters as the machine has them, each in its slot."""
        layout, machine = self.layout, self.machine
        self.tokens[layout.first_cell :] = self.mask
        self.tokens[layout.first_cell + 2 * np.arange(layout.job.space) + self.cells] = self.word + machine.memory
        words = np.column_stack([self._counters(counter), self.word + machine.registers.T]).ravel()
        self.tokens[layout.first_processor + 2 * np.arange(words.size) + self.rows.ravel()] = words


EXPECTATIONS = {"mdm": MdmExpectation, "ap-mdm": TwoStepExpectation, "ap-mdm one-step": OneStepExpectation}
