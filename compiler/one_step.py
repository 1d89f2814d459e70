"""Any-process masked diffusion with one decoding step for each PRAM step: twice the space, no buffers.

    [BOS] [first output] [last output] [h - 2 parameters] [for each cell: 2 slots, inputs first]
    [for each processor: 2 slots of its PC, of R_0, .. R_{k-1}]

Every cell, register and program counter has two slots, and exactly one of the two is written. An instruction *hits* the
places that it writes. A place that is hit moves to its other slot: the same decoding step unmasks the new word there and
remasks the old word here. A place that is not hit stays: its masked slot sets its remask bit. So

- the masked slot of a running PC executes: it becomes the next program counter, and computes the address of a store;
- the masked slot of a register executes, too, if the instruction's destination is that register;
- a cell finds the store that hits it by a lookup in layer 3; if there are several, the winner's.

`lockstep.compiler.in_place` describes growing and shrinking. In the first decoding step every input word inserts its
other slot. From then on the last word and the masks behind it insert one mask each. If fewer are missing, only the last
of these masks insert. At L = N the first slot of each place without a word becomes 0, or PC 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lockstep.compiler import in_place
from lockstep.compiler.circuit import At, Circuit, Match, Threshold
from lockstep.compiler.hits import OPERAND_SLOTS, HitBuilder
from lockstep.compiler.in_place import Widths
from lockstep.compiler.linear import Linear, equals
from lockstep.compiler.names import ONE_STEP
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Keys, Processor
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code, in one decoding step for each PRAM step.

    Raises: ValueError: an instruction stores a computed value, or stores and branches. That takes more depth, or more rows.
    """
    return _OneStepBuilder(code, widths).circuit()


