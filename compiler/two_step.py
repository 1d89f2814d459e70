"""Any-process masked diffusion with two decoding steps for each PRAM step. The sequence is the machine's state.

    [BOS] [first output] [last output] [h - 2 parameters] [shared memory, inputs first]
    [for each processor: PC, R_0 .. R_{k-1}, DST, VAL, NPC]

Two decoding steps make one PRAM step, with the same weights:

- *execute*: the buffers DST, VAL and NPC are masked. This step unmasks them. It also remasks their targets: a register
  or shared cell, and the processor's PC.
- *commit*: the buffers are written. This step unmasks each target with the value for it; if there are several, with
  the winner's. It also remasks the buffers.

`lockstep.compiler.in_place` describes growing and shrinking. Let L be the length and N the full length. In this
schedule a mask inserts a mask iff its index >= 2L - N, and the last token inserts one iff it is no mask and L < N.
At L = N masked cells without a write become 0, and a masked PC whose NPC is masked becomes PC 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lockstep.compiler import in_place
from lockstep.compiler.adding import add_digit, exponent_for, low_bits
from lockstep.compiler.circuit import At, Circuit, Match, Pool, Threshold
from lockstep.compiler.combining import add_complement, complement_reads
from lockstep.compiler.in_place import Widths
from lockstep.compiler.linear import Linear, total, word_of
from lockstep.compiler.mixing import Mixing
from lockstep.compiler.names import TWO_STEP
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Keys, Processor, Roles
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job

#: The buffers of a processor. Its rows are its PC, its registers, then these.
BUFFERS = ("DST", "VAL", "NPC")


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by any-process masked diffusion."""
    return _TwoStepBuilder(code, widths).circuit()


