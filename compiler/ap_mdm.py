"""Any-process masked diffusion: the state of the machine, edited in place, in the space that the machine needs.

    [BOS] [first output] [last output] [h - 2 parameters] [shared memory, inputs first]
    [for each processor: PC, R_0 .. R_{k-1}, DST, VAL, NPC]

Two decoding steps make one PRAM step, with one set of weights:

- *execute* (the buffers DST, VAL, NPC are masked): they are unmasked, and in the same step whatever they target
  - register, shared cell, the own PC - is remasked;
- *commit* (the buffers are written): masked cells are unmasked with the value that targets them, of several the one
  of the lowest pid, and the buffers are remasked.

The model itself grows the sequence from `[BOS][parameters][input words]` and shrinks it to `[BOS][outputs][HALT]`,
which is a fixed point. L is the length, N the full one:

- grow:     a mask inserts a mask iff its index >= 2L - N, the last token iff it is no mask and L < N; none if the last
            token is HALT. While L < N masks wait: their remask bit is set.
- start:    masked cells that nothing targets become 0, a masked PC whose NPC is masked becomes PC 0.
- shrink:   L = N and no PC that is not HALT: remask all but BOS, outputs and PC_0. A first parameter that is masked:
            delete every mask.

Every bit here is set on absence somewhere, and BOS reads nothing, so each gate asks for a row that is not BOS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.circuit import Bit, Builder, Circuit, Control, Linear, Lookup, Match, Threshold, total, word_of
from compiler.gates import FIRST, SECOND
from compiler.positions import Rows
from compiler.processor import ROM, Code, Keys, Processor, Roles, Size, bits_for, vocabulary
from models.positions import Positions
from models.tokens import MASK
from pram.job import Job

#: A processor's rows: its PC, its registers, then the buffers.
BUFFERS = ("DST", "VAL", "NPC")
#: Parameters of the construction's own: the first and last address of the outputs.
OWN_PARAMETERS = ("first output", "last output")
NO_RECENCY = Linear()
DEPTH = 3
POSITION_FIELDS = frozenset(
    [f"role.{role}" for role in (*BUFFERS, "PC", "register", "cell", "parameter", *OWN_PARAMETERS)]
    + ["one", "index", "full", "first", "pid", "rank", "address", "value"]
)


@dataclass(frozen=True)
class Widths:
    """Bits of a word, of a position in the sequence, and of a pid: all that weights depend on besides the program."""

    word: int
    length: int
    pid: int

    @staticmethod
    def cover(job: Job, time: int) -> Widths:
        """The least widths for a job; its time does not matter."""
        return Widths(job.word_bits, full_length(job).bit_length(), bits_for(job.processors))

    @property
    def extent(self) -> tuple[str, int]:
        """What the widths limit, and the bits of it."""
        return "N", self.length

    def widened(self, bits: int) -> Widths:
        """The same with an extent of so many bits."""
        return replace(self, length=bits)


def full_length(job: Job) -> int:
    """N = 1 + h + S + P (k + 4); h counts the construction's own two parameters."""
    h = len(job.parameters) + len(OWN_PARAMETERS)
    return 1 + h + job.space + job.processors * (job.registers + 1 + len(BUFFERS))


def build(code: Code, widths: Widths) -> Circuit:
    """The circuit that generates this code's runs by any-process masked diffusion, whatever their sizes and inputs."""
    return _Construction(code, widths).circuit()