class _OneStepBuilder(HitBuilder, in_place.InPlaceBuilder):
    """Adds lookups and gates layer by layer."""

    name = "the one-step schedule"

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths, ("second",), ("BOS", MASK, "HALT", "PC"))
        builder = self.builder
        self.runs = builder.field("runs")
        self.running, self.started = builder.field("running"), builder.field("started")
        self.last_word = builder.field("last_word", 1, self.longest)
        self.behind, self.late, self.no_masks = builder.field("behind"), builder.field("late"), builder.field("no_masks")
        self.executes = builder.field("executes")
        self.declare_stores()
        self.processor = Processor(builder, code, self.size, OPERAND_SLOTS, ("WORD", "PC", "HALT"))

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._grow()
        self._start()
        self.shrink(self.running.flag + 1 - self.started.flag)
        self._add_rom()
        self.processor.add_operands(self._operand_keys(), [*self.pid])
        self.processor.add_operations()
        self.processor.add_fetch(self._cell_keys())
        self._move_cells()
        return self.edited(self.processor)

    # -- layer 1: lookups ----------------------------------------------------------------------

    def _first_lookups(self) -> None:
        """Registers and PCs read their PC. All but BOS read the ends, who runs, and the outputs' range."""
        role, kind = self.flags()
        same_pid = tuple(Match(q, k) for q, k in zip(self.pid, self.pid))
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        written, everyone = 1 - kind[MASK] - kind["BOS"], 1 - kind["BOS"]
        is_counter = (role["PC"], written)
        runs = (kind["PC"], self.runs.bit())
        self.builder.look_up(At.ROM, "counter", role["PC"] + role["register"], same_pid, is_counter, (*counter, runs))
        self.builder.look_up(
            At.ROM, "end", everyone, (), (everyone,), ((self.index.flag, self.end.bit()),), self.index.flag, self.longest
        )
        last = ((self.index.flag, self.last_word.bit()), (kind["HALT"], self.ended.bit()))
        self.builder.look_up(At.ROM, "last word", everyone, (), (everyone, written), last, self.index.flag, self.longest)
        # Finds a running processor if there is one, else one that has halted, and none before the start.
        reads = ((kind["PC"], self.running.bit()), (Linear(constant=1), self.started.bit()))
        processors = 1 << self.widths.pid
        self.builder.look_up(
            At.ROM, "running", everyone, (), is_counter, reads, self.rank.flag + kind["PC"] * processors, 2 * processors - 1
        )
        self.look_up_outputs()

    # -- growing and starting ------------------------------------------------------------------

    def _grow(self) -> None:
        """Insert masks. L is end + 1. Layer 1 compares indices and tests L < N; layer 2 combines the results."""
        mask, bos = self.kinds[MASK].flag, self.kinds["BOS"].flag
        index, end, full, last = self.index.flag, self.end.flag, self.full.flag, self.last_word.flag
        insert = {self.insert.bit(): 1}
        self.builder.gate(At.ROM, Threshold(index - last - 1, {self.behind.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(index - 2 * end - 3 + full, {self.late.bit(): 1}))
        self.builder.when(At.OPERANDS, [self.behind.flag, self.late.flag], insert)
        self.builder.gate(At.ROM, Threshold(index - last - mask * self.longest - bos, {self.is_last.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(full - end - 2, {self.growing.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(last - end - bos, {self.no_masks.bit(): 1}))
        grows = [self.growing.flag, 1 - self.ended.flag]
        self.builder.when(At.OPERANDS, [*grows, self.is_last.flag], insert)
        others = [self.role["cell"].flag, 1 - mask, 1 - self.is_last.flag]
        self.builder.when(At.OPERANDS, [*grows, self.no_masks.flag, *others], insert)

    def _start(self) -> None:
        """Make every mask wait. When L = N and no PC is written, first slots do not wait."""
        mask, full_length = self.kinds[MASK].flag, self.end.flag + 1 - self.full.flag  # 0 at L = N, else negative
        wait, emit = {self.remask.bit(): 1}, self.processor.emit
        self.builder.when(At.ROM, [mask], wait)
        opens = full_length - self.started.flag - (1 - mask) - self.role["second"].flag
        for kind, roles in (("WORD", self.role["cell"].flag + self.role["register"].flag), ("PC", self.role["PC"].flag)):
            self.builder.gate(At.ROM, Threshold(opens - (1 - roles), {self.remask.bit(): -1, emit[kind].bit(): 1}))

    # -- the ROM -------------------------------------------------------------------------------

    def _add_rom(self) -> None:
        """Make masked PC slots execute, registers that are hit move, and written PCs of running processors remask themselves."""
        processor, remask = self.processor, self.remask.bit()
        mask, is_counter = self.kinds[MASK].flag, self.role["PC"].flag
        executes = (is_counter, mask, self.runs.flag)
        self.builder.when(At.ROM, executes, {self.executes.bit(): 1, remask: -1})
        self.builder.when(At.ROM, [is_counter, self.kinds["PC"].flag], {remask: 1})
        processor.add_increment(executes)
        for number, instruction in enumerate(self.code.instructions):
            here = processor.counter_is(number)
            if writes := processor.next_column(number, instruction) | self.store(instruction):
                self.builder.when(At.ROM, [*executes, *here], writes)
            if instruction.rd is not None:
                own = equals([*self.address][: self.size.register], instruction.rd)
                hit = [self.role["register"].flag, self.runs.flag, *here, *own]
                value = {remask: -1, processor.emit["WORD"].bit(): 1} | processor.value_column(instruction)
                self.builder.when(At.ROM, [*hit, mask], value)
                self.builder.when(At.ROM, [*hit, 1 - mask], {remask: 1})

    # -- layers 2 and 3 ------------------------------------------------------------------------

    def _written_or_executing(self) -> Linear:
        return 1 - self.kinds[MASK].flag - self.kinds["BOS"].flag + self.executes.flag

    def _operand_keys(self) -> Keys:
        """Registers and parameters hold their word. A pid is read from the PC slot that executes."""
        register, parameter, pid = self.role["register"].flag, self.role["parameter"].flag, self.executes.flag
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(register + parameter + pid, self._written_or_executing()),
            values=[self.bits[j] + self.value[j] for j in range(self.size.word)],
            flags=(parameter, pid),
            owner=[*self.pid],
            owned=1 - parameter,
        )

    def _cell_keys(self) -> Keys:
        written = 1 - self.kinds[MASK].flag - self.kinds["BOS"].flag
        values = [self.bits[j] for j in range(self.size.word)]
        return Keys([*self.address][: self.size.word], (self.role["cell"].flag, written), values)

    def _move_cells(self) -> None:
        """Move the cells that a store hits: remask the written slot, and unmask the masked slot with the store's value."""
        mask = self.kinds[MASK].flag
        self.look_up_hits()
        self.builder.when(At.ROM, [self.role["cell"].flag, mask, self.started.flag], {self.processor.emit["WORD"].bit(): 1})
        self.builder.when(At.MEMORY, [self.hit.flag, mask], {self.remask.bit(): -1})
        self.builder.when(At.MEMORY, [self.hit.flag, 1 - mask], {self.remask.bit(): 1})


@dataclass(frozen=True)
class Layout(in_place.Layout):
    """N = 1 + h + 2 S + 2 P (k + 1)."""

    ROWS_PER_CELL: ClassVar[int] = 2
    STEPS: ClassVar[int] = 1

    @staticmethod
    def row_names(job: Job) -> list[str]:
        return [name for name in ("PC", *(f"R{r}" for r in range(job.registers))) for _ in range(2)]

    def set_processors(self, fields: PositionFields) -> None:
        job, here = self.job, slice(self.first_processor, self.length)
        pid, place, slot = (g.ravel() for g in np.mgrid[0 : job.processors, 0 : job.registers + 1, 0:2])
        self.set_owners(fields, pid, place)
        fields.set_bits("value", here, np.where(place == 0, pid, 0))
        fields.set("role.second", here, slot)
        fields.set("role.second", slice(self.first_cell, self.first_processor), np.arange(2 * job.space) % 2)


CONSTRUCTION = in_place.construction(ONE_STEP, build, Layout)
