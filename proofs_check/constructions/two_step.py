"""Any-process masked diffusion in two decoding steps for each step (`lockstep.compiler.two_step`): execute and commit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lockstep.compiler import two_step
from lockstep.pram.machine import HALTED, NO_DESTINATION, Step, register_of
from lockstep.proofs_check.closed_forms import Bound, ClosedForm
from lockstep.proofs_check.constructions.facts import Facts, Letters, Phase
from lockstep.proofs_check.constructions.in_place import ASSUMED, InPlaceExpectation, end, growth, phases_of
from lockstep.proofs_check.constructions.widths import PROGRAM
from lockstep.proofs_check.expectation import Tokens


class TwoStepExpectation(InPlaceExpectation):
    """Execute and commit each step."""

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


def contexts(values: Letters, bound: Bound) -> Iterator[tuple[int, int]]:
    yield 1, values["n0"]
    yield from growth(values["n0"], values["N"], lambda masks: max(1, 2 * masks))
    yield from end(values, 2)


def phases(values: Letters, bound: Bound, running: float, written: float) -> list[Phase]:
    """Buffers, program counters, and what they target."""
    rows = (4 * running + written) * values["P"]
    return phases_of(list(contexts(values, bound)), 2 * values["T"], values["N"], rows, rows)


#: Memory, registers and program counters are filled at the start; then two steps fill DST, VAL, NPC and what they target.
FACTS = Facts(
    expectation=TwoStepExpectation,
    width=ClosedForm(f"2 * b + 5 * w + 2 * i + max(w, i) + 2 * p + 48 + a * (w - w / 2 + 1) + x * c + l * w + {PROGRAM}"),
    tokens=ClosedForm("S - inp + P * (k + 1) + 4 * run + put"),
    contexts=contexts,
    phases=phases,
    in_place=True,
    assumed=ASSUMED,
)
