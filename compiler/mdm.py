"""Masked diffusion: one sequence holds the whole computation. Its masks are replaced block by block.

    [BOS] [h parameters] [n input words] [block 1] ... [block T] [m outputs]
    block t = V_0 .. V_{P-1}  C_0 .. C_{P-1}  A_0 .. A_{P-1}

V is the value that a processor writes in step t, C its next program counter or HALT, A the destination (NONE,
REG r, or an address). The A token *publishes* the write: later rows find it, and its position has gathered V.
Row (t, p) is ready when no token of block t - 1 is masked, so each decoding step fills one block. All remaining
rows of a processor that has halted are filled at once.

Two conditions make any decoding order right, even one token at a time. The row of step t takes its program
counter from C(t - 1, p), not from the latest C. And an A token is a key only when its own block holds no mask.
Outputs wait until every C of the last block is HALT. Then every processor has halted. Each one halted when all
blocks before its HALT were complete, so no block that holds a write has a mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.adding import add_digit, exponent_for, low_bits
from lockstep.compiler.circuit import At, Builder, Circuit, Match, Pool
from lockstep.compiler.combining import add_complement, complement_reads, is_by_value, value_and_rank
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Bit, Linear, word_of
from lockstep.compiler.names import MDM
from lockstep.compiler.position_fields import PositionFields, check_winner
from lockstep.compiler.processor import Code, Keys, Processor, Roles, Size, bits_for
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, Step, register_of

#: The roles of a block's rows, in order.
BLOCK_ROLES = ("V", "C", "A")
#: The fields that position encodings write: roles, time, processor, address. The `sum` of an output row is its cell's address.
POSITION_FIELDS = frozenset(
    [f"role.{role}" for role in (*BLOCK_ROLES, "parameter", "input", "output")]
    + ["one", "last", "first", "time", "time.previous", "step", "pid", "place", "address", "value", "sum"]
    + ["priority", "rank"]  # one of them
)


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


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by masked diffusion."""
    return _MdmBuilder(code, widths).circuit()


