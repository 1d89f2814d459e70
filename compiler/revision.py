"""Revision: the sequence is the machine's state, and one decoding step makes of every token the one that follows it.

    [BOS] [h parameters] [shared memory, inputs first] [for each processor: PC, R_0 .. R_{k-1}]

What is not given starts as MASK, which is read as 0, or as PC 0. So the first decoding step is the first step of the machine. A row
predicts what it holds next. A row that keeps its token predicts nothing: all tokens are equally likely there. Every row reads the
sequence before the step, so reads come before writes in every access mode.

- The row of a PC executes: it becomes the next program counter, and computes the address of a store.
- The row of a register executes, too, if the instruction's destination is that register.
- A cell finds the store that hits it by a lookup in layer 3; if there are several, the winner's.

Nothing is inserted or deleted, and no place has two slots. So this is the shortest context of all that do not grow with the run.
Source: revision in the sense of arXiv 2512.25014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.circuit import At, Circuit, Match, Threshold
from lockstep.compiler.clocks import Clock
from lockstep.compiler.construction import Construction
from lockstep.compiler.hits import OPERAND_SLOTS, HitBuilder
from lockstep.compiler.linear import Linear, equals
from lockstep.compiler.names import REVISION
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Keys, Processor, bits_for
from lockstep.compiler.state import ROLES, StateLayout
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job


@dataclass(frozen=True)
class Widths:
    """Bits of a word and of a pid. Weights depend on these and the program alone: not on the time, nor on the number of cells."""

    word: int
    pid: int

    @staticmethod
    def cover(job: Job, time: int) -> Widths:
        """The least widths for a job."""
        return Widths(job.word_bits, bits_for(job.processors))

    @property
    def extent(self) -> tuple[str, int]:
        """The name, for messages, of the quantity that the widths limit, and its number of bits."""
        return "P", self.pid

    def widened(self, bits: int) -> Widths:
        """A copy whose extent has `bits` bits."""
        return replace(self, pid=bits)


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by revision."""
    return RevisionBuilder(code, widths).circuit()


class RevisionBuilder(HitBuilder):
    """Adds lookups and gates layer by layer.

    KINDS: the kinds of tokens that have a flag. EMITTED: those that rows predict.
    """

    name = "revision"
    KINDS: ClassVar[tuple[str, ...]] = ("BOS", MASK, "PC")
    EMITTED: ClassVar[tuple[str, ...]] = ("WORD", "PC", "HALT")

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths.word, widths.pid, ROLES, self.KINDS)
        self.runs = self.builder.field("runs")
        self.declare_stores()
        self.processor = Processor(self.builder, code, self.size, OPERAND_SLOTS, self.EMITTED)

    def circuit(self) -> Circuit:
        self.know()
        self._look_up_counters()
        self._add_rom()
        self.processor.add_operands(self._operand_keys(), [*self.pid])
        self.processor.add_operations()
        self.processor.add_fetch(self._cell_keys())
        self.look_up_hits()
        self.fill()
        return self.finish(self.processor)

    # -- what a row holds --------------------------------------------------------------------

    def know(self) -> None:
        """Registers and parameters are worth their word. A PC is worth its pid, which positions write there."""
        holds = self.role["register"].flag + self.role["parameter"].flag
        for j in range(self.size.word):
            self.builder.when(At.ROM, [holds, self.bits[j]], {self.value.bit(j): 1})

    def held_counter(self) -> tuple[Sequence[Linear], Linear]:
        """Of a PC, before layer 1: the bits of the program counter, and whether its processor runs."""
        return [*self.bits], self.kinds["PC"].flag + self.kinds[MASK].flag

    def held_word(self) -> Sequence[Linear]:
        """The word of a cell."""
        return [*self.bits]

    # -- the machine's step --------------------------------------------------------------------

    def _look_up_counters(self) -> None:
        """PCs and registers read their PC, and whether it runs."""
        role, _ = self.flags()
        bits, runs = self.held_counter()
        same_pid = tuple(Match(q, k) for q, k in zip(self.pid, self.pid))
        reads = [(bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter)]
        reads.append((runs, self.runs.bit()))
        self.builder.look_up(At.ROM, "counter", role["PC"] + role["register"], same_pid, (role["PC"], *self.alone), reads)

    def _add_rom(self) -> None:
        """PCs of running processors execute, and so do the registers that instructions write."""
        processor, executes = self.processor, (self.role["PC"].flag, self.runs.flag)
        processor.add_increment(executes)
        for number, instruction in enumerate(self.code.instructions):
            here = processor.counter_is(number)
            if writes := processor.next_column(number, instruction) | self.store(instruction):
                self.builder.when(At.ROM, [*executes, *here], writes)
            if instruction.rd is not None:
                own = equals([*self.address][: self.size.register], instruction.rd)
                value = {processor.emit["WORD"].bit(): 1} | processor.value_column(instruction)
                self.builder.when(At.ROM, [self.role["register"].flag, self.runs.flag, *here, *own], value)

    def _operand_keys(self) -> Keys:
        """Registers and parameters hold their word. A pid is read from the PC."""
        register, parameter, pid = self.role["register"].flag, self.role["parameter"].flag, self.role["PC"].flag
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(register + parameter + pid, *self.alone),
            values=[*self.value],
            flags=(parameter, pid),
            owner=[*self.pid],
            owned=1 - parameter,
        )

    def _cell_keys(self) -> Keys:
        values = self.held_word()[: self.size.word]
        return Keys([*self.address][: self.size.word], (self.role["cell"].flag, *self.alone), values)

    def fill(self) -> None:
        """Cells that are hit become words. So do masked registers and cells that nothing is written to: they become 0."""
        mask, word, cell = self.kinds[MASK].flag, self.processor.emit["WORD"], self.role["cell"].flag
        written = any(instruction.rd is not None for instruction in self.code.instructions)
        unwritten = [1 - word.flag] if written else []
        self.builder.when(At.OPERANDS, [self.role["register"].flag, mask, *unwritten], {word.bit(): 1})
        self.builder.gate(At.MEMORY, Threshold(self.hit.flag + mask - 1 + (cell - 1) * 2, {word.bit(): 1}))


@dataclass(frozen=True)
class Layout(StateLayout):
    """N = 1 + h + S + P (k + 1)."""

    widths: Widths
    ROWS_PER_CELL: ClassVar[int] = 1
    OWN: ClassVar[tuple[str, ...]] = ()

    def check_widths(self) -> None:
        if self.job.processors > 1 << self.widths.pid:
            raise ValueError(f"{self.job.processors} processors do not fit {self.widths.pid} bits")

    @staticmethod
    def row_names(job: Job) -> list[str]:
        return ["PC", *(f"R{r}" for r in range(job.registers))]

    def clock(self, time: int) -> Clock:
        return lambda step: step.number

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [length]: BOS, parameters, input words, and masks."""
        given = self.given()
        return np.concatenate([given, np.full(self.length - len(given), self.circuit.vocabulary.mask)])

    def set_processors(self, fields: PositionFields) -> None:
        job, here = self.job, slice(self.first_processor, self.length)
        pid, place = (g.ravel() for g in np.mgrid[0 : job.processors, 0 : self.rows_per_processor(job)])
        self.set_owners(fields, pid, place)
        fields.set_bits("value", here, np.where(place == 0, pid, 0))

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        counters = tokens[self.first_processor :: self.rows_per_processor(self.job)]
        return bool((counters == self.circuit.vocabulary.token("HALT")).all())

    def final_position(self, cell: int) -> int:
        return self.first_cell + cell


CONSTRUCTION = Construction(REVISION, Widths, Widths.cover, build, Layout)
