"""Any-process masked diffusion in one decoding step for each PRAM step: twice the space, no buffers.

    [BOS] [first output] [last output] [h - 2 parameters] [for each cell: 2 slots, inputs first]
    [for each processor: 2 slots of its PC, of R_0, .. R_{k-1}]

Of the two slots of a cell, register or program counter exactly one is written. What is hit *moves* to its other slot:
there the new word is unmasked, here the old one is remasked, both in the same decoding step. What is not hit does
nothing: its masked slot sets its remask bit. So

- the masked slot of a running PC executes: it becomes the next program counter, and computes the address of a store;
- the masked slot of a register executes too, if the instruction's destination is that register;
- a cell finds, by a lookup in layer 3, the store that hits it, of several the winner's.

`lockstep.compiler.in_place` has what comes before and after. Growth: in the first decoding step every input word inserts its
other slot; from then on the last word and the masks behind it insert one each, of these masks only the last ones when
fewer are missing. At L = N the first slot of whatever has no word becomes 0, or PC 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lockstep.compiler import in_place
from lockstep.compiler.circuit import At, Bit, Circuit, Linear, Match, Threshold, equals
from lockstep.compiler.in_place import Widths
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Keys, Processor
from lockstep.models.tokens import MASK
from lockstep.pram.instructions import Apply, Cell, Instruction, Next
from lockstep.pram.job import Job

#: The masked slot of a PC reads a store's address from x and y, and its value from z.
SLOTS = ("x", "y", "z")


def build(code: Code, widths: Widths) -> Circuit:
    """The circuit that generates this code's runs in one decoding step for each PRAM step.

    Raises: ValueError: an instruction stores what is no operand, or branches as well: that takes more rows, or depth.
    """
    return _OneStep(code, widths).circuit()


class _OneStep(in_place.InPlaceBuilder):
    """Adds lookups and gates layer by layer."""

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths, ("second",), ("BOS", MASK, "HALT", "PC"))
        b = self.b
        self.runs = b.field("runs")
        self.running, self.started = b.field("running"), b.field("started")
        self.last_word = b.field("last_word", 1, self.longest)
        self.behind, self.late, self.no_masks = b.field("behind"), b.field("late"), b.field("no_masks")
        self.executes, self.stores = b.field("executes"), b.field("stores")
        self.hit = b.field("hit")
        self.processor = Processor(b, code, self.size, SLOTS, ("WORD", "PC", "HALT"))

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
        return self.finish(self.processor)

    # -- layer 1: what rows learn of others ----------------------------------------------------

    def _first_lookups(self) -> None:
        """Registers and PCs read their PC; all but BOS read the ends, who runs, and the outputs' range."""
        role, kind = self.flags()
        same_pid = tuple(Match(q, k) for q, k in zip(self.pid, self.pid))
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        written, everyone = 1 - kind[MASK] - kind["BOS"], 1 - kind["BOS"]
        is_counter = (role["PC"], written)
        runs = (kind["PC"], self.runs.bit())
        self.b.look_up(At.ROM, "counter", role["PC"] + role["register"], same_pid, is_counter, (*counter, runs))
        self.b.look_up(
            At.ROM, "end", everyone, (), (everyone,), ((self.index.flag, self.end.bit()),), self.index.flag, self.longest
        )
        last = ((self.index.flag, self.last_word.bit()), (kind["HALT"], self.ended.bit()))
        self.b.look_up(At.ROM, "last word", everyone, (), (everyone, written), last, self.index.flag, self.longest)
        # A running processor, if there is one, else one that has halted: none before the start.
        reads = ((kind["PC"], self.running.bit()), (Linear(constant=1), self.started.bit()))
        processors = 1 << self.widths.pid
        self.b.look_up(
            At.ROM, "running", everyone, (), is_counter, reads, self.rank.flag + kind["PC"] * processors, 2 * processors - 1
        )
        self.look_up_outputs()

    # -- growing and starting ------------------------------------------------------------------

    def _grow(self) -> None:
        """L is end + 1. Gates say who is where, and whether L < N; the next layer joins them."""
        mask, bos = self.kinds[MASK].flag, self.kinds["BOS"].flag
        index, end, full, last = self.index.flag, self.end.flag, self.full.flag, self.last_word.flag
        insert = {self.insert.bit(): 1}
        self.b.gate(At.ROM, Threshold(index - last - 1, {self.behind.bit(): 1}))
        self.b.gate(At.ROM, Threshold(index - 2 * end - 3 + full, {self.late.bit(): 1}))
        self.b.when(At.OPERANDS, [self.behind.flag, self.late.flag], insert)
        self.b.gate(At.ROM, Threshold(index - last - mask * self.longest - bos, {self.is_last.bit(): 1}))
        self.b.gate(At.ROM, Threshold(full - end - 2, {self.growing.bit(): 1}))
        self.b.gate(At.ROM, Threshold(last - end - bos, {self.no_masks.bit(): 1}))
        grows = [self.growing.flag, 1 - self.ended.flag]
        self.b.when(At.OPERANDS, [*grows, self.is_last.flag], insert)
        others = [self.role["cell"].flag, 1 - mask, 1 - self.is_last.flag]
        self.b.when(At.OPERANDS, [*grows, self.no_masks.flag, *others], insert)

    def _start(self) -> None:
        """Every mask waits; but when L = N and no PC is written, first slots do not."""
        mask, full_length = self.kinds[MASK].flag, self.end.flag + 1 - self.full.flag  # 0 at L = N, else negative
        wait, emit = {self.remask.bit(): 1}, self.processor.emit
        self.b.when(At.ROM, [mask], wait)
        opens = full_length - self.started.flag - (1 - mask) - self.role["second"].flag
        for kind, roles in (("WORD", self.role["cell"].flag + self.role["register"].flag), ("PC", self.role["PC"].flag)):
            self.b.gate(At.ROM, Threshold(opens - (1 - roles), {self.remask.bit(): -1, emit[kind].bit(): 1}))

    # -- the ROM -------------------------------------------------------------------------------

    def _add_rom(self) -> None:
        """A masked PC slot goes on; register slots that are hit move; a written PC that runs always does."""
        processor, remask = self.processor, self.remask.bit()
        mask, is_counter = self.kinds[MASK].flag, self.role["PC"].flag
        executes = (is_counter, mask, self.runs.flag)
        self.b.when(At.ROM, executes, {self.executes.bit(): 1, remask: -1})
        self.b.when(At.ROM, [is_counter, self.kinds["PC"].flag], {remask: 1})
        processor.add_increment(executes)
        for number, instruction in enumerate(self.code.instructions):
            here = processor.counter_is(number)
            if writes := processor.next_column(number, instruction) | self._store(instruction):
                self.b.when(At.ROM, [*executes, *here], writes)
            if instruction.rd is not None:
                own = equals([*self.address][: self.size.register], instruction.rd)
                hit = [self.role["register"].flag, self.runs.flag, *here, *own]
                value = {remask: -1, processor.emit["WORD"].bit(): 1} | processor.value_column(instruction)
                self.b.when(At.ROM, [*hit, mask], value)
                self.b.when(At.ROM, [*hit, 1 - mask], {remask: 1})

    def _store(self, instruction: Instruction) -> dict[Bit, int]:
        """The address into `sum`, the value into z."""
        row = instruction.row
        if not isinstance(row.destination, Cell):
            return {}
        if not (isinstance(row.value, Apply) and row.value.operation == "copy") or row.next is Next.BRANCH:
            raise ValueError(f"the one-step schedule has no room for `{row.name}`: it stores operands only, and does not branch")
        value = self.processor.select([instruction.operand(row.value.operands[0])], SLOTS[2:])
        return {self.stores.bit(): 1} | self.processor.address(instruction, row.destination) | value

    # -- layers 2 and 3 ------------------------------------------------------------------------

    def _written_or_executing(self) -> Linear:
        return 1 - self.kinds[MASK].flag - self.kinds["BOS"].flag + self.executes.flag

    def _operand_keys(self) -> Keys:
        """Registers and parameters hold their word; a pid is read off the PC slot that executes."""
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
        """A cell that a store hits is remasked if it is written, and stops waiting if it is masked."""
        mask, out, size = self.kinds[MASK].flag, self.processor.out, self.size.word
        matches = tuple(Match(own, target) for own, target in zip(self.address, self.processor.sum))
        reads = [(self.stores.flag, self.hit.bit())]
        reads += [(value, out.bit(j)) for j, value in enumerate(self.processor.operands["z"])]
        recency = self.rank.flag, (1 << self.widths.pid) - 1
        self.b.look_up(At.MEMORY, "hit", self.role["cell"].flag, matches[:size], (self.stores.flag,), reads, *recency)
        self.b.when(At.ROM, [self.role["cell"].flag, mask, self.started.flag], {self.processor.emit["WORD"].bit(): 1})
        self.b.when(At.MEMORY, [self.hit.flag, mask], {self.remask.bit(): -1})
        self.b.when(At.MEMORY, [self.hit.flag, 1 - mask], {self.remask.bit(): 1})


@dataclass(frozen=True)
class Layout(in_place.Layout):
    """N = 1 + h + 2 S + 2 P (k + 1)."""

    ROWS_PER_CELL: ClassVar[int] = 2

    @staticmethod
    def rows_per_processor(job: Job) -> int:
        return 2 * (job.registers + 1)

    def set_processors(self, fields: PositionFields) -> None:
        job, here = self.job, slice(self.first_processor, self.length)
        pid, place, slot = (g.ravel() for g in np.mgrid[0 : job.processors, 0 : job.registers + 1, 0:2])
        self.set_owners(fields, pid, place)
        fields.set_bits("value", here, np.where(place == 0, pid, 0))
        fields.set("role.second", here, slot)
        fields.set("role.second", slice(self.first_cell, self.first_processor), np.arange(2 * job.space) % 2)
