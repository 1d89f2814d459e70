"""What both schedules of any-process masked diffusion share: the state of the machine, edited in place."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from lockstep.compiler import in_place
from lockstep.pram.machine import HALTED, Machine, Step
from lockstep.proofs_check.constructions.facts import Letters, Phase
from lockstep.proofs_check.expectation import Expectation, Tokens

#: What rows are called in messages, by their role.
FIELDS = {"PC": "program counter"}
#: What the proofs take for granted of both.
ASSUMED = ("ends: the sequence is never longer than N; on rows that execute its length is N, and no parameter is masked.",)


class InPlaceExpectation(Expectation):
    """The state of the machine, in place: it grows, starts, follows the machine's steps, and shrinks."""

    layout: in_place.Layout

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
        layout = self.layout
        role, _, number = layout.locate(position)
        if role == "start" or len(self.tokens) < layout.length:
            return "token", position, 0
        name = f"register {role[1:]}" if role.startswith("R") else FIELDS.get(role, role)
        return name, number, self.machine.costs.time

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


def growth(start: int, full: int, more: Callable[[int], int]) -> Iterator[tuple[int, int]]:
    """One decoding step for each context between the start and the full one.

    Args: start: words that stand there. more: from the number of masks behind them to the next one.
    """
    masks = 0
    while (masks := more(masks)) < full - start:
        yield 1, start + masks


def end(values: Letters, rounds: int) -> Iterator[tuple[int, int]]:
    """From the full context on: the start, the steps, and the end."""
    yield rounds * values["T"] + 2, values["N"]
    yield 1, values["N"]
    yield 1, 2 + values["out"]


def phases_of(seen: list[tuple[int, int]], steps: int, full: int, rows: float, later: float) -> list[Phase]:
    """Every row is computed while the sequence grows and shrinks, and so many in each of the steps between."""
    grown = [Phase(number, context, context, context) for number, context in seen if context < full]
    return [*grown[:-1], Phase(3, full, full, full), Phase(steps, full, rows, later), grown[-1]]
