"""What a perfect decode holds after every decoding step, from the machine's run. EXPECTATIONS has one for each construction.

An expectation keeps one sequence, `tokens`, and edits it in place; each decoding step yields the rows it may have
changed, so that a check costs what a step edits and not the context. All other rows are as they were.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import in_place, mdm, two_step
from lockstep.compiler.names import MDM, ONE_STEP, TWO_STEP
from lockstep.pram.machine import HALTED, NO_DESTINATION, Machine, Step, register_of

Tokens = NDArray[np.int64]


class MdmExpectation:
    """Blocks fill up one a step; who has halted fills the rest at once; outputs come last."""

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

    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
        role, step, number = self.layout.locate(position)
        fields = {"V": "value", "C": "next program counter", "A": "destination"}
        return fields.get(role, role), number, step

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


class InPlaceExpectation(ABC):
    """The state of the machine, in place: it grows, starts, follows the machine's steps, and shrinks."""

    def __init__(self, layout: in_place.Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens()
        self.machine = Machine(layout.job)
        self.vocabulary = layout.circuit.vocabulary
        self.word, self.mask = self.vocabulary.token("WORD"), self.vocabulary.mask

    def __iter__(self) -> Iterator[Tokens]:
        """The rows of each decoding step.

        Raises: PramError: the machine refuses the run.
        """
        yield from self._grow()
        self._hold_state(np.zeros(self.layout.job.processors, np.int64))
        yield self._all_rows()
        for step in self.machine.steps():
            yield from self._step(step)
        yield from self._shrink()

    def place(self, position: int) -> tuple[str, int, int]:
        """What stands at a position: field, processor or cell, and PRAM step (0: none)."""
        layout, step = self.layout, self.machine.costs.time
        if position < layout.first_cell or len(self.tokens) < layout.length:
            return "token", position, 0
        if position < layout.first_processor:
            return "cell", (position - layout.first_cell) // layout.ROWS_PER_CELL, step
        pid, row = divmod(position - layout.first_processor, layout.rows_per_processor(layout.job))
        return self._row_names()[row], pid, step

    @abstractmethod
    def _row_names(self) -> list[str]:
        """What a processor's rows are."""

    @abstractmethod
    def _grow(self) -> Iterator[Tokens]:
        """Up to the full length."""

    @abstractmethod
    def _hold_state(self, counter: Tokens) -> None:
        """Memory, registers and program counters as the machine has them, in every row."""

    @abstractmethod
    def _step(self, step: Step) -> Iterator[Tokens]:
        """One step, which the machine has made."""

    def _all_rows(self) -> Tokens:
        return np.arange(len(self.tokens))

    def _rows(self) -> Tokens:
        """The rows of the processors, [P, rows of each]; writing to it writes `tokens`."""
        return self.tokens[self.layout.first_processor :].reshape(self.layout.job.processors, -1)

    def _counters(self, counter: Tokens) -> Tokens:
        """Program counters as tokens."""
        return np.where(counter == HALTED, self.vocabulary.token("HALT"), self.vocabulary.token("PC") + counter)

    def _shrink(self) -> Iterator[Tokens]:
        """All but BOS, outputs and PC_0 is masked, then every mask goes."""
        layout, cells = self.layout, self.layout.job.outputs
        edited = self.tokens.copy()
        self._hold_state(self.machine.counter)
        assert np.array_equal(edited, self.tokens), "the machine changed what its steps do not say"
        kept = np.zeros(layout.length, bool)
        kept[0] = True
        kept[layout.first_processor : layout.first_processor + layout.ROWS_PER_CELL] = True
        kept[layout.first_cell + layout.ROWS_PER_CELL * cells.start : layout.first_cell + layout.ROWS_PER_CELL * cells.stop] = (
            True
        )
        self.tokens = np.where(kept, self.tokens, self.mask)
        yield self._all_rows()
        self.tokens = self.tokens[self.tokens != self.mask]
        yield self._all_rows()


class TwoStepExpectation(InPlaceExpectation):
    """Execute and commit each step."""

    def _row_names(self) -> list[str]:
        return ["program counter", *(f"register {r}" for r in range(self.layout.job.registers)), *two_step.BUFFERS]

    def _grow(self) -> Iterator[Tokens]:
        """The number of masks goes 1, 2, 4, .. up to the full length."""
        start, full = self.layout.start_length, self.layout.length
        while len(self.tokens) < full:
            masks = min(max(1, 2 * (len(self.tokens) - start)), full - start)
            self.tokens = np.append(self.tokens[:start], np.full(masks, self.mask))
            yield self._all_rows()

    def _hold_state(self, counter: Tokens) -> None:
        layout, machine = self.layout, self.machine
        self.tokens[layout.first_cell : layout.first_processor] = self.word + machine.memory
        rows = self._rows()
        rows[:, 0] = self._counters(counter)
        rows[:, 1 : 1 + layout.job.registers] = self.word + machine.registers.T
        rows[:, 1 + layout.job.registers :] = self.mask

    def _step(self, step: Step) -> Iterator[Tokens]:
        yield self._execute(step)
        yield self._commit(step)

    def _targets(self, step: Step) -> tuple[Tokens, Tokens, Tokens]:
        """Who runs; the rows of the PCs, registers and cells that a step writes; the rows of the buffers it writes."""
        layout = self.layout
        pids = np.flatnonzero(step.counter != HALTED)
        target, first = step.destination[pids], layout.first_processor + pids * layout.rows_per_processor(layout.job)
        registers = (first + 1 + register_of(target))[target < NO_DESTINATION]
        written = np.concatenate([first, registers, layout.first_cell + target[target >= 0]])
        buffers = (first[:, None] + 1 + layout.job.registers + np.arange(len(two_step.BUFFERS))).ravel()
        return pids, written, buffers

    def _execute(self, step: Step) -> Tokens:
        """Running processors write their buffers; what they target is masked."""
        k = self.layout.job.registers
        pids, written, buffers = self._targets(step)
        target, rows = step.destination[pids], self._rows()
        none, register = self.vocabulary.token("NONE"), self.vocabulary.token("REG")
        place = np.where(target >= 0, self.word + target, register + register_of(target))
        rows[pids, 1 + k] = np.where(target == NO_DESTINATION, none, place)
        rows[pids, 2 + k] = self.word + step.value[pids]
        rows[pids, 3 + k] = self._counters(step.next[pids])
        self.tokens[written] = self.mask
        return np.concatenate([written, buffers])

    def _commit(self, step: Step) -> Tokens:
        """What was masked holds the machine's state; buffers are masked. A step changes nothing but its destinations."""
        layout, machine = self.layout, self.machine
        pids, written, buffers = self._targets(step)
        cells = step.destination[pids][step.destination[pids] >= 0]
        self.tokens[layout.first_cell + cells] = self.word + machine.memory[cells]
        rows = self._rows()
        rows[pids, 0] = self._counters(step.next[pids])
        rows[pids, 1 : 1 + layout.job.registers] = self.word + machine.registers.T[pids]
        self.tokens[buffers] = self.mask
        return np.concatenate([written, buffers])


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


EXPECTATIONS = {MDM: MdmExpectation, TWO_STEP: TwoStepExpectation, ONE_STEP: OneStepExpectation}