class _MdmBuilder:
    """Declares the fields, then adds lookups and gates layer by layer."""

    def __init__(self, code: Code, widths: Widths) -> None:
        self.code, self.size = code, (size := Size.of(code, widths.word))
        self.widths = widths
        self.builder = builder = Builder()
        self.kinds = {kind: builder.field(f"token.{kind}") for kind in ("BOS", MASK, "HALT", "REG", "WORD")}
        self.bits = builder.field("token.bits", size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = builder.field("one")
        self.role = {role: builder.field(f"role.{role}") for role in (*BLOCK_ROLES, "parameter", "input", "output")}
        self.last = builder.field("last")
        self.first = builder.field("first")
        self.time = builder.field("time", widths.time)
        self.previous = builder.field("time.previous", widths.time)
        self.step = builder.field("step", 1, (1 << widths.time) - 1)
        self.pid = builder.field("pid", widths.pid)
        by_value, ranks = is_by_value(code), 1 << widths.pid
        self.priority = builder.field("rank", 1, ranks - 1) if by_value else builder.field("priority", 1, ranks << widths.time)
        self.place = builder.field("place", 1, 3 << widths.pid)
        self.address = builder.field("address", max(size.word, size.index))
        # Written by layer 1.
        self.value = builder.field("value", size.word)
        self.complement = add_complement(builder, code, size.word)
        if code.combining == "sum":
            self.share, self.rest = builder.field("share", 1, (1 << size.word) - 1), builder.field("rest", 1, (1 << self.low) - 1)
            self.digit = builder.field("high", size.word - self.low)
        self.state = {name: builder.field(name) for name in ("masked.own", "masked.previous", "halted", "unfinished")}
        self.is_register, self.is_cell, self.reading = (builder.field(name) for name in ("is_register", "is_cell", "reading"))
        self.processor = Processor(builder, code, size)

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._halted_and_outputs()
        self._keys_and_values()
        self.processor.add_rom(self._roles())
        self.processor.add_operands(self._operand_keys(), [*self.pid])
        self.processor.add_operations()
        if self.code.combining == "sum":
            self._add_up()
        else:
            self.processor.add_fetch(self._cell_keys(), self.reading.flag)
        return self.processor.circuit(self.kinds, self.bits, self.one, POSITION_FIELDS.intersection(self.builder.fields))

    # -- layer 1 -------------------------------------------------------------------------------

    def _first_lookups(self) -> None:
        masked, role = self.kinds[MASK].flag, {name: f.flag for name, f in self.role.items()}
        trace = role["V"] + role["C"] + role["A"]
        at_time = [Match(q, k) for q, k in zip(self.time, self.time)]
        at_previous = [Match(q, k) for q, k in zip(self.previous, self.time)]
        same_pid = [Match(q, k) for q, k in zip(self.pid, self.pid)]
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        self.builder.look_up(At.ROM, "fetch", masked, [*at_previous, *same_pid], (role["C"],), counter)
        word = [*self.bits][: self.size.word]
        gathered = [(bit, self.value.bit(j)) for j, bit in enumerate(word)]
        gathered += complement_reads(word, self.complement)
        self.builder.look_up(At.ROM, "gather", role["A"], [*at_time, *same_pid], (role["V"],), gathered)
        # The place in a block, 1 .. 3 * 2^pid_bits, is a unique recency, so no lookup ties.
        place = (self.place.flag, 3 << self.widths.pid)
        self.builder.look_up(At.ROM, "masked.own", role["A"], at_time, (masked, trace), self._one("masked.own"), *place)
        self.builder.look_up(
            At.ROM, "masked.previous", masked, at_previous, (masked, trace), self._one("masked.previous"), *place
        )
        halt = self.kinds["HALT"].flag
        self.builder.look_up(
            At.ROM, "halted", masked, same_pid, (halt,), self._one("halted"), self.step.flag, 1 << self.widths.time
        )
        not_halt = [Match(Linear(), halt)]
        self.builder.look_up(At.ROM, "unfinished", role["output"], not_halt, (self.last.flag,), self._one("unfinished"), *place)

    def _one(self, state: str) -> tuple[tuple[Linear, Bit], ...]:
        """The reads of a lookup that adds 1 to a state flag if any row is found."""
        return ((Linear(constant=1), self.state[state].bit()),)

    def _roles(self) -> Roles:
        ready = (self.kinds[MASK].flag, 1 - self.state["masked.previous"].flag, 1 - self.state["halted"].flag)
        v, c, a = ((self.role[name].flag, *ready) for name in BLOCK_ROLES)
        return Roles(value=v, next=c, destination=a)

    def _halted_and_outputs(self) -> None:
        """Fill the rows of halted processors. Make outputs ask for their cell when all processors have halted."""
        masked, halted, emit = self.kinds[MASK].flag, self.state["halted"].flag, self.processor.emit
        for role, kind in zip(BLOCK_ROLES, ("WORD", "HALT", "NONE")):
            self.builder.when(At.ROM, [self.role[role].flag, masked, halted], {emit[kind].bit(): 1})
        finished = 1 - self.state["unfinished"].flag
        done = {emit["WORD"].bit(): 1, self.reading.bit(): 1}
        self.builder.when(At.ROM, [self.role["output"].flag, masked, finished], done)

    def _keys_and_values(self) -> None:
        """Make published writes keys, with their destination. Make the words of parameters and inputs values."""
        visible = [self.role["A"].flag, 1 - self.state["masked.own"].flag]
        self.builder.when(At.ROM, [*visible, self.kinds["REG"].flag], {self.is_register.bit(): 1})
        self.builder.when(At.ROM, [*visible, self.kinds["WORD"].flag], {self.is_cell.bit(): 1})
        for j in range(self.size.token):
            if j < self.address.width:
                self.builder.when(At.ROM, [self.role["A"].flag, self.bits[j]], {self.address.bit(j): 1})
            if j < self.size.word:
                given = self.role["parameter"].flag + self.role["input"].flag
                self.builder.when(At.ROM, [given, self.bits[j]], {self.value.bit(j): 1})

    # -- the key sides of layers 2 and 3 -------------------------------------------------------

    def _operand_keys(self) -> Keys:
        """Keys of registers are A tokens. A pid is read from the V row of block 1, where the position encoding holds it."""
        parameter, pid = self.role["parameter"].flag, self.first.flag
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(self.is_register.flag + parameter + pid,),
            values=[*self.value],
            recency=self.step.flag,
            recency_max=1 << self.widths.time,
            flags=(parameter, pid),
            owner=[*self.pid],
            owned=1 - parameter,
        )

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
        wins, most = value_and_rank([*(self.complement or self.value)], self.priority.flag, widths.pid)
        return self.step.flag * (most + 1) + wins, (most + 1 << widths.time) - 1

    # -- CRCW sum ------------------------------------------------------------------------------

    @property
    def low(self) -> int:
        return low_bits(self.size.word)

    def _add_up(self) -> None:
        """A tokens find all writes to their cell in their step. Reads of a cell bring the high digit of the sum and the rest.

        Input words enter `share` by gates, so that they are read in the same way.
        """
        builder, out, share, high = self.builder, self.processor.out, self.share.flag, [*self.digit]
        for j in range(self.size.word):
            builder.when(At.ROM, [self.role["input"].flag, self.bits[j]], {self.share.bit(): 1 << j})
        cell = self.is_cell.flag
        same = [Match(bit, bit) for bit in (*self.time, *[*self.address][: self.size.word])]
        exponent, most = exponent_for(self.size.word, self.widths.pid), 1 << self.widths.pid
        reads = ((word_of([*self.value]), self.share.bit()),)
        pool = Pool("combine", cell, tuple(same), (cell,), reads, exponent=exponent, most=most)
        builder.layers[At.OPERANDS].lookups.append(pool)
        add_digit(builder, At.OPERANDS, share, self.low, [self.digit.bit(j) for j in range(self.digit.width)])
        digits = [(bit, out.bit(self.low + j)) for j, bit in enumerate(high)]
        rest = share - word_of(high) * (1 << self.low)
        self.processor.add_fetch(self._cell_keys(), self.reading.flag, [*digits, (rest, self.rest.bit())])
        add_digit(builder, At.MEMORY, self.rest.flag, 0, [out.bit(j) for j in range(self.low)])