class _Construction:
    """Declares the fields, then adds lookups and gates layer by layer."""

    def __init__(self, code: Code, widths: Widths) -> None:
        self.size = size = Size.of(code, widths.word)
        self.widths = widths
        self.longest = (1 << widths.length) - 1
        self.b = b = Builder(DEPTH)
        self.kinds = {kind: b.field(f"token.{kind}") for kind in ("BOS", MASK, "HALT", "REG", "PC", "WORD")}
        self.bits = b.field("token.bits", size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = b.field("one")
        self.role = {r: b.field(f"role.{r}") for r in (*BUFFERS, "PC", "register", "cell", "parameter", *OWN_PARAMETERS)}
        self.index, self.full = b.field("index", 1, self.longest), b.field("full", 1, self.longest)
        self.first = b.field("first")
        self.pid = b.field("pid", widths.pid)
        self.rank = b.field("rank", 1, (1 << widths.pid) - 1)
        self.address = b.field("address", max(size.word, size.index))
        self.value = b.field("value", size.word)
        # Written by layer 1.
        self.written = b.field("written", size.word)
        self.counterpart = {kind: b.field(f"counterpart.{kind}") for kind in ("PC", "HALT")}
        self.end, self.ended = b.field("end", 1, self.longest), b.field("ended")
        self.unhalted, self.vanishing = b.field("unhalted"), b.field("vanishing")
        self.low, self.high = (b.field(f"value.{name}", 1, (1 << size.word) - 1) for name in OWN_PARAMETERS)
        self.growing, self.is_last = b.field("growing"), b.field("is_last")
        self.owner = b.field("owner", widths.pid)
        self.shrinking, self.from_low, self.past_high = (b.field(name) for name in ("shrinking", "from_low", "past_high"))
        self.remask, self.insert, self.delete = (b.field(f"control.{edit}") for edit in ("remask", "insert", "delete"))
        self.processor = Processor(b, code, size)

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._grow()
        self._wait_and_clear()
        self._fill()
        self._shrink()
        self.processor.add_rom(self._roles())
        self.processor.add_operands(self._operand_keys(), [*self.pid])
        self.processor.add_operations()
        self.processor.add_fetch(self._cell_keys())
        self._target()
        control = Control(self.remask.flag, self.insert.flag, self.delete.flag)
        return Circuit(
            vocabulary(self.size), self.b.fields, self.kinds, self.bits, self.kinds["BOS"].flag, self.one.flag, self.b.layers,
            self.processor.readout(), POSITION_FIELDS, control,
        )  # fmt: skip

    # -- layer 1: what rows learn of others ----------------------------------------------------

    def _first_lookups(self) -> None:
        """Buffers read their PC, a PC its NPC, DST its VAL; all but BOS read the end, who runs, and the outputs' range."""
        role, kind = self._flags()
        same_pid = tuple(Match(q, k) for q, k in zip(self.pid, self.pid))
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        its_kind = tuple((kind[name], f.bit()) for name, f in self.counterpart.items())
        asks, other = (self._buffer() + role["PC"]), (role["PC"] + role["NPC"])
        self._lookup("counterpart", asks, (Match(role["PC"], role["NPC"]), *same_pid), other, (*counter, *its_kind))
        written = tuple((self.bits[j], self.written.bit(j)) for j in range(self.size.word))
        self._lookup("gather", role["DST"], same_pid, role["VAL"], written)
        everyone = 1 - kind["BOS"]
        last = ((self.index.flag, self.end.bit()), (kind["HALT"], self.ended.bit()))
        self._lookup("end", everyone, (), everyone, last, self.index.flag, self.longest)
        not_halt, found = (Match(Linear(), kind["HALT"]),), ((Linear(constant=1), self.unhalted.bit()),)
        self._lookup("unhalted", everyone, not_halt, role["PC"], found, self.rank.flag, (1 << self.widths.pid) - 1)
        number, (low, high) = word_of([*self.bits][: self.size.word]), OWN_PARAMETERS
        self._lookup("low", everyone, (), role[low], ((number, self.low.bit()), (kind[MASK], self.vanishing.bit())))
        self._lookup("high", everyone, (), role[high], ((number, self.high.bit()),))

    def _lookup(self, name: str, asks: Linear, matches: tuple[Match, ...], condition: Linear,
                reads: tuple[tuple[Linear, Bit], ...], recency: Linear = NO_RECENCY, most: int = 0) -> None:  # fmt: skip
        self.b.lookup(ROM, Lookup(name, asks, matches, (condition,), reads, recency, most))

    def _flags(self) -> tuple[dict[str, Linear], dict[str, Linear]]:
        """Roles and kinds of tokens as literals."""
        return {name: f.flag for name, f in self.role.items()}, {name: f.flag for name, f in self.kinds.items()}

    def _buffer(self) -> Linear:
        return total(self.role[name].flag for name in BUFFERS)

    # -- growing, waiting, shrinking -----------------------------------------------------------

    def _grow(self) -> None:
        """L is end + 1. One gate says whether a row is last, one whether L < N; the next layer joins them."""
        mask, bos = self.kinds[MASK].flag, self.kinds["BOS"].flag
        index, end, full, far = self.index.flag, self.end.flag, self.full.flag, 4 * self.longest
        beyond = index - 2 * end - 2 + full - (1 - mask) * far - self.ended.flag * far
        self.b.gate(ROM, Threshold(beyond, {self.insert.bit(): 1}))
        self.b.gate(ROM, Threshold(index - end - bos, {self.is_last.bit(): 1}))
        self.b.gate(ROM, Threshold(full - end - 2, {self.growing.bit(): 1}))
        literals = [self.is_last.flag, self.growing.flag, 1 - mask, 1 - self.ended.flag]
        self.b.when(FIRST, literals, {self.insert.bit(): 1})

    def _wait_and_clear(self) -> None:
        """Remask: masks that must wait; written buffers; a PC that runs, as it is always targeted."""
        mask, buffer = self.kinds[MASK].flag, self._buffer()
        remask = {self.remask.bit(): 1}
        self.b.when(FIRST, [mask, self.growing.flag, 1 - buffer], remask)
        self.b.when(ROM, [mask, buffer, 1 - self.counterpart["PC"].flag], remask)
        self.b.when(ROM, [1 - mask, buffer], remask)
        self.b.when(ROM, [self.role["PC"].flag, self.kinds["PC"].flag], remask)

    def _shrink(self) -> None:
        """First all but outputs and PC_0 is remasked; with the first parameter masked, every mask is deleted."""
        end, full, bos, mask = self.end.flag, self.full.flag, self.kinds["BOS"].flag, self.kinds[MASK].flag
        halted = end + 1 - full - self.unhalted.flag - self.vanishing.flag - 2 * bos
        self.b.gate(ROM, Threshold(halted, {self.shrinking.bit(): 1}))
        address, far = word_of([*self.address][: self.size.word]), 1 << self.size.word
        outside = (1 - self.role["cell"].flag) * far
        self.b.gate(ROM, Threshold(address - self.low.flag - outside, {self.from_low.bit(): 1}))
        self.b.gate(ROM, Threshold(address - self.high.flag - 1 - outside, {self.past_high.bit(): 1}))
        # Two gates, not from_low - past_high: in the final sequence the parameters' places hold any words.
        for dropped in (1 - self.from_low.flag, self.past_high.flag):
            self.b.when(FIRST, [self.shrinking.flag, 1 - mask, 1 - self.first.flag, dropped], {self.remask.bit(): 1})
        self.b.when(ROM, [mask, self.vanishing.flag], {self.delete.bit(): 1})

    # -- what masks become ---------------------------------------------------------------------

    def _fill(self) -> None:
        """Masked cells and registers become words, a masked PC what its NPC says."""
        mask, emit, counter = self.kinds[MASK].flag, self.processor.emit, self.processor.counter
        self.b.when(ROM, [self.role["cell"].flag + self.role["register"].flag, mask], {emit["WORD"].bit(): 1})
        pc = [self.role["PC"].flag, mask]
        self.b.when(ROM, [*pc, 1 - self.counterpart["HALT"].flag], {emit["PC"].bit(): 1})
        self.b.when(ROM, [*pc, self.counterpart["HALT"].flag], {emit["HALT"].bit(): 1})
        for j in range(self.size.counter):
            self.b.when(ROM, [*pc, counter[j]], {self.processor.out.bit(j): 1})

    def _roles(self) -> Roles:
        """Masked buffers of a processor whose PC is a program counter execute."""
        ready = (self.kinds[MASK].flag, self.counterpart["PC"].flag)
        value, destination, following = ((self.role[name].flag, *ready) for name in ("VAL", "DST", "NPC"))
        return Roles(value=value, destination=destination, next=following)

    def _operand_keys(self) -> Keys:
        """Registers and parameters hold their word; a pid is read off the DST row, whose value positions write."""
        register, parameter, pid = (self.role[name].flag for name in ("register", "parameter", "DST"))
        return Keys(
            index=[*self.address][: self.size.index],
            conditions=(register + parameter + pid,),
            values=[self.bits[j] + self.value[j] for j in range(self.size.word)],
            recency=NO_RECENCY,
            recency_max=0,
            flags=(parameter, pid),
            owner=[*self.pid],
            owned=1 - parameter,
        )

    def _cell_keys(self) -> Keys:
        values = [self.bits[j] for j in range(self.size.word)]
        return Keys([*self.address][: self.size.word], (self.role["cell"].flag,), values, NO_RECENCY, 0)

    # -- layer 3: who is targeted --------------------------------------------------------------

    def _target(self) -> None:
        """Cells and registers find the DST that targets them, of several the lowest pid's.

        While that DST is computed they read 1 into their remask bit; once it is written, its value.
        """
        role, kind = self._flags()
        emit, out, sums = self.processor.emit, self.processor.out, self.processor.sum
        to_register = emit["REG"].flag + kind["REG"]
        for j in range(self.pid.width):  # a store's owner is 0, as is the pid of a cell
            self.b.when(FIRST, [role["DST"], to_register, self.pid[j]], {self.owner.bit(j): 1})
        computing = emit["REG"].flag + emit["WORD"].flag
        matches = [Match(role["register"], to_register)]
        for j, own in enumerate(self.address):
            readable = ((out, self.size.register), (sums, sums.width), (self.bits, self.bits.width))
            target = [bits[j] for bits, width in readable if j < width]
            matches.append(Match(own, total(target)))
        matches += [Match(q, k) for q, k in zip(self.pid, self.owner)]
        conditions = (role["DST"], computing + kind["REG"] + kind["WORD"])
        reads = [(computing, self.remask.bit())]
        reads += [(self.written[j], out.bit(j)) for j in range(self.size.word)]
        asks = role["cell"] + role["register"]
        recency = self.rank.flag, (1 << self.widths.pid) - 1
        self.b.lookup(SECOND, Lookup("target", asks, tuple(matches), conditions, tuple(reads), *recency))


@dataclass(frozen=True)
class Layout:
    """Where everything stands in the full sequence of one job, and its positions; `time`, the run's, does not matter."""

    job: Job
    circuit: Circuit
    widths: Widths
    time: int

    def __post_init__(self) -> None:
        if self.length.bit_length() > self.widths.length or self.job.processors > 1 << self.widths.pid:
            raise ValueError(
                f"{self.length} tokens and {self.job.processors} processors do not fit {self.widths.length} and {self.widths.pid} bits"
            )

    @property
    def length(self) -> int:
        """N, the peak context length."""
        return full_length(self.job)

    @property
    def first_cell(self) -> int:
        return 1 + len(OWN_PARAMETERS) + len(self.job.parameters)

    @property
    def start_length(self) -> int:
        """n0, the context length at the start."""
        return self.first_cell + self.job.inputs

    @property
    def first_processor(self) -> int:
        return self.first_cell + self.job.space

    @property
    def rows_each(self) -> int:
        """Rows of one processor."""
        return self.job.registers + 1 + len(BUFFERS)

    def row(self, role: str, pid: int, register: int = 0) -> int:
        """The position of a processor's PC, register, DST, VAL or NPC."""
        offset = {"PC": 0, "register": 1 + register} | {b: 1 + self.job.registers + i for i, b in enumerate(BUFFERS)}
        return self.first_processor + pid * self.rows_each + offset[role]

    def tokens(self) -> NDArray[np.int64]:
        """x_0: int64 [start_length]: BOS, parameters, input words."""
        vocabulary, job = self.circuit.vocabulary, self.job
        outputs = (job.outputs.start, job.outputs.stop - 1) if job.outputs else (1, 0)
        top = (1 << self.widths.word) - 1
        words = [*outputs, *(p & top for p in job.parameters), *job.memory[: job.inputs].tolist()]
        return np.array([vocabulary.token("BOS"), *(vocabulary.token("WORD", w) for w in words)], np.int64)

    def positions(self) -> Positions:
        """The position encoding; row i belongs to position i."""
        rows, n, own = Rows(self.circuit, self.length), self.length, len(OWN_PARAMETERS)
        rows.set("one", slice(None), 1)
        rows.set("index", slice(None), np.arange(n))
        rows.set("full", slice(1, None), n)
        for i, name in enumerate(OWN_PARAMETERS):
            rows.set(f"role.{name}", slice(1 + i, 2 + i), 1)
        parameters, cells = slice(1 + own, self.first_cell), slice(self.first_cell, self.first_processor)
        for role, here in (("parameter", parameters), ("cell", cells)):
            rows.set(f"role.{role}", here, 1)
            rows.spell("address", here, np.arange(here.stop - here.start))
        self._processor_positions(rows)
        return rows.positions

    def _processor_positions(self, rows: Rows) -> None:
        job, here = self.job, slice(self.first_processor, self.length)
        pid, row = (g.ravel() for g in np.mgrid[0 : job.processors, 0 : self.rows_each])
        rows.set("role.PC", here, row == 0)
        rows.set("role.register", here, (1 <= row) & (row <= job.registers))
        rows.spell("address", here, np.where((1 <= row) & (row <= job.registers), row - 1, 0))
        for i, name in enumerate(BUFFERS):
            rows.set(f"role.{name}", here, row == 1 + job.registers + i)
        rows.set("first", here, (row == 0) & (pid == 0))
        rows.spell("pid", here, pid)
        rows.set("rank", here, (1 << self.widths.pid) - 1 - pid)
        rows.spell("value", here, np.where(row == 1 + job.registers + BUFFERS.index("DST"), pid, 0))

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether this is a final sequence, `[BOS] [outputs] [HALT]`."""
        return len(tokens) == 2 + len(self.job.outputs) and bool(tokens[-1] == self.circuit.vocabulary.token("HALT"))

    def final_position(self, cell: int) -> int:
        """Where an output cell stands in the final sequence."""
        return 1 + cell - self.job.outputs.start

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells in the final sequence, in the order of their addresses."""
        return tokens[1 : 1 + len(self.job.outputs)] - self.circuit.vocabulary.token("WORD")
