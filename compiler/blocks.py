"""Blocks of V, C and A rows, one for each step of a run: what masked diffusion and autoregression share.

    [BOS] [h parameters] [n input words] [block 1] ... [block T] [m outputs]
    block t = V_0 .. V_{P-1}  C_0 .. C_{P-1}  A_0 .. A_{P-1}

V is the value that a processor writes in step t, C its next program counter or HALT, A the destination (NONE,
REG r, or an address). The A token *publishes* the write: later rows find it, and its position has gathered V.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.adding import add_digit, exponent_for, low_bits
from lockstep.compiler.circuit import At, Builder, Circuit, Field, Match, Pool
from lockstep.compiler.clocks import BlockClock, Clock
from lockstep.compiler.combining import add_complement, is_by_value, value_and_rank
from lockstep.compiler.fixed_winner import check_winner
from lockstep.compiler.linear import Linear, word_of
from lockstep.compiler.mixing import Mixing
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import EMITTED_KINDS, Code, Keys, Processor, Size, bits_for
from lockstep.models.positions import Positions
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Step, register_of

#: The roles of a block's rows, in order.
BLOCK_ROLES = ("V", "C", "A")


@dataclass(frozen=True)
class Widths:
    """Bits of a word, of a step number (1 .. T), and of a pid. Weights depend on these and the program alone."""

    word: int
    time: int
    pid: int

    @staticmethod
    def cover(job: Job, time: int) -> Widths:
        """The least widths for a job, with step numbers up to `time`."""
        return Widths(job.word_bits, max(1, time.bit_length()), bits_for(job.processors))

    @property
    def extent(self) -> tuple[str, int]:
        """The name, for messages, of the quantity that the widths limit, and its number of bits."""
        return "T * P", self.time + self.pid

    def widened(self, bits: int) -> Widths:
        """A copy whose extent has `bits` bits."""
        return replace(self, time=bits - self.pid)


class BlockBuilder:
    """Declares the fields of blocks, and adds what reads shared memory. emitted: the kinds of tokens that rows emit."""

    emitted: tuple[str, ...] = EMITTED_KINDS

    def __init__(self, code: Code, widths: Widths) -> None:
        self.code, self.size, self.widths = code, Size.of(code, widths.word), widths
        self.builder = Builder()
        self.role: dict[str, Field] = {}

    def _time_fields(self) -> None:
        """What positions say of when and whose a row is, and how late a write is."""
        field, widths, by_value = self.builder.field, self.widths, is_by_value(self.code)
        self.last, self.first = field("last"), field("first")
        self.time, self.previous = field("time", widths.time), field("time.previous", widths.time)
        self.step = field("step", 1, (1 << widths.time) - 1)
        self.pid = field("pid", widths.pid)
        ranks = 1 << widths.pid
        self.priority = field("rank", 1, ranks - 1) if by_value else field("priority", 1, ranks << widths.time)

    def _value_fields(self) -> None:
        """The address of a write or of a word that was given, and its value. Layer 1 writes most of them."""
        field, word = self.builder.field, self.size.word
        self.address = field("address", max(word, self.size.index))
        self.value = field("value", word)
        self.complement = add_complement(self.builder, self.code, word)
        if self.code.adds:
            self.share, self.rest = field("share", 1, (1 << word) - 1), field("rest", 1, (1 << self.low) - 1)
            self.digit = field("high", word - self.low)
        if self.code.how == "mixed":
            self.mixing = Mixing(self.builder, self.code, self.size, self.widths.pid)
            self.following, self.left = field("following", self.size.counter), field("left", word)

    def _key_fields(self) -> None:
        """What makes a row a key of registers or of cells, and what makes an output read its cell; then those of a processor."""
        field = self.builder.field
        self.is_register, self.is_cell, self.reading = (field(name) for name in ("is_register", "is_cell", "reading"))
        self.processor = Processor(self.builder, self.code, self.size, emitted=self.emitted)

    # -- registers, parameters, pids -------------------------------------------------------------

    def _operand_keys(self, owner: Field) -> Keys:
        """Keys of registers are A tokens. A pid is read from a V row of block 1, where the position encoding holds it.

        Args: owner: the pid of the processor that may find a key, unless it is a parameter.
        """
        parameter, pid = self.role["parameter"].flag, self.first.flag
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(self._is_register() + parameter + pid,),
            values=[*self.value],
            recency=self.step.flag,
            recency_max=1 << self.widths.time,
            flags=(parameter, pid),
            owner=[*owner],
            owned=1 - parameter,
        )

    def _is_register(self) -> Linear:
        """Rows that hold a register of their owner."""
        return self.is_register.flag

    # -- shared memory ---------------------------------------------------------------------------

    def _read_cells(self, bits: Field) -> None:
        """Read cells in layer 3: the last write, or what the writes of the last step leave. bits: those of tokens."""
        if self.code.how in ("sum", "mixed"):
            self._read_combined(bits)
        else:
            self.processor.add_fetch(self._cell_keys(), self.reading.flag)

    def _cell_keys(self) -> Keys:
        """Keys of cells are A tokens and inputs. The latest write has the highest recency; within a step, the winner's write."""
        recency, most = self._cell_recency()
        return Keys(
            index=[*self.address][: self.size.word],
            conditions=(self.is_cell.flag + self.role["input"].flag,),
            values=[*self.value],
            recency=recency,
            recency_max=most,
        )

    def _cell_recency(self) -> tuple[Linear, int]:
        """The recency of a write, and its largest value: the step, then the place in the order of who wins, or the value first."""
        widths = self.widths
        if not is_by_value(self.code):
            return self.priority.flag, 1 << (widths.time + widths.pid)
        value = self.mixing.bid if self.code.how == "mixed" else self.complement
        wins, most = value_and_rank([*(value or self.value)], self.priority.flag, widths.pid)
        return self.step.flag * (most + 1) + wins, (most + 1 << widths.time) - 1

    # -- writes that are combined ----------------------------------------------------------------

    @property
    def low(self) -> int:
        return low_bits(self.size.word)

    def _read_rules(self, bits: Field, visible: Sequence[Linear]) -> None:
        """A tokens read the program counter after their store; those that are cells set the flag of its rule.

        Args: bits: those of tokens. visible: 1 on A tokens that lookups may find.
        """
        if self.code.how != "mixed":
            return
        own = [Match(bit, bit) for bit in (*self.time, *self.pid)]
        counter = [(bits[j], self.following.bit(j)) for j in range(self.size.counter)]
        self.builder.look_up(At.ROM, "rule", self.role["A"].flag, own, (self.role["C"].flag,), counter)
        self.mixing.add_flags(visible, self.following)

    def _read_combined(self, bits: Field) -> None:
        """A tokens find all writes to their cell in their step. Reads of a cell bring what these leave.

        Input words enter `share` by gates, or `left` where nothing is added up, so that they are read in the same way.
        """
        builder, out, low, code = self.builder, self.processor.out, self.low, self.code
        for j in range(self.size.word):
            given = {self.share.bit(): 1 << j} if code.adds else {self.left.bit(j): 1}
            builder.when(At.ROM, [self.role["input"].flag, bits[j]], given)
        same, value = [Match(bit, bit) for bit in (*self.time, *[*self.address][: self.size.word])], [*self.value]
        found, rest = [Linear()] * self.size.word, []
        if code.how == "mixed":
            found = [*self.left]
            self.mixing.add_bids(value, self.left)
            self.mixing.add_counts(None, same, value, [self.left.bit(j) for j in range(len(value))])
        if code.adds:
            self._add_up(same)
            found = found[:low] + [form + bit for form, bit in zip(found[low:], self.digit)]
            rest = [(self.share.flag - word_of([*self.digit]) * (1 << low), self.rest.bit())]
        reads = [(form, out.bit(j)) for j, form in enumerate(found) if form.terms]
        self.processor.add_fetch(self._cell_keys(), self.reading.flag, [*reads, *rest])
        if code.adds:
            add_digit(builder, At.MEMORY, self.rest.flag, 0, [out.bit(j) for j in range(low)])

    def _add_up(self, same: Sequence[Match]) -> None:
        """A tokens take the sum of what is written apart, and make its high digit."""
        builder, word = self.builder, self.size.word
        cell = self.mixing.by["sum"].flag if self.code.how == "mixed" else self.is_cell.flag
        exponent, most = exponent_for(word, self.widths.pid), 1 << self.widths.pid
        reads = ((word_of([*self.value]), self.share.bit()),)
        pool = Pool("combine", cell, tuple(same), (cell,), reads, exponent=exponent, most=most)
        builder.head(At.OPERANDS, pool)
        add_digit(builder, At.OPERANDS, self.share.flag, self.low, [self.digit.bit(j) for j in range(self.digit.width)])