@dataclass(frozen=True)
class Layout:
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

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [length]: BOS, parameters, inputs, and MASK everywhere else."""
        vocabulary, job = self.circuit.vocabulary, self.job
        mask = (1 << self.widths.word) - 1
        word = vocabulary.token("WORD")
        tokens = np.full(self.length, vocabulary.mask, np.int64)
        tokens[0] = vocabulary.token("BOS")
        given = [p & mask for p in job.parameters] + job.memory[: job.inputs].tolist()
        tokens[1 : self.first_block] = word + np.array(given, np.int64)
        return tokens

    def positions(self) -> Positions:
        """The position encoding of `length` positions."""
        fields = PositionFields(self.circuit, self.length)
        job, h, n = self.job, len(self.job.parameters), self.job.inputs
        fields.set("one", slice(None), 1)
        for role, start, indices in (("parameter", 1, np.arange(h)), ("input", 1 + h, np.arange(n))):
            here = slice(start, start + len(indices))
            fields.set(f"role.{role}", here, 1)
            fields.set_bits("address", here, indices)
        outputs = slice(self.first_output, self.length)
        fields.set("role.output", outputs, 1)
        fields.set_bits("sum", outputs, np.arange(job.outputs.start, job.outputs.stop))
        self._block_positions(fields)
        return fields.positions

    def _block_positions(self, fields: PositionFields) -> None:
        processors = self.job.processors
        step, role, pid = (g.ravel() for g in np.mgrid[1 : self.time + 1, 0:3, 0:processors])
        blocks = slice(self.first_block, self.first_output)
        for number, name in enumerate(BLOCK_ROLES):
            fields.set(f"role.{name}", blocks, role == number)
        fields.set("last", blocks, (step == self.time) & (role == BLOCK_ROLES.index("C")))
        fields.set_bits("time", blocks, step)
        fields.set_bits("time.previous", blocks, step - 1)
        fields.set("step", blocks, step)
        fields.set_bits("pid", blocks, pid)
        precedence = self.job.winner.precedence(processors)[pid]
        if "rank" in self.circuit.fields:
            fields.set("rank", blocks, processors - 1 - precedence)
        else:
            fields.set("priority", blocks, step * processors - precedence)
        fields.set("place", blocks, 3 * pid + role + 1)
        source = (step == 1) & (role == BLOCK_ROLES.index("V"))
        fields.set("first", blocks, source)
        fields.set_bits("value", blocks, np.where(source, pid, 0))

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
        """Whether the last block says that every processor has halted."""
        here = slice(self.row("C", self.time, 0), self.row("C", self.time, 0) + self.job.processors)
        return bool((tokens[here] == self.circuit.vocabulary.token("HALT")).all())

    def final_position(self, cell: int) -> int:
        """The position of an output cell in the final sequence."""
        return self.first_output + cell - self.job.outputs.start

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells, in the order of their addresses."""
        return tokens[self.first_output :] - self.circuit.vocabulary.token("WORD")


CONSTRUCTION = Construction(MDM, Widths, Widths.cover, build, Layout)