class _TwoStepBuilder(in_place.InPlaceBuilder):
    """Adds lookups and gates layer by layer."""

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths, BUFFERS, ("BOS", MASK, "HALT", "REG", "PC", "WORD"))
        builder, size = self.builder, self.size
        self.written = builder.field("written", size.word)
        self.complement = add_complement(builder, code, size.word)
        if code.adds:
            self.share = builder.field("share", 1, (1 << size.word) - 1)
            self.digit = builder.field("high", size.word - low_bits(size.word))
        if code.how == "mixed":
            self.mixing = Mixing(builder, code, size, widths.pid)
            self.following = builder.field("following", size.counter)
            self.left = builder.field("left", size.word) if code.has_extremes else None
        self.counterpart = {kind: builder.field(f"counterpart.{kind}") for kind in ("PC", "HALT")}
        self.unhalted = builder.field("unhalted")
        self.owner = builder.field("owner", widths.pid)
        self.processor = Processor(builder, code, size)

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._grow()
        self._wait_and_clear()
        self._fill()
        self.shrink(self.unhalted.flag)
        self.processor.add_rom(self._roles())
        self.processor.add_operands(self._operand_keys(), [*self.pid])
        self.processor.add_operations()
        self.processor.add_fetch(self._cell_keys())
        self._target()
        if self.code.how in ("sum", "mixed"):
            self._combine()
        return self.edited(self.processor)

    # -- layer 1: lookups ----------------------------------------------------------------------

    def _first_lookups(self) -> None:
        """Buffers read their PC, a PC its NPC, DST its VAL. All but BOS read the end, who runs, and the outputs' range."""
        role, kind = self.flags()
        same_pid = tuple(Match(q, k) for q, k in zip(self.pid, self.pid))
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        its_kind = tuple((kind[name], f.bit()) for name, f in self.counterpart.items())
        asks, other = (self._buffer() + role["PC"]), (role["PC"] + role["NPC"])
        self.builder.look_up(
            At.ROM, "counterpart", asks, (Match(role["PC"], role["NPC"]), *same_pid), (other,), (*counter, *its_kind)
        )
        word = [*self.bits][: self.size.word]
        written = [(bit, self.written.bit(j)) for j, bit in enumerate(word)]
        written += complement_reads(word, self.complement)
        self.builder.look_up(At.ROM, "gather", role["DST"], same_pid, (role["VAL"],), written)
        if self.code.how == "mixed":
            next_counter = [(self.bits[j], self.following.bit(j)) for j in range(self.size.counter)]
            self.builder.look_up(At.ROM, "rule", role["DST"], same_pid, (role["NPC"],), next_counter)
            self.mixing.add_flags([role["DST"], kind["WORD"]], self.following)
        everyone = 1 - kind["BOS"]
        last = ((self.index.flag, self.end.bit()), (kind["HALT"], self.ended.bit()))
        self.builder.look_up(At.ROM, "end", everyone, (), (everyone,), last, self.index.flag, self.longest)
        not_halt, found = (Match(Linear(), kind["HALT"]),), ((Linear(constant=1), self.unhalted.bit()),)
        self.builder.look_up(
            At.ROM, "unhalted", everyone, not_halt, (role["PC"],), found, self.rank.flag, (1 << self.widths.pid) - 1
        )
        self.look_up_outputs()

    def _buffer(self) -> Linear:
        return total(self.role[name].flag for name in BUFFERS)

    # -- growing and waiting --------------------------------------------------------------------

    def _grow(self) -> None:
        """Insert masks. L is end + 1. Layer 1 computes whether a row is last and whether L < N; layer 2 combines the two."""
        mask, bos = self.kinds[MASK].flag, self.kinds["BOS"].flag
        index, end, full, far = self.index.flag, self.end.flag, self.full.flag, 4 * self.longest
        beyond = index - 2 * end - 2 + full - (1 - mask) * far - self.ended.flag * far
        self.builder.gate(At.ROM, Threshold(beyond, {self.insert.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(index - end - bos, {self.is_last.bit(): 1}))
        self.builder.gate(At.ROM, Threshold(full - end - 2, {self.growing.bit(): 1}))
        literals = [self.is_last.flag, self.growing.flag, 1 - mask, 1 - self.ended.flag]
        self.builder.when(At.OPERANDS, literals, {self.insert.bit(): 1})

    def _wait_and_clear(self) -> None:
        """Remask masks that must wait, written buffers, and a PC that runs, since every step writes it."""
        mask, buffer = self.kinds[MASK].flag, self._buffer()
        remask = {self.remask.bit(): 1}
        self.builder.when(At.OPERANDS, [mask, self.growing.flag, 1 - buffer], remask)
        self.builder.when(At.ROM, [mask, buffer, 1 - self.counterpart["PC"].flag], remask)
        self.builder.when(At.ROM, [1 - mask, buffer], remask)
        self.builder.when(At.ROM, [self.role["PC"].flag, self.kinds["PC"].flag], remask)

    # -- predictions of masks ------------------------------------------------------------------

    def _fill(self) -> None:
        """Make masked cells and registers words, and a masked PC the token that its NPC holds."""
        mask, emit, counter = self.kinds[MASK].flag, self.processor.emit, self.processor.counter
        self.builder.when(At.ROM, [self.role["cell"].flag + self.role["register"].flag, mask], {emit["WORD"].bit(): 1})
        pc = [self.role["PC"].flag, mask]
        self.builder.when(At.ROM, [*pc, 1 - self.counterpart["HALT"].flag], {emit["PC"].bit(): 1})
        self.builder.when(At.ROM, [*pc, self.counterpart["HALT"].flag], {emit["HALT"].bit(): 1})
        for j in range(self.size.counter):
            self.builder.when(At.ROM, [*pc, counter[j]], {self.processor.out.bit(j): 1})

    def _roles(self) -> Roles:
        """Masked buffers execute if the PC of their processor is a program counter."""
        ready = (self.kinds[MASK].flag, self.counterpart["PC"].flag)
        value, destination, following = ((self.role[name].flag, *ready) for name in ("VAL", "DST", "NPC"))
        return Roles(value=value, destination=destination, next=following)

    def _operand_keys(self) -> Keys:
        """Registers and parameters hold their word. A pid is read from the DST row, where the position encoding holds it."""
        register, parameter, pid = (self.role[name].flag for name in ("register", "parameter", "DST"))
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(register + parameter + pid,),
            values=[self.bits[j] + self.value[j] for j in range(self.size.word)],
            flags=(parameter, pid),
            owner=[*self.pid],
            owned=1 - parameter,
        )

    def _cell_keys(self) -> Keys:
        values = [self.bits[j] for j in range(self.size.word)]
        return Keys([*self.address][: self.size.word], (self.role["cell"].flag,), values)

    # -- layer 3: targets ----------------------------------------------------------------------

    def _target(self) -> None:
        """Cells and registers find the DST that targets them; if there are several, the winner's.

        While that DST is being computed, they read 1 into their remask bit. Once it is written, they read its value.
        """
        role, kind = self.flags()
        emit, out, sums = self.processor.emit, self.processor.out, self.processor.sum
        to_register = emit["REG"].flag + kind["REG"]
        for j in range(self.pid.width):  # the owner of a store is 0, like the pid of a cell
            self.builder.when(At.OPERANDS, [role["DST"], to_register, self.pid[j]], {self.owner.bit(j): 1})
        computing = emit["REG"].flag + emit["WORD"].flag
        matches = [Match(role["register"], to_register)]
        targeted = max((i.rd or 0 for i in self.code.instructions), default=0).bit_length()
        for j, own in enumerate(self.address):
            readable = ((out, targeted), (sums, sums.width), (self.bits, self.bits.width))
            target = [bits[j] for bits, width in readable if j < width]
            matches.append(Match(own, total(target)))
        matches += [Match(q, k) for q, k in zip(self.pid, self.owner)]
        conditions = (role["DST"], computing + kind["REG"] + kind["WORD"])
        remask = [(computing, self.remask.bit())]
        reads = [*remask, *((self.written[j], out.bit(j)) for j in range(self.size.word))]
        mixed, combined = self.code.how == "mixed", self.code.how in ("sum", "mixed")
        recency = self.wins([*((self.mixing.bid if mixed else self.complement) or self.written)])
        if combined:
            of_winner = [(bit, out.bit(j)) for j, bit in enumerate(self.left or ())] if mixed else []
            self.builder.look_up(At.MEMORY, "target.cell", role["cell"], matches, conditions, [*remask, *of_winner], *recency)
        asks = role["register"] + (0 if combined else role["cell"])
        self.builder.look_up(At.MEMORY, "target", asks, matches, conditions, reads, *recency)

    # -- writes that are combined ----------------------------------------------------------------

    def _combine(self) -> None:
        """In the commit step, cells find all DST tokens that name them, and take what these leave."""
        role, kind = self.flags()
        out, word, written = self.processor.out, self.size.word, [*self.written]
        same = tuple(Match(own, bit) for own, bit in zip([*self.address][:word], self.bits))
        writes: tuple[Linear, ...] = (role["DST"], kind["WORD"])
        if self.code.how == "mixed":
            if self.left is not None:
                self.mixing.add_bids(written, self.left)
            self.mixing.add_counts(role["cell"], same, written, [out.bit(j) for j in range(word)])
        if self.code.adds:
            self._add_up(same, (self.mixing.by["sum"].flag,) if self.code.how == "mixed" else writes)

    def _add_up(self, same: tuple[Match, ...], writes: tuple[Linear, ...]) -> None:
        """Cells take the sum of what is written apart. Args: writes: conditions on the rows that are added up."""
        builder, out, word, low = self.builder, self.processor.out, self.size.word, low_bits(self.size.word)
        reads = ((word_of([*self.written]), self.share.bit()),)
        exponent, most = exponent_for(word, self.widths.pid), 1 << self.widths.pid
        pool = Pool("combine", self.role["cell"].flag, same, writes, reads, exponent=exponent, most=most)
        builder.head(At.OPERANDS, pool)
        add_digit(builder, At.OPERANDS, self.share.flag, low, [self.digit.bit(j) for j in range(word - low)])
        rest = self.share.flag - word_of([*self.digit]) * (1 << low)
        add_digit(builder, At.MEMORY, rest, 0, [out.bit(j) for j in range(low)])
        for j, bit in enumerate(self.digit):
            builder.when(At.MEMORY, [bit], {out.bit(low + j): 1})


@dataclass(frozen=True)
class Layout(in_place.Layout):
    """N = 1 + h + S + P (k + 4)."""

    ROWS_PER_CELL: ClassVar[int] = 1
    STEPS: ClassVar[int] = 2

    @staticmethod
    def row_names(job: Job) -> list[str]:
        return ["PC", *(f"R{r}" for r in range(job.registers)), *BUFFERS]

    def set_processors(self, fields: PositionFields) -> None:
        job, here = self.job, slice(self.first_processor, self.length)
        pid, row = (g.ravel() for g in np.mgrid[0 : job.processors, 0 : self.rows_per_processor(job)])
        self.set_owners(fields, pid, row)
        for i, name in enumerate(BUFFERS):
            fields.set(f"role.{name}", here, row == 1 + job.registers + i)
        fields.set_bits("value", here, np.where(row == 1 + job.registers + BUFFERS.index("DST"), pid, 0))


CONSTRUCTION = in_place.construction(TWO_STEP, build, Layout)