@dataclass(frozen=True)
class BlockLayout(ABC):
    """The positions of all tokens in the sequence of one job, with `time` blocks."""

    job: Job
    circuit: Circuit
    widths: Widths
    time: int

    def __post_init__(self) -> None:
        check_winner(self.job)
        if self.time.bit_length() > self.widths.time or self.job.processors > 1 << self.widths.pid:
            raise ValueError(
                f"{self.time} steps of {self.job.processors} processors do not fit {self.widths.time} and {self.widths.pid} bits"
            )

    @property
    def first_block(self) -> int:
        return 1 + len(self.job.parameters) + self.job.inputs

    @property
    def first_output(self) -> int:
        return self.first_block + 3 * self.job.processors * self.time

    @property
    def length(self) -> int:
        """The context length: 1 + h + n + m + 3 P T."""
        return self.first_output + len(self.job.outputs)

    def row(self, role: str, step: int, pid: int) -> int:
        """The position of a processor's V, C or A token of a step."""
        return self.first_block + (3 * (step - 1) + BLOCK_ROLES.index(role)) * self.job.processors + pid

    def locate(self, position: int) -> tuple[str, int, int]:
        """Role, step and pid of a position in a block. For outputs ("output", 0, j), before the blocks ("start", 0, i)."""
        if position >= self.first_output:
            return "output", 0, position - self.first_output
        if position < self.first_block:
            return "start", 0, position
        row, pid = divmod(position - self.first_block, self.job.processors)
        return BLOCK_ROLES[row % 3], row // 3 + 1, pid

    def clock(self, time: int) -> Clock:
        """Says which step of a run of `time` steps a decoding step belongs to."""
        return BlockClock(self.first_block, 3 * self.job.processors, self.time, time)

    # -- tokens --------------------------------------------------------------------------------

    @abstractmethod
    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0."""

    @abstractmethod
    def positions(self) -> Positions:
        """The position encoding of `length` positions."""

    def given(self) -> NDArray[np.int64]:
        """The tokens that stand before the blocks, int64 [1 + h + n]: BOS, parameters, inputs."""
        vocabulary, job = self.circuit.vocabulary, self.job
        mask = (1 << self.widths.word) - 1
        words = [p & mask for p in job.parameters] + job.memory[: job.inputs].tolist()
        return np.array([vocabulary.token("BOS"), *(vocabulary.token("WORD") + word for word in words)], np.int64)

    def _given_positions(self, fields: PositionFields) -> None:
        h, n = len(self.job.parameters), self.job.inputs
        fields.set("one", slice(None), 1)
        for role, start, indices in (("parameter", 1, np.arange(h)), ("input", 1 + h, np.arange(n))):
            here = slice(start, start + len(indices))
            fields.set(f"role.{role}", here, 1)
            fields.set_bits("address", here, indices)

    def _trace_positions(self, fields: PositionFields, precedence: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Write what positions say of the rows of blocks. Return step, number of the role, and pid of each of these rows.

        precedence: the place of each processor in the order of who wins, 0 first, [P].
        """
        processors = self.job.processors
        step, role, pid = (g.ravel() for g in np.mgrid[1 : self.time + 1, 0:3, 0:processors])
        blocks = slice(self.first_block, self.first_output)
        for number, name in enumerate(BLOCK_ROLES):
            fields.set(f"role.{name}", blocks, role == number)
        fields.set("last", blocks, (step == self.time) & (role == BLOCK_ROLES.index("C")))
        fields.set_bits("time", blocks, step)
        fields.set("step", blocks, step)
        fields.set_bits("pid", blocks, pid)
        if "rank" in self.circuit.fields:
            fields.set("rank", blocks, processors - 1 - precedence[pid])
        else:
            fields.set("priority", blocks, step * processors - precedence[pid])
        return step, role, pid

    # -- a run of the machine, as tokens -------------------------------------------------------

    def step_tokens(self, step: Step) -> dict[str, NDArray[np.int64]]:
        """The tokens that block `step.number` must hold, int64 [P] for each role."""
        vocabulary = self.circuit.vocabulary
        word, register = vocabulary.token("WORD"), vocabulary.token("REG")
        counter = np.where(step.next == HALTED, vocabulary.token("HALT"), vocabulary.token("PC") + step.next)
        destination = np.where(step.destination >= 0, word + step.destination, register + register_of(step.destination))
        none = step.destination == NO_DESTINATION
        return {"V": word + step.value, "C": counter, "A": np.where(none, vocabulary.token("NONE"), destination)}

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether the last block is there, and says that every processor has halted."""
        if len(tokens) < self.first_output:
            return False
        here = slice(self.row("C", self.time, 0), self.row("C", self.time, 0) + self.job.processors)
        return bool((tokens[here] == self.circuit.vocabulary.token("HALT")).all())

    def final_position(self, cell: int) -> int:
        """The position of an output cell in the final sequence."""
        return self.first_output + cell - self.job.outputs.start

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells, in the order of their addresses."""
        return tokens[self.first_output :] - self.circuit.vocabulary.token("WORD")
